"""Names of snapshots, and the newest good one of a prefix."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SnapshotError
from engine.snapshot.atomic import temporary_path
from engine.snapshot.model_file import StoredModel, read_model
from engine.snapshot.state_file import StoredState, not_a_state, read_state
from layers.errors import DemitasseError

log = logging.getLogger("demitasse")

_NAME = re.compile(r"_iter_(\d+)\.solverstate(\.h5)?$")


@dataclass
class Snapshot:
    """A verified pair of solver state and model."""

    path: Path
    state: StoredState
    model: StoredModel


def snapshot_path(prefix: str, iteration: int, kind: str, hdf5: bool = False) -> Path:
    """``PREFIX_iter_N.caffemodel`` or ``.solverstate``, with ``.h5`` for HDF5."""
    return Path(f"{prefix}_iter_{iteration}.{kind}{'.h5' if hdf5 else ''}")


def read_snapshot(path: Path) -> Snapshot:
    """Reads and verifies a solver state and the model that belongs to it.

    Where a run was killed after the new model had got its name and before the new state had,
    the state under its temporary name is taken.

    Raises:
        DemitasseError: one of the two is missing, damaged, or they do not belong together.
    """
    if path.name.endswith((".caffemodel", ".caffemodel.h5")):
        raise not_a_state(path)
    try:
        return _read_pair(path, path)
    except DemitasseError:
        pending = temporary_path(path)
        if not pending.is_file():
            raise
        try:
            snapshot = _read_pair(path, pending)
        except DemitasseError:
            snapshot = None
        if snapshot is None or not _sealed_together(snapshot):
            raise
        return snapshot


def completes(pending: Path, path: Path) -> bool:
    """Whether a state under its temporary name belongs to the model beside it, and the one
    under the state's own name does not."""
    try:
        snapshot = _read_pair(path, pending)
        if not _sealed_together(snapshot):
            return False
    except DemitasseError:
        return False
    try:
        return not _sealed_together(_read_pair(path, path))
    except DemitasseError:
        return True


def _read_pair(path: Path, state_file: Path) -> Snapshot:
    """The snapshot named ``path``, its state read from ``state_file``."""
    state = read_state(state_file)
    model = read_model(_model_path(path, state))
    expected = state.progress.model_digest if state.progress is not None else b""
    if expected and model.digest != expected:
        raise SnapshotError(
            "the model beside the solver state is not the one it was saved with",
            str(model.path),
            hint=f"put back the model that belongs to {path}",
        )
    return Snapshot(path, state, model)


def _sealed_together(snapshot: Snapshot) -> bool:
    progress = snapshot.state.progress
    return progress is not None and bool(progress.model_digest)


def find_newest(prefix: str) -> Snapshot | None:
    """The newest snapshot of a prefix that can be read whole; says which it passed over.

    Returns:
        None where there is no snapshot at all.

    Raises:
        SnapshotError: there are some, and none of them is whole.
    """
    folder, stem = Path(prefix).parent, Path(prefix).name
    numbered = []
    for path in folder.glob(f"{_escape(stem)}_iter_*.solverstate*"):
        match = _NAME.search(path.name)
        if match and path.name == f"{stem}{match.group()}":
            numbered.append((int(match.group(1)), path))
    for _, path in sorted(numbered, reverse=True):
        try:
            return read_snapshot(path)
        except DemitasseError as problem:
            log.warning("skipping %s: %s", path, problem)
    if numbered:
        raise SnapshotError(
            "no snapshot of this prefix is whole; training from the beginning would overwrite them",
            prefix,
            hint="mend or move them, or start anew under another snapshot_prefix",
        )
    return None


def _escape(stem: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", stem)


def _model_path(path: Path, state: StoredState) -> Path:
    """The model of a state: beside it (also after a move), else where the writer had it."""
    written = Path(state.learned_net.replace("\\", "/"))
    beside = [path.with_name(written.name)] if written.name else []
    renamed = path.with_name(path.name.replace(".solverstate", ".caffemodel"))
    for candidate in (*beside, renamed, written):
        if candidate != path and candidate.is_file():
            return candidate
    raise SnapshotError(
        f'the model "{state.learned_net}" that belongs to this solver state is missing',
        str(path),
        hint=f"put it beside the solver state, in {path.parent}",
    )
