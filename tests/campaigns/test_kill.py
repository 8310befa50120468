"""kill -9 at random moments: what was saved stays whole, and the run ends as if nothing had been.

``DEMITASSE_KILLS=200 pytest -m slow tests/campaigns/test_kill.py`` is the whole campaign.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.snapshot.store import find_newest, read_snapshot
from tests.harness.places import ROOT
from tests.harness.tiny_run import SOLVER, write_data
from tools.snapshots.facts import read_facts

KILLS = int(os.environ.get("DEMITASSE_KILLS", "12"))
EVERY, END = 5, 400
SETTINGS = f"""
snapshot: {EVERY} max_iter: {END} display: 1 lr_policy: "fixed" momentum: 0.9
test_iter: 1 test_interval: 50
"""
FORMATS = {"binary": "", "HDF5": "snapshot_format: HDF5", "average": "ema_decay: 0.9 keep_last: 4"}


@dataclass
class Tally:
    """What the campaign met."""

    kills: int = 0
    runs: int = 0
    snapshots: int = 0
    unreadable: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    leftovers: int = 0


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tools.commands.train", "--solver", "solver.prototxt"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    output = open(folder / "output.txt", "ab")  # noqa: SIM115  (the process has it)
    return subprocess.Popen(
        [*command, "--resume", "auto"], cwd=folder, env=environment, stdout=output, stderr=output
    )


def prepare(folder: Path, extra: str) -> None:
    folder.mkdir(parents=True)
    write_data(folder)
    (folder / "solver.prototxt").write_text(SOLVER.format(folder=folder) + SETTINGS + extra)


def events(folder: Path) -> list[dict[str, object]]:
    log = folder / "snap_log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # the line that the kill cut
    return found


def reached(folder: Path) -> int:
    """Iterations that the last run finished, as far as its log tells."""
    last = 0
    for event in events(folder):
        if event["event"] == "run":
            last = int(str(event["iteration"]))
        elif event["event"] == "display":
            last = int(str(event["iteration"]))  # displayed before its update
    return last


def kill_once(folder: Path, rng: random.Random, tally: Tally) -> bool:
    """Starts a run and kills it at a random moment; False when it ended before that."""
    before = len(events(folder))
    process = start(folder)
    # Half of the moments are counted from the first iteration on, so that most of the time
    # of the others, which is Python's start, is not all that is hit.
    if rng.random() < 0.85:
        while process.poll() is None and len(events(folder)) <= before + 1:
            time.sleep(0.005)
    time.sleep(rng.random() * 0.5)
    process.kill()
    ended = process.wait() == 0
    if not ended:
        assert process.returncode == -9, (folder / "output.txt").read_text()
        tally.kills += 1
    return not ended


def check(folder: Path, tally: Tally) -> int:
    """Reads every snapshot; returns the iteration of the newest."""
    tally.leftovers += len(list(folder.glob(".*.tmp")))
    for state in sorted(folder.glob("snap_iter_*.solverstate*")):
        tally.snapshots += 1
        try:
            read_snapshot(state)
        except Exception as problem:  # whatever it is, it counts
            tally.unreadable.append(f"{state}: {problem}")
    newest = find_newest(str(folder / "snap"))
    return newest.state.iteration if newest is not None else 0


def final(folder: Path) -> dict[str, list[bytes]]:
    """All arrays of the last snapshot; the files also hold the folder's name."""
    files = sorted(folder.glob(f"snap_iter_{END}.*"))
    assert len(files) >= 2
    return {path.name: [a.tobytes() for a in read_facts(path).arrays.values()] for path in files}


def run_to_the_end(folder: Path, rng: random.Random, tally: Tally) -> None:
    """Kills a run again and again until it ends by itself."""
    while kill_once(folder, rng, tally):
        newest = check(folder, tally)
        tally.lost.append(reached(folder) - newest)
        seen = len(events(folder))
        tally.runs += 1
        if rng.random() < 0.2:  # some resumes are let run on for a while
            process = start(folder)
            time.sleep(0.7)
            process.kill()
            tally.kills += process.wait() != 0
            began = next((e for e in events(folder)[seen:] if e["event"] == "run"), None)
            assert began is None or began["iteration"] == newest
            newest = check(folder, tally)


@pytest.mark.slow
def test_nothing_is_lost(tmp_path: Path) -> None:
    rng, tally = random.Random(1), Tally()
    whole = {}
    for name, extra in FORMATS.items():
        prepare(tmp_path / "whole" / name, extra)
        assert start(tmp_path / "whole" / name).wait() == 0
        whole[name] = final(tmp_path / "whole" / name)
    started, rounds = time.monotonic(), 0
    while tally.kills < KILLS:
        name = list(FORMATS)[rounds % len(FORMATS)]
        folder = tmp_path / str(rounds)
        prepare(folder, FORMATS[name])
        run_to_the_end(folder, rng, tally)
        assert check(folder, tally) == END
        assert final(folder) == whole[name]
        rounds += 1
    print(
        f"\n{tally.kills} kills in {rounds} runs, {tally.snapshots} snapshots read, "
        f"{len(tally.unreadable)} unreadable, at most {max(tally.lost)} iterations lost, "
        f"{tally.leftovers} temporary files met, {time.monotonic() - started:.0f} s"
    )
    assert not tally.unreadable
    assert max(tally.lost) <= EVERY
