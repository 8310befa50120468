"""Reads every source in several processes by turns, and counts images a second."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from layers.errors import DemitasseError
from tools.bench.data_files import write_sources
from tools.bench.data_ours import SOURCES
from tools.bench.quiet import wait_for_quiet
from tools.bench.report import machine
from tools.bench.worker import Worker

OURS = "demitasse"
# The ways in which the peer may read a source; the best one counts.
_WAYS = {"lmdb_jpeg": ("cv2", "pil"), "image_list": ("cv2", "pil"), "hdf5": ("rows", "memory")}
_PEER_WORKERS = (0, 2)
_SECONDS = 0.8  # that a round of one process takes, about
# Means of two first batches, of other samples each, differ by less; those of other pixels do not.
_AGREE = 12.0


@dataclass(frozen=True)
class DataTask:
    """What is read: images of ``size`` x ``size`` pixels, cropped, ``batch`` at a time."""

    images: int = 512
    size: int = 256
    crop: int = 227
    batch: int = 64


@dataclass
class Row:
    """One source: images a second of every process, by its name, in each round."""

    source: str
    speeds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def best_peer(self) -> str:
        """The peer's fastest way, by name; empty without a peer."""
        return max(
            (name for name in self.speeds if name != OURS),
            key=lambda name: max(self.speeds[name]),
            default="",
        )

    @property
    def ratio(self) -> float | None:
        """Our speed over the peer's best, each the fastest of all rounds."""
        peer = self.best_peer
        return max(self.speeds[OURS]) / max(self.speeds[peer]) if peer else None


def run(
    sources: list[str], task: DataTask, rounds: int, peer_python: str, patience: float
) -> Iterator[Row]:
    """Measures sources, ours and, where its Python is given, the peer's.

    Raises:
        DemitasseError: there is no such source, a process fails, or the two read other pixels.
    """
    for source in sources:
        if source not in SOURCES:
            raise DemitasseError("no such source", "", source, ", ".join(SOURCES))
    with tempfile.TemporaryDirectory() as folder:
        write_sources(Path(folder), task.images, task.size)
        for source in sources:
            print(f"{source} ...", file=sys.stderr)
            yield _measure(source, folder, task, rounds, peer_python, patience)


def markdown(rows: list[Row], task: DataTask) -> str:
    """A table with a row for every source; the speeds are those of the fastest round."""
    lines = [
        machine(), "",
        f"{task.images} images of {task.size} x {task.size}, cropped to {task.crop}, mirrored, "
        f"mean subtracted, shuffled, in batches of {task.batch}",
        "Images a second: the fastest round, and the median.",
        "", "| source | demitasse | PyTorch's best | its way | ratio |",
        "| --- | ---: | ---: | --- | ---: |",
    ]  # fmt: skip
    for row in rows:
        peer = row.best_peer
        cells = [row.source, _speed(row.speeds[OURS])]
        cells += [_speed(row.speeds[peer]), peer, f"{row.ratio:.2f}"] if peer else ["", "", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(rows: list[Row], task: DataTask, folder: Path) -> None:
    """Writes data.md and data.json, which holds every way and round."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.md").write_text(markdown(rows, task))
    content = {
        "machine": machine(),
        "task": vars(task),
        "rows": [{"source": row.source, "ratio": row.ratio, **row.speeds} for row in rows],
    }
    (folder / "data.json").write_text(json.dumps(content, indent=1) + "\n")


def _measure(
    source: str, folder: str, task: DataTask, rounds: int, peer_python: str, patience: float
) -> Row:
    """Rounds in which every process reads a little while the others wait."""
    names = _commands(source, folder, task, peer_python)
    workers = [Worker(name, command, threads=2) for name, command in names.items()]
    _check(source, workers)
    times = [_batches(worker) for worker in workers]
    row = Row(source, {name: [] for name in names})
    for _ in range(rounds):
        for worker, count in zip(workers, times, strict=True):
            wait_for_quiet(patience)
            seconds = worker.ask("take", count)["seconds"]
            row.speeds[worker.name].append(count * task.batch / seconds)
    for worker in workers:
        worker.stop()
    return row


def _commands(source: str, folder: str, task: DataTask, peer_python: str) -> dict[str, list[str]]:
    """The processes by name: ours first, then every way of the peer."""
    shared = [source, folder, str(task.batch), str(task.crop)]
    commands = {OURS: [sys.executable, "-m", "tools.bench.data_ours", *shared]}
    for way in _WAYS.get(source, ("-",)) if peer_python else ():
        for count in _PEER_WORKERS:
            name = f"{count} workers" + ("" if way == "-" else f", {way}")
            peer = [peer_python, "-m", "tools.bench.peer_data", *shared, way, str(count)]
            commands[name] = peer
    return commands


def _batches(worker: Worker) -> int:
    """How many batches a round of a process has."""
    return max(2, round(_SECONDS * 4 / worker.ask("take", 4)["seconds"]))


def _check(source: str, workers: list[Worker]) -> None:
    """Raises a DemitasseError unless all first batches hold about the same values."""
    for worker in workers[1:]:
        if not abs(worker.first_loss - workers[0].first_loss) < _AGREE:
            raise DemitasseError(
                f"{source}: the peer's values are others ({worker.name})",
                got=f"mean {worker.first_loss:.1f}",
                expected=f"about {workers[0].first_loss:.1f}",
            )


def _speed(speeds: list[float]) -> str:
    return f"{max(speeds):,.0f} ({statistics.median(speeds):,.0f})"
