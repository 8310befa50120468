"""``python -m tools.bench train``: whole training steps, beside PyTorch's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from layers.errors import DemitasseError
from layers.kernels.threads import thread_count
from tools.bench.compare import Result, compare
from tools.bench.nets import NETS
from tools.bench.report import markdown, write


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0, or 2 where a process fails or the nets differ."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    train = parser.add_subparsers(dest="what", required=True).add_parser("train")
    train.add_argument(
        "--nets", type=_list, default=list(NETS), metavar="NET,...",
        help=f"some of {', '.join(NETS)}, or paths of configs; all of them unless told",
    )  # fmt: skip
    train.add_argument(
        "--peer-python", default="", metavar="PATH",
        help="the Python of a virtual environment with PyTorch and NumPy",
    )  # fmt: skip
    train.add_argument(
        "--threads", type=_list, default=[str(thread_count())], metavar="N,...",
        help="numbers of threads, one after the other; the cores of the machine unless told",
    )  # fmt: skip
    train.add_argument("--rounds", type=int, default=5, help="turns of each process (5)")
    train.add_argument(
        "--patience", type=float, default=60, metavar="SECONDS",
        help="how long to wait for others to be done before each measurement (60)",
    )  # fmt: skip
    train.add_argument("--output", type=Path, metavar="DIR", help="also write the report there")
    arguments = parser.parse_args(argv)
    results: list[Result] = []
    try:
        for result in _run(arguments):
            results.append(result)
            print(markdown(results), file=sys.stderr)
            if arguments.output:  # after every net: the whole takes long
                write(results, arguments.output)
    except DemitasseError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return problem.exit_code
    print(markdown(results), end="")
    return 0


def _run(arguments: argparse.Namespace) -> Iterator[Result]:
    for net in arguments.nets:
        for threads in map(int, arguments.threads):
            print(f"{net}, {threads} threads ...", file=sys.stderr)
            yield compare(net, threads, arguments.rounds, arguments.peer_python, arguments.patience)


def _list(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


if __name__ == "__main__":
    sys.exit(main())
