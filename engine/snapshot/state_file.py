"""Solver states: iteration, history and everything else that an exact resume needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.blob_io import read_blob, write_blob
from engine.errors import SnapshotError
from engine.schema import NetParameter, SolverProgress, SolverState
from engine.snapshot.atomic import atomic_path, write_atomically
from engine.snapshot.hdf5 import is_hdf5, open_hdf5, read_array
from engine.snapshot.seal import seal
from engine.snapshot.sealed_file import read_sealed
from layers.blob import Array

_PROGRESS = "demitasse_progress"


@dataclass
class StoredState:
    """What a .solverstate file holds.

    Args:
        iteration: updates done.
        learned_net: the model file that belongs to it, as the writer named it.
        current_step: drops of the learning rate so far.
        history: the solver's slots, one array a slot and parameter, slot after slot.
        progress: our own exact state; None in files that Caffe wrote.
    """

    iteration: int
    learned_net: str
    current_step: int
    history: list[Array] = field(default_factory=list)
    progress: SolverProgress | None = None


def read_state(path: Path) -> StoredState:
    """Reads a .solverstate of any Caffe version, binary or HDF5.

    Raises:
        SnapshotError: the file is missing, damaged, or a model instead of a state.
    """
    if is_hdf5(path):
        return _read_hdf5(path)
    if _is_model(path):
        raise not_a_state(path)
    message, _ = read_sealed(path, SolverState)
    if not message.HasField("iter"):
        raise SnapshotError("the file has no iteration: it is not a solver state", str(path))
    history = [
        read_blob(blob, f"{path}, history {index}") for index, blob in enumerate(message.history)
    ]
    progress = message.progress if message.HasField("progress") else None
    return StoredState(message.iter, message.learned_net, message.current_step, history, progress)


def write_state(path: Path, state: StoredState) -> None:
    """Writes a .solverstate that Caffe reads too.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    message = SolverState(
        iter=state.iteration,
        learned_net=state.learned_net,
        current_step=state.current_step,
        history=[write_blob(array) for array in state.history],
        progress=state.progress,
    )
    write_atomically(path, *seal(message.SerializeToString()))


def write_state_hdf5(path: Path, state: StoredState) -> None:
    """Writes a .solverstate.h5 as Caffe lays it out, our exact state as one more dataset.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        file["iter"] = np.array([state.iteration], np.int32)
        file["learned_net"] = np.bytes_(state.learned_net)
        file["current_step"] = np.array([state.current_step], np.int32)
        group = file.create_group("history")
        for index, array in enumerate(state.history):
            group.create_dataset(str(index), data=array)
        if state.progress is not None:
            raw = state.progress.SerializeToString()
            file[_PROGRESS] = np.frombuffer(raw, np.uint8)


def not_a_state(path: Path) -> SnapshotError:
    """The error for a model file handed where a solver state is expected."""
    state = Path(str(path).replace(".caffemodel", ".solverstate"))
    beside = f"--resume {state}" if state != path and state.exists() else "--resume X.solverstate"
    return SnapshotError(
        "this is a model (weights only), not a solver state",
        str(path),
        hint=f"`{beside}` continues a training run; `--weights {path}` starts a new one from it",
    )


def _is_model(path: Path) -> bool:
    """Whether a binary file parses as a net with layers, which no solver state does."""
    if not path.is_file() or path.name.endswith((".solverstate", ".solverstate.h5")):
        return False
    try:
        net, _ = read_sealed(path, NetParameter)
    except Exception:  # whatever is wrong with it, it is no model
        return path.suffix == ".caffemodel"
    return bool(net.layer or net.layers)


def _read_hdf5(path: Path) -> StoredState:
    with open_hdf5(path, "r") as file:
        if "iter" not in file and "data" in file:
            raise not_a_state(path)
        if "iter" not in file:
            raise SnapshotError(
                "the HDF5 file has no iteration: it is not a solver state", str(path)
            )
        names = sorted(file["history"], key=int)
        return StoredState(
            int(file["iter"][()].item()),
            _text(file["learned_net"][()]),
            int(file["current_step"][()].item()),
            [read_array(file["history"][name], f"{path}, /history/{name}") for name in names],
            SolverProgress.FromString(bytes(file[_PROGRESS][()])) if _PROGRESS in file else None,
        )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
