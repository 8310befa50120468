"""Solver states: iteration, history and everything else that an exact resume needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.blob_io import read_blob, write_blob
from engine.errors import SnapshotError
from engine.schema import NetParameter, SolverProgress, SolverState
from engine.snapshot.atomic import Transaction
from engine.snapshot.hdf5 import Hdf5Reader, is_hdf5, open_hdf5, sealed_hdf5
from engine.snapshot.seal import seal
from engine.snapshot.sealed_file import read_sealed
from engine.spec.binary import decode_message
from layers.blob import Array

_PROGRESS = "demitasse_progress"
_NUMBER = re.compile(r"[0-9]{1,6}")


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
    state = StoredState(message.iter, message.learned_net, message.current_step, history, progress)
    return _checked(state, path)


def write_state(path: Path, state: StoredState, files: Transaction) -> None:
    """Writes a .solverstate that Caffe reads too, as HDF5 where its name ends in .h5.

    Args:
        path: the file.
        state: what goes into it.
        files: the transaction that the file is part of, together with its model.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    files.write(path, *(_hdf5_pieces(state) if path.suffix == ".h5" else _pieces(state)))


def is_state(path: Path) -> bool:
    """Whether a file is a solver state, and no model: by its name, else by what is in it."""
    if path.name.endswith((".solverstate", ".solverstate.h5")):
        return True
    if path.name.endswith((".caffemodel", ".caffemodel.h5")):
        return False
    if is_hdf5(path):
        with open_hdf5(path) as file:
            return "iter" in file
    return not _is_model(path)


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


def _pieces(state: StoredState) -> tuple[bytes, ...]:
    message = SolverState(
        iter=state.iteration,
        learned_net=state.learned_net,
        current_step=state.current_step,
        history=[write_blob(array) for array in state.history],
        progress=state.progress,
    )
    return seal(message.SerializeToString())


def _hdf5_pieces(state: StoredState) -> tuple[bytes, ...]:
    """As Caffe lays it out, our exact state as one more dataset."""

    def fill(file: Any) -> None:
        file["iter"] = np.array([state.iteration], np.int32)
        file["learned_net"] = np.bytes_(state.learned_net.encode())
        file["current_step"] = np.array([state.current_step], np.int32)
        group = file.create_group("history")
        for index, array in enumerate(state.history):
            group.create_dataset(str(index), data=array)
        if state.progress is not None:
            raw = state.progress.SerializeToString()
            file[_PROGRESS] = np.frombuffer(raw, np.uint8)

    return sealed_hdf5(fill)


def _read_hdf5(path: Path) -> StoredState:
    with open_hdf5(path) as file:
        if "iter" not in file:
            if "data" in file:
                raise not_a_state(path)
            raise SnapshotError(
                "the HDF5 file has no iteration: it is not a solver state", str(path)
            )
        names = file.members("history")
        if not all(_NUMBER.fullmatch(name) for name in names):
            raise SnapshotError("expected arrays named 0, 1, ...", f"{path}, /history")
        history = [file.numbers("history", name) for name in sorted(names, key=int)]
        state = StoredState(
            _integer(file, "iter"),
            file.text("learned_net"),
            _integer(file, "current_step"),
            [array.astype(np.float32, copy=False) for array in history],
            _hdf5_progress(file) if _PROGRESS in file else None,
        )
    return _checked(state, path)


def _integer(file: Hdf5Reader, name: str) -> int:
    values = file.numbers(name)
    if values.size != 1 or values.dtype.kind not in "iu":
        raise SnapshotError("expected one integer", f"{file.path}, /{name}")
    return int(values.item())


def _hdf5_progress(file: Hdf5Reader) -> SolverProgress:
    raw = file.numbers(_PROGRESS).astype(np.uint8, copy=False).tobytes()
    return decode_message(raw, SolverProgress, f"{file.path}, /{_PROGRESS}")


def _checked(state: StoredState, path: Path) -> StoredState:
    if state.iteration < 0:
        raise SnapshotError("the iteration is negative", str(path), str(state.iteration))
    return state
