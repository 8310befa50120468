"""Speed beside PyTorch's: ``python -m tools.bench train``, whole steps; ``data``, sources."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from engine.kernels.onednn.precision import has_bf16
from layers.errors import DemitasseError
from layers.kernels.threads import thread_count
from tools.bench import data
from tools.bench.compare import PRECISIONS, Result, compare
from tools.bench.data_ours import SOURCES
from tools.bench.nets import NETS
from tools.bench.report import markdown, write


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a benchmark; returns 0, or 2 where a process fails or the two sides differ."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    train = kinds.add_parser("train", help="whole training steps")
    train.add_argument(
        "--nets", type=_list, default=list(NETS), metavar="NET,...",
        help=f"some of {', '.join(NETS)}, or paths of configs; all of them unless told",
    )  # fmt: skip
    train.add_argument(
        "--threads", type=_list, default=[str(thread_count())], metavar="N,...",
        help="numbers of threads, one after the other; the cores of the machine unless told",
    )  # fmt: skip
    train.add_argument(
        "--precisions", type=_list, default=["fp32"], metavar="PRECISION,...",
        help="fp32 (without the option), bf16, or both, one after the other",
    )  # fmt: skip
    read = kinds.add_parser("data", help="reading and transforming images")
    read.add_argument(
        "--sources", type=_list, default=list(SOURCES), metavar="SOURCE,...",
        help=f"some of {', '.join(SOURCES)}; all of them unless told",
    )  # fmt: skip
    for name, value in vars(data.DataTask()).items():
        read.add_argument(f"--{name}", type=int, default=value, help=f"({value})")
    for kind, packages in ((train, "NumPy"), (read, "NumPy, lmdb, h5py, OpenCV and Pillow")):
        _add_shared(kind, packages)
    arguments = parser.parse_args(argv)
    try:
        _train(arguments) if arguments.what == "train" else _data(arguments)
    except DemitasseError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


def _add_shared(parser: argparse.ArgumentParser, packages: str) -> None:
    parser.add_argument(
        "--peer-python", default="", metavar="PATH",
        help=f"the Python of a virtual environment with PyTorch, {packages}",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="turns of each process (5)")
    parser.add_argument(
        "--patience", type=float, default=60, metavar="SECONDS",
        help="how long to wait for others to be done before each measurement (60)",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write the report there")


def _train(arguments: argparse.Namespace) -> None:
    results: list[Result] = []
    for precision in arguments.precisions:
        if precision not in PRECISIONS:
            raise DemitasseError("no such precision", got=precision, expected="fp32 or bf16")
        if precision == "bf16" and not has_bf16():
            raise DemitasseError("bf16 needs oneDNN and a processor with AVX512_BF16")
    given = (arguments.rounds, arguments.peer_python, arguments.patience)
    for net, threads, precision in product(
        arguments.nets, map(int, arguments.threads), arguments.precisions
    ):
        print(f"{net}, {threads} threads, {precision} ...", file=sys.stderr)
        results.append(compare(net, threads, precision, *given))
        print(markdown(results), file=sys.stderr)
        if arguments.output:  # after every net: the whole takes long
            write(results, arguments.output)
    print(markdown(results), end="")


def _data(arguments: argparse.Namespace) -> None:
    task = data.DataTask(arguments.images, arguments.size, arguments.crop, arguments.batch)
    rows: list[data.Row] = []
    for row in data.run(
        arguments.sources, task, arguments.rounds, arguments.peer_python, arguments.patience
    ):
        rows.append(row)
        if arguments.output:
            data.write(rows, task, arguments.output)
    print(data.markdown(rows, task), end="")


def _list(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


if __name__ == "__main__":
    sys.exit(main())
