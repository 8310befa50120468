"""demitasse train: train a net as a config file says."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from engine import Solver
from engine.net import weights
from engine.spec import read_solver
from layers.errors import DemitasseError
from tools.progress import ProgressListener
from tools.run import run_command

log = logging.getLogger("demitasse")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options, Caffe's spellings among them."""
    parser.add_argument(
        "--config", "--solver", "-solver", required=True, metavar="FILE",
        help="a YAML file with solver: and net: sections, or a Caffe solver prototxt",
    )  # fmt: skip
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
        help="override a setting, e.g. solver.base_lr=0.005 or "
        "net.layer.conv1.convolution_param.num_output=64; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--resume", "--snapshot", "-snapshot", metavar="FILE",
        help="continue from a .solverstate; `auto` takes the newest good one of the prefix",
    )  # fmt: skip
    parser.add_argument(
        "--weights", "-weights", metavar="FILE[,FILE...]",
        help="start from the parameters in these .caffemodel files, layer by layer by name",
    )  # fmt: skip
    parser.add_argument(
        "--gpu", "-gpu", metavar="ID", help="accepted for Caffe's sake; training uses the CPU"
    )
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )


def run(arguments: argparse.Namespace) -> int:
    """Trains; returns 0, or raises a DemitasseError for what is wrong with the input."""
    if arguments.resume and arguments.weights:
        raise DemitasseError(
            "--resume and --weights exclude each other",
            hint="a snapshot already holds the weights; leave one of the two out",
        )
    spec = read_solver(Path(arguments.config), arguments.overrides)
    if arguments.gpu is not None:
        spec.param.solver_mode = spec.param.GPU
    solver = Solver(spec, allow_code=arguments.allow_code)
    log.info("Training %s, random seed %d", solver.net.name or arguments.config, solver.seed)
    _load(solver, arguments)
    if solver.iter >= solver.param.max_iter:
        log.warning(
            "iteration %d has reached max_iter %d: nothing left to train",
            solver.iter,
            solver.param.max_iter,
        )
        return 0
    solver.listener = listener = ProgressListener(solver.iter, solver.param.max_iter)
    try:
        solver.solve()
    finally:
        listener.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """``train``: the same as ``demitasse train``."""
    parser = argparse.ArgumentParser(prog="train", description="Train a net as a config file says.")
    add_arguments(parser)
    return run_command(run, parser.parse_args(argv))


def _load(solver: Solver, arguments: argparse.Namespace) -> None:
    """Takes up a snapshot or the parameters of other models."""
    if arguments.resume == "auto":
        path = solver.restore_newest()
        if path is None:
            log.info("No snapshot of %s yet: starting from the beginning", solver.prefix)
        else:
            log.info("Resuming from %s at iteration %d", path, solver.iter)
    elif arguments.resume:
        solver.restore(arguments.resume)
        log.info("Resuming from %s at iteration %d", arguments.resume, solver.iter)
    for file in (arguments.weights or "").split(","):
        if file:
            report = weights.copy_from(solver.net, file)
            for line in report.lines():
                log.info("%s", line)
            if report.mismatched:
                log.warning(
                    "not fitted, and so starting untrained: %s; rename what is meant to be new",
                    ", ".join(report.mismatched),
                )


if __name__ == "__main__":
    sys.exit(main())
