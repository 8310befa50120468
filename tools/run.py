"""How every command runs: logging set up, errors printed without a traceback."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from layers.errors import DemitasseError
from tools.terminal import terminal_may_be_gone

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
    with _logging():
        try:
            return run(arguments)
        except DemitasseError as problem:
            print(f"error: {problem}", file=sys.stderr)
            return problem.exit_code
        except MemoryError as problem:
            print(f"error: not enough memory for this net: {problem}", file=sys.stderr)
            return DemitasseError.exit_code
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            # The reader of our output left; nothing more can be said to it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1


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
