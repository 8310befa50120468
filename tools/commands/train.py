"""demitasse train: train a net as a config file says."""

from __future__ import annotations

import argparse
import logging
import math
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine import Solver
from engine.net import weights
from engine.solver.checks import no_end
from engine.solver.interrupts import Effect, Interrupts, TimeLimit
from engine.spec import read_solver
from layers.errors import DemitasseError
from tools.completion.shell import answer_completion
from tools.console.run import run_command
from tools.options.durations import parse_duration
from tools.options.engine import add_engine_option, use_engine
from tools.options.overrides import add_set_option
from tools.options.threads import add_threads_option, use_threads
from tools.training.clock import TrainingClock
from tools.training.closing import closing_lines
from tools.training.progress import Listeners, ProgressListener
from tools.training.run_log import RunLog

log = logging.getLogger("demitasse")

EFFECTS = ("stop", "snapshot", "none")
_AROUND = 1.0  # seconds of a time limit kept for Python's start, before we count, and its end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options, Caffe's spellings among them."""
    parser.add_argument(
        "--config", "--solver", "-solver", metavar="FILE",
        help="a YAML file with solver: and net: sections, or a Caffe solver prototxt",
    )  # fmt: skip
    parser.add_argument("stray", nargs="?", help=argparse.SUPPRESS)  # a config without --config
    parser.set_defaults(wrong_usage=parser.error)
    add_set_option(
        parser, "solver.base_lr=0.005 or net.layer.conv1.convolution_param.num_output=64"
    )
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
        "--time-limit", metavar="TIME",
        help="save and end, with exit code 0, before so much time is over: 2h, 90s, 1:30:00",
    )  # fmt: skip
    for name, default in (("sigint", "stop"), ("sighup", "snapshot")):
        effect = f"{name}_effect"
        parser.add_argument(
            f"--{effect}", f"--{name}-effect", f"-{effect}", choices=EFFECTS, default=default,
            help=f"what {name.upper()} does: stop (and save), snapshot (and go on) or none; "
            "default: %(default)s",
        )  # fmt: skip
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )
    add_threads_option(parser)
    add_engine_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Trains; returns 0, or raises a DemitasseError for what is wrong with the input."""
    if arguments.config is None:
        hint = f"; write --config {arguments.stray}" if arguments.stray else ""
        arguments.wrong_usage(f"no config is given: --config FILE is required{hint}")
    if arguments.stray:
        arguments.wrong_usage(f"unrecognized arguments: {arguments.stray}")
    for option in ("resume", "weights"):
        given = getattr(arguments, option)
        if given is not None and not given.strip(", "):
            raise DemitasseError(f"--{option} names no file", hint="is a variable empty?")
    if arguments.resume and arguments.weights:
        raise DemitasseError(
            "--resume and --weights exclude each other",
            hint="a snapshot already holds the weights; leave one of the two out",
        )
    deadline = _deadline(arguments.time_limit)
    use_threads(arguments.threads)
    use_engine(arguments.engine)
    spec = read_solver(Path(arguments.config), arguments.overrides)
    if arguments.gpu is not None:
        spec.param.solver_mode = spec.param.GPU
    solver = Solver(spec, allow_code=arguments.allow_code)
    solver.net.keep_gradients = solver.net.debug_info  # nobody else can look at them
    log.info("Training %s, random seed %d", solver.net.name or arguments.config, solver.seed)
    if not solver.param.max_iter:
        raise no_end(spec)
    resumed_from = _load(solver, arguments)
    if solver.iter >= solver.param.max_iter:
        log.warning(
            "iteration %d has reached max_iter %d: nothing left to train",
            solver.iter,
            solver.param.max_iter,
        )
        return 0
    return _train(solver, arguments, deadline, resumed_from)


def main(argv: Sequence[str] | None = None) -> int:
    """``train``: the same as ``demitasse train``."""
    parser = argparse.ArgumentParser(prog="train", description="Train a net as a config file says.")
    add_arguments(parser)
    answer_completion(parser)
    return run_command(run, parser.parse_args(argv))


def _train(
    solver: Solver, arguments: argparse.Namespace, deadline: float | None, resumed_from: str | None
) -> int:
    """Trains with everything that the command line adds to a solver; returns the exit code."""
    clock = TrainingClock(solver.net)
    bar = ProgressListener(solver.iter, solver.param.max_iter, clock)
    record = RunLog(solver, sys.argv, resumed_from, clock)
    limit = TimeLimit(solver, math.inf if deadline is None else deadline)
    solver.listener = Listeners(clock, bar, record, limit)
    reason = "error"
    try:
        with Interrupts(solver, _effects(arguments)) as interrupts:
            solver.solve()
        for net in (solver.net, *solver.test_nets):
            net.close()
        reason = _reason(solver, interrupts, limit)
    except DemitasseError as problem:
        reason = f"error: {problem.what}"
        raise
    finally:
        bar.close()
        record.ended(reason)
    if interrupts.received is not None or limit.reached:
        log.info("Ended by %s at iteration %d; `--resume auto` goes on", reason, solver.iter)
    for line in closing_lines(clock, record.path):
        log.info("%s", line)
    return interrupts.exit_code


def _reason(solver: Solver, interrupts: Interrupts, limit: TimeLimit) -> str:
    if interrupts.received is not None:
        return interrupts.received.name
    if limit.reached:
        return "the time limit"
    return "max_iter" if solver.iter >= solver.param.max_iter else "early_stop"


def _effects(arguments: argparse.Namespace) -> dict[signal.Signals, Effect]:
    effects: dict[signal.Signals, Effect] = {
        signal.SIGINT: arguments.sigint_effect,
        signal.SIGTERM: "stop",
    }
    if hasattr(signal, "SIGHUP"):  # not on Windows
        effects[signal.SIGHUP] = arguments.sighup_effect
    return effects


def _deadline(time_limit: str | None) -> float | None:
    """When training has to be over for the whole process to be; by ``time.monotonic()``."""
    if time_limit is None:
        return None
    length = parse_duration(time_limit)
    return time.monotonic() + length - min(_AROUND, length / 4)


def _load(solver: Solver, arguments: argparse.Namespace) -> str | None:
    """Takes up a snapshot, whose path it returns, or the parameters of other models."""
    resumed_from = None
    if arguments.resume == "auto":
        path = solver.restore_newest()
        if path is None:
            log.info("No snapshot of %s yet: starting from the beginning", solver.prefix)
        else:
            resumed_from = str(path)
            log.info("Resuming from %s at iteration %d", path, solver.iter)
    elif arguments.resume:
        solver.restore(arguments.resume)
        resumed_from = arguments.resume
        log.info("Resuming from %s at iteration %d", arguments.resume, solver.iter)
    for file in (arguments.weights or "").split(","):
        if file:
            report = weights.copy_from(solver.net, file)
            for line in report.lines():
                log.info("%s", line)
            if not report.copied:
                raise DemitasseError(
                    "nothing in this model fits the net", file, hint="see the lines above"
                )
            if report.mismatched:
                log.warning(
                    "not fitted, and so starting untrained: %s; rename what is meant to be new",
                    ", ".join(report.mismatched),
                )
    return resumed_from


if __name__ == "__main__":
    sys.exit(main())
