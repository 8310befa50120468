"""How every command runs: logging set up, errors printed without a traceback."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tqdm import tqdm

from layers.errors import DemitasseError
from tools.console.problems import told
from tools.console.terminal import terminal_may_be_gone

INTERRUPTED = 130  # 128 + SIGINT, as shells count


class _Handler(logging.Handler):
    """Prints log lines around a progress bar: news to stdout, warnings to stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        serious = record.levelno >= logging.WARNING
        text = (
            f"{record.levelname.lower()}: {record.getMessage()}"
            if serious
            else (record.getMessage())
        )
        stream = sys.stderr if serious else sys.stdout
        with terminal_may_be_gone():
            tqdm.write(text, file=stream)
            stream.flush()


def run_command(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Runs a command; what a user can cause ends in one message and a non-zero exit code."""
    _ready_streams()
    with _logging():
        try:
            code = run(arguments)
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk shows here, not after we are gone
            return code
        except DemitasseError as problem:
            print(told(problem), file=sys.stderr)
            return problem.exit_code
        except MemoryError as problem:
            print(f"error: not enough memory for this net: {problem}", file=sys.stderr)
            return DemitasseError.exit_code
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            # The reader of our output left; nothing more can be said to it.
            _silence_output()
            return 1
        except OSError as problem:
            _silence_output()
            where = f"{problem.filename}: " if problem.filename else ""
            print(f"error: {where}{problem.strerror or problem}", file=sys.stderr)
            return DemitasseError.exit_code


def _ready_streams() -> None:
    """Makes sure that there is something to print to, and that it takes every character."""
    # Whoever started us may have closed the streams; Python has None in their place then.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A name that the terminal's encoding lacks is told as \xf6, and ends no command.
        sys.stdout.reconfigure(errors="backslashreplace")


def _silence_output() -> None:
    """What is still to be printed goes nowhere, so that leaving does not fail a second time."""
    with suppress(OSError):  # a program that runs us may have put no file in the place of stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _logging() -> Iterator[None]:
    """The log goes to the terminal while a command runs, and then where it went before."""
    log = logging.getLogger("demitasse")
    before = log.level, log.propagate, log.handlers
    log.setLevel(logging.INFO)
    log.propagate, log.handlers = False, [_Handler()]
    try:
        yield
    finally:
        log.setLevel(before[0])
        log.propagate, log.handlers = before[1:]
