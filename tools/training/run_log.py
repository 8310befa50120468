"""PREFIX_log.jsonl and PREFIX_config.yaml: what a training run did, for programs to read."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from engine.snapshot.atomic import write_atomically
from engine.snapshot.provenance import versions
from engine.solver import Listener, Solver, Standing, Step
from engine.solver.checks import may_write
from engine.solver.config import config_yaml, resolve
from layers.errors import DemitasseError
from layers.kernels.threads import thread_count
from tools.console.json_text import finite
from tools.training.clock import Spent, TrainingClock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("demitasse")


class PrefixInUse(DemitasseError):
    """Two runs would write each other's snapshots."""


class RunLog(Listener):
    """Appends one JSON object a line for each display, test, snapshot and the like, at once.

    A run begins with an object of what it is: command line, versions, seed. That a log cannot
    be written is said once, and training goes on.

    Args:
        solver: what is trained; its prefix names the files.
        command: the command line.
        resumed_from: the snapshot that the run continues.
        clock: of the training, heard before this is.

    Attributes:
        path: the file, or None where no log is kept.

    Raises:
        PrefixInUse: another process trains with the solver's prefix, and both would write
            snapshots.
    """

    def __init__(
        self,
        solver: Solver,
        command: Sequence[str],
        resumed_from: str | None,
        clock: TrainingClock,
    ):
        self._solver = solver
        self._clock, self._before = clock, Spent()
        self.path: Path | None = None
        self._start = time.monotonic()
        self._file: IO[str] | None = None
        folder = Path(solver.prefix).parent
        if not os.path.isdir(folder):  # a run without snapshots needs no such folder
            return
        config = Path(f"{solver.prefix}_config.yaml")
        path = Path(f"{solver.prefix}_log.jsonl")
        try:
            self._file = _open(path)
            if may_write(solver.param):
                self._claim(self._file)
            text = config_yaml(resolve(solver.spec, absolute=True), solver.seed)
            write_atomically(config, text.encode())
        except PrefixInUse:
            self._drop()
            raise
        except (OSError, DemitasseError) as problem:
            log.warning("no log of this run is kept: %s", problem)
            self._drop()
            return
        self.path = path
        self._write(
            "run",
            command=list(command),
            config=config.name,
            config_digest=solver.provenance.config_digest,
            resumed_from=resumed_from,
            max_iter=solver.param.max_iter,
            seed=solver.seed,
            versions=versions(),
            threads=thread_count(),
            data=solver.provenance.fingerprints,
        )

    def displayed(self, step: Step, outputs: Mapping[str, float]) -> None:
        spent = self._clock.spent
        self._write(
            "display",
            iteration=step.iteration,
            loss=step.loss,
            smoothed_loss=step.smoothed_loss,
            lr=step.lr,
            outputs=dict(outputs),
            data_wait=round(spent.since(self._before).share, 4),
        )
        self._before = spent

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        self._write("test", iteration=iteration, net=net, scores=dict(scores))

    def snapshotted(self, path: Path) -> None:
        took = round(self._solver.snapshot_seconds, 4)
        self._write("snapshot", path=str(path), took=took)

    def found_best(self, standing: Standing, path: Path | None) -> None:
        self._write("best", **_standing(standing), path=path and str(path))

    def dropped_rate(self, iteration: int, standing: Standing, lr: float) -> None:
        self._write("plateau", **_standing(standing), lr=lr)

    def stopped_early(self, iteration: int, standing: Standing) -> None:
        self._write("early_stop", **_standing(standing))

    def ended(self, reason: str) -> None:
        """The last object of a run: why it ended, and what share of it was spent waiting."""
        self._write("end", reason=reason, data_wait=round(self._clock.spent.share, 4))
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, event: str, **values: Any) -> None:
        if self._file is None:
            return
        entry = {
            "event": event,
            "iteration": self._solver.iter,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - self._start, 3),
        }
        try:
            if self.path and not os.fstat(self._file.fileno()).st_nlink:
                # The file was removed, or its folder: what is written there, nobody can read.
                self._file.close()
                self._file = _open(self.path)
            self._file.write(json.dumps(finite(entry | values), allow_nan=False) + "\n")
            self._file.flush()
        except OSError as problem:
            log.warning("the log is not kept any further: %s", problem.strerror)
            self._drop()

    def _claim(self, file: IO[str]) -> None:
        """Keeps the prefix for this run; the system lets go of it when the process ends.

        Raises:
            PrefixInUse: another process trains with this prefix.
        """
        if fcntl is None:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PrefixInUse(
                "another training that is running writes to this snapshot_prefix",
                self._solver.spec.place("snapshot_prefix"),
                self._solver.prefix,
                hint="wait for its end, or set another: `--set solver.snapshot_prefix=X`",
            ) from None
        except OSError:  # a file system without locks
            return

    def _drop(self) -> None:
        self.path = None
        file, self._file = self._file, None
        with suppress(OSError):
            if file is not None:
                file.close()


def _open(path: Path) -> IO[str]:
    """The file to append to; a line that a killed run left unfinished is ended first."""
    with open(path, "a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        unfinished = file.read(1) not in (b"", b"\n")
    log_file = open(path, "a", encoding="utf-8")  # noqa: SIM115  (kept for the run)
    if unfinished:
        log_file.write("\n")
    return log_file


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "monitor": standing.name,
        "best": standing.best,
        "best_iteration": standing.iteration,
        "tests_since": standing.waited,
    }
