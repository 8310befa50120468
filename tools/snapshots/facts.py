"""What a snapshot or model file holds, read once for printing and comparing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.blob_io import read_blob
from engine.errors import SnapshotError
from engine.schema import ProgressEntry, SolverProgress
from engine.snapshot.model_file import StoredModel, read_model
from engine.snapshot.state_file import StoredState, is_state, read_state
from engine.snapshot.store import read_snapshot
from layers.blob import Array
from layers.errors import DemitasseError


@dataclass
class Facts:
    """What is in a file.

    Args:
        path: the file.
        state: the solver state; None for a model.
        model: the parameters, of a solver state those of the model beside it; None without one.
        model_problem: why there is none.
        settings: single values by name, for comparing.
        arrays: parameters, history and the arrays of the exact state by name.
    """

    path: Path
    state: StoredState | None = None
    model: StoredModel | None = None
    model_problem: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def progress(self) -> SolverProgress | None:
        """The exact state, in files that we wrote."""
        return self.state.progress if self.state is not None else None


def read_facts(path: Path) -> Facts:
    """Reads a .solverstate (and its model, if it is there) or a model file.

    Raises:
        DemitasseError: the file is missing, damaged or something else.
    """
    facts = Facts(path)
    if is_state(path):
        facts.state = read_state(path)
        try:
            facts.model = read_snapshot(path).model
        except DemitasseError as problem:
            facts.model_problem = str(problem)
        _add_state(facts, facts.state)
    else:
        facts.model = read_model(path)
    if facts.model is not None:
        for layer, arrays in facts.model.params.items():
            for index, array in enumerate(arrays):
                if array is not None:
                    facts.arrays[f"{layer}[{index}]"] = array
    if not facts.arrays and not facts.settings:
        raise SnapshotError("the file holds no parameters", str(path))
    return facts


def _add_state(facts: Facts, state: StoredState) -> None:
    facts.settings["iteration"] = str(state.iteration)
    facts.settings["current_step"] = str(state.current_step)
    for index, array in enumerate(state.history):
        facts.arrays[f"history[{index}]"] = array
    progress = state.progress
    if progress is None:
        return
    facts.settings["seed"] = str(progress.seed)
    facts.settings["loss window"] = " ".join(f"{loss:.9g}" for loss in progress.recent_loss)
    for index, net in enumerate(progress.net):
        where = "train net" if index == 0 else f"test net {index - 1}"
        facts.settings[f"{where}: random state"] = net.rng
        for layer in net.layer:
            _add_entries(facts, f"{where}: {layer.name}", layer.entry)
    for part in progress.part:
        _add_entries(facts, part.name, part.entry)


def _add_entries(facts: Facts, where: str, entries: Iterable[ProgressEntry]) -> None:
    for entry in entries:
        name = f"{where}.{entry.key}"
        kind = entry.WhichOneof("value")
        if kind == "blob":
            facts.arrays[name] = read_blob(entry.blob, name)
        else:
            facts.settings[name] = str(getattr(entry, kind)) if kind else ""
