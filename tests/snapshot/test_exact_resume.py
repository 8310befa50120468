"""A resume at any iteration gives the files of a run that was never interrupted, bit for bit.

``pytest -m slow tests/snapshot/test_exact_resume.py`` takes every solver with every schedule and
each feature alone and all of them; ``DEMITASSE_EVERY_SUBSET=1`` every set of features, warm-up and
the form of the file drawn by lot for each; ``DEMITASSE_EVERY_SUBSET=2`` every set of all of them.
"""

from __future__ import annotations

import copy
import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import DemitasseError, Listener
from engine.schema import SolverProgress
from engine.snapshot.store import Snapshot, read_snapshot
from tests.harness.resume_matrix import (
    DRAWN,
    END,
    FEATURES,
    SCHEDULES,
    SOLVERS,
    Case,
    alone_and_together,
    check_every_iteration,
    every_subset,
    every_subset_drawn,
    make_solver,
    pairs,
    sample,
    write_samples,
)

CAMPAIGNS = {"0": alone_and_together, "1": every_subset_drawn, "2": every_subset}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda file: None)  # of which others tests are about
    write_samples()
    return tmp_path


@pytest.mark.parametrize("case", sample(), ids=str)
def test_at_every_iteration(folder: Path, case: Case) -> None:
    check_every_iteration(case)


def test_the_sample_has_every_two_choices_together() -> None:
    made = set().union(*map(pairs, sample()))
    assert made == set().union(*map(pairs, every_subset()))


def test_what_the_campaigns_take() -> None:
    drawn, every = every_subset_drawn(), every_subset()
    assert [len(set(points)) for points in (alone_and_together(), drawn, every)] == [
        10 * 11 * 10, 10 * 11 * 2**6, 10 * 11 * 2**8,
    ]  # fmt: skip
    assert {case._replace(features=case.features - DRAWN) for case in drawn} == {
        case for case in every if not case.features & DRAWN
    }


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_and_feature(folder: Path, solver: str, schedule: str) -> None:
    points = CAMPAIGNS[os.environ.get("DEMITASSE_EVERY_SUBSET", "0")]()
    mine = [case for case in points if (case.solver, case.schedule) == (solver, schedule)]
    for case in mine:
        check_every_iteration(case)
    print(f"\n{solver}, {schedule}: {len(mine):,} runs, each resumed at {END} iterations")


# What a snapshot keeps to tell of, or to refuse by, and not to go on from.
TOLD = {
    "model_digest", "config", "config_digest", "data_fingerprint", "versions", "threads",
}  # fmt: skip
BUSY = frozenset(FEATURES) - {"warm-up", "HDF5"}
MONITORED = 'monitor: "loss" keep_best: true early_stop: 2 min_delta: 0.04'
# Between them they use every part. One draws its seed, which a resume has to take over.
RUNS: list[tuple[Case, str, int]] = [
    (Case("Adam", "plateau of the loss", BUSY), MONITORED, -1),
    (Case("AMSGrad", "plateau", frozenset(["average"])), "early_stop: 2 keep_best: true", 5),
    (Case("SGD", "plateau", frozenset(["shuffle"])), "", 5),
    (Case("LARS", "fixed"), 'monitor: "loss"', 5),  # the best score is that of iteration 2
]


def outcome(snapshot: Snapshot, run: tuple[Case, str, int]) -> object:
    """All that a resumed run says and leaves; the error of one that is refused."""
    heard: list[object] = []

    class Ear(Listener):
        def stepped(self, step: object) -> None:
            heard.append(step)

        def tested(self, iteration: int, net: int, scores: object) -> None:
            heard.append((iteration, net, scores))

    for path in (*Path().glob("s_best*"), *Path().glob(f"s_iter_{END}.*")):
        path.unlink()
    resumed = make_solver(*run)
    resumed.listener = Ear()
    try:
        resumed._restore(snapshot)
        resumed.solve()
    except DemitasseError as problem:
        return str(problem)
    files = (*Path().glob("s_best*"), *Path().glob("s_iter_*"))
    return heard, {path.name: path.read_bytes() for path in files}


def stops(run: tuple[Case, str, int]) -> Iterator[Path]:
    """The snapshots of a run after each iteration."""
    solver = make_solver(*run)
    while solver.iter < END - 1 and not solver._stop:
        solver.step(1)
        yield solver.snapshot()


Removal = Callable[[SolverProgress], None]


def removals(progress: SolverProgress) -> dict[str, Removal]:
    """Every single value of the exact state, and how to leave it out."""
    found: dict[str, Removal] = {}
    for field, _ in progress.ListFields():
        if field.name not in TOLD | {"net", "part"}:
            found[field.name] = lambda state, name=field.name: state.ClearField(name)  # type: ignore[misc]
    for number, net in enumerate(progress.net):
        found[f"net {number}: generator"] = lambda state, at=number: state.net[at].ClearField("rng")  # type: ignore[misc]
        for at, layer in enumerate(net.layer):
            for index, entry in enumerate(layer.entry):
                found[f"net {number}: {layer.name}.{entry.key}"] = (
                    lambda state, where=(number, at, index): state.net[where[0]]  # type: ignore[misc]
                    .layer[where[1]].entry.pop(where[2])
                )  # fmt: skip
    for at, part in enumerate(progress.part):
        for index, entry in enumerate(part.entry):
            found[f"{part.name}.{entry.key}"] = (
                lambda state, where=(at, index): state.part[where[0]].entry.pop(where[1])  # type: ignore[misc]
            )
    return found


def test_every_value_of_the_state_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every draw another seed, yet each time the same: with one in three, no later drop of the
    # rate depends on when the loss was lowest, and plateau.event would seem not to be needed.
    draws = itertools.count(8)
    monkeypatch.setattr(secrets, "randbits", lambda bits: next(draws))
    needed: set[str] = set()
    known: set[str] = set()
    for run in RUNS:
        for path in list(stops(run)):
            snapshot = read_snapshot(path)
            assert snapshot.state.progress is not None
            ways = removals(snapshot.state.progress)
            known |= ways.keys()
            if not ways.keys() - needed:
                continue
            expected = outcome(read_snapshot(path), run)
            assert not isinstance(expected, str), expected
            assert outcome(read_snapshot(path), run) == expected
            for name in ways.keys() - needed:
                without = copy.deepcopy(snapshot)
                assert without.state.progress is not None
                ways[name](without.state.progress)
                if outcome(without, run) != expected:
                    needed.add(name)
    assert {name.partition(".")[0] for name in known} >= {
        "recent_loss", "loss_steps", "seed", "net 0: generator", "net 0: train", "net 1: test",
        "average", "monitor", "plateau",
    }  # fmt: skip
    assert known == needed


def test_history_weights_and_iteration_are_needed(folder: Path) -> None:
    run = RUNS[1]
    path = list(stops(run))[2]
    expected = outcome(read_snapshot(path), run)
    changes: dict[str, Callable[[Snapshot], object]] = {
        "history": lambda snapshot: [array.fill(0) for array in snapshot.state.history],
        "iteration": lambda snapshot: setattr(snapshot.state, "iteration", 2),
        "weights": lambda snapshot: snapshot.model.params["ip"][0].fill(0),  # type: ignore[union-attr]
        "generator": lambda snapshot: setattr(
            snapshot.state.progress.net[0], "rng", snapshot.state.progress.net[1].rng  # type: ignore[union-attr]
        ),
    }  # fmt: skip
    for name, change in changes.items():
        snapshot = read_snapshot(path)
        change(snapshot)
        assert outcome(snapshot, run) != expected, name
