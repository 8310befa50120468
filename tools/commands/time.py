"""demitasse time: measure each layer of a net, forward and backward."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine import Net
from engine.net.params import Arena
from engine.solver.nets import train_net
from engine.spec import NetSpec, find_file, read_net, read_solver
from engine.spec.raw import is_solver
from layers import TEST, TRAIN
from layers.errors import DemitasseError
from layers.kernels.threads import thread_count
from tools.console.json_text import add_json_option, json_text
from tools.options.engine import add_engine_option, use_engine
from tools.options.overrides import add_set_option
from tools.options.threads import add_threads_option, use_threads
from tools.timing.inputs import fill_inputs
from tools.timing.kernels import NUMPY, ONEDNN, why_numpy
from tools.timing.record import record
from tools.timing.report import table, write_trace
from tools.timing.stopwatch import Stopwatch

_PHASES = {"train": TRAIN, "test": TEST}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options, Caffe's spellings among them."""
    parser.add_argument(
        "--config", "--model", "-model", required=True, metavar="FILE",
        help="a net, or a solver, whose net to train is meant",
    )  # fmt: skip
    parser.add_argument(
        "--iterations", "-iterations", type=int, default=10, metavar="N",
        help="passes to measure, after one that is not (10)",
    )  # fmt: skip
    parser.add_argument(
        "--phase", "-phase", choices=_PHASES, default="train", type=str.lower,
        help="train, unless told",
    )  # fmt: skip
    add_set_option(parser, "vars.batch=8")
    parser.add_argument(
        "--stage", action="append", default=[], metavar="NAME",
        help="also be in this stage; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--chrome-trace", type=Path, metavar="FILE",
        help="write every pass of every layer there, for chrome://tracing or Perfetto",
    )  # fmt: skip
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )
    add_threads_option(parser)
    add_engine_option(parser)
    add_json_option(parser, "the times of all layers")


def run(arguments: argparse.Namespace) -> int:
    """Measures and prints a table; returns 0."""
    if arguments.iterations < 1:
        got = str(arguments.iterations)
        raise DemitasseError("--iterations needs a number of passes", got=got, expected="1 up")
    use_threads(arguments.threads)
    use_engine(arguments.engine)
    spec = _read(arguments.config, arguments.overrides)
    net = Net(
        spec,
        phase=_PHASES[arguments.phase],
        stages=arguments.stage,
        allow_code=arguments.allow_code,
        seed=1,
    )
    fill_inputs(net)
    watch = Stopwatch(net)
    watch.run(arguments.iterations)
    if arguments.json:
        of_run = {
            "net": net.name,
            "phase": arguments.phase,
            "threads": thread_count(),
            "engine": ONEDNN if watch.compiled else NUMPY,
        }
        sys.stdout.write(json_text(of_run | record(watch)))
    else:
        _print_table(watch, arguments)
    if arguments.chrome_trace:
        write_trace(watch, arguments.chrome_trace)
    return 0


def _print_table(watch: Stopwatch, arguments: argparse.Namespace) -> None:
    net = watch.net
    threads = "1 thread" if thread_count() == 1 else f"{thread_count()} threads"
    engine = "oneDNN" if watch.compiled else f"NumPy ({why_numpy(net)})"
    print(f"{net.name or arguments.config}, phase {arguments.phase}, {threads}, {engine}")
    print(table(watch, _parameter_bytes(net.arena)))


def _read(config: str, overrides: list[str]) -> NetSpec:
    path = find_file(config)
    return train_net(read_solver(path, overrides)) if is_solver(path) else read_net(path, overrides)


def _parameter_bytes(arena: Arena) -> int:
    return sum(param.blob.data.nbytes for param, _ in arena.slots)
