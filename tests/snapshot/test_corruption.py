"""Flipped bits and cut ends: a named error or the same values, never others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import DecodeError, Message

from engine import DemitasseError
from engine.schema import NetParameter, SolverState
from engine.snapshot.model_file import read_model
from engine.snapshot.state_file import read_state
from engine.snapshot.store import read_snapshot
from tests.harness.places import ROOT
from tests.harness.tiny_run import TESTED, make

FORMATS = {"binary": "", "HDF5": "snapshot_format: HDF5"}
EVERY_BYTE = bool(os.environ.get("DEMITASSE_EVERY_BYTE"))


def saved(tiny: Path, extra: str) -> Path:
    solver = make(tiny, TESTED + extra)
    solver.step(1)
    return solver.snapshot()


def files_of(state: Path) -> list[Path]:
    return [state, Path(str(state).replace(".solverstate", ".caffemodel"))]


def boundaries(raw: bytes) -> set[int]:
    """Places next to where the sections of a binary message meet, and those of the seal."""
    ends, at = {0, len(raw)}, 0
    try:
        message: Message = SolverState.FromString(raw)
    except DecodeError:
        message = NetParameter.FromString(raw)
    for _, value in message.ListFields():
        for item in value if isinstance(value, Sequence) else [value]:
            if isinstance(item, Message):
                at = max(0, raw.find(item.SerializeToString(), at))
                ends |= {at, at + item.ByteSize()}
    return {place + off for place in ends for off in (-2, -1, 0, 1, 2)}


def cuts(raw: bytes, is_hdf5: bool) -> Iterable[int]:
    if EVERY_BYTE:
        return range(len(raw))
    rng = np.random.default_rng(0)
    places = {*rng.integers(0, len(raw), 60).tolist(), *range(64), *range(len(raw) - 64, len(raw))}
    if not is_hdf5:
        places |= boundaries(raw)
    return sorted(place for place in places if 0 <= place < len(raw))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("which", [0, 1])
def test_every_cut(tiny: Path, name: str, which: int) -> None:
    state = saved(tiny, FORMATS[name])
    path = files_of(state)[which]
    raw = path.read_bytes()
    for cut in cuts(raw, name == "HDF5"):
        path.write_bytes(raw[:cut])
        with pytest.raises(DemitasseError):
            read_snapshot(state)
    path.write_bytes(raw)
    read_snapshot(state)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("which", [0, 1])
def test_every_kind_of_byte_flipped(tiny: Path, name: str, which: int) -> None:
    state = saved(tiny, FORMATS[name])
    path = files_of(state)[which]
    raw = path.read_bytes()
    for place in cuts(raw, name == "HDF5"):
        for mask in (0x01, 0x80, 0xFF):
            damaged = bytearray(raw)
            damaged[place] ^= mask
            path.write_bytes(bytes(damaged))
            with pytest.raises(DemitasseError):
                read_snapshot(state)


def test_bytes_added_or_swapped(tiny: Path) -> None:
    for extra in FORMATS.values():
        state = saved(tiny, extra)
        for path in files_of(state):
            raw = path.read_bytes()
            middle = len(raw) // 2
            for damaged in (
                raw + b"\0",
                raw + raw,
                raw[:middle] + b"\0" + raw[middle:],
                raw[:middle] + b"\xaa" * 64 + raw[middle + 64 :],
                raw[middle:] + raw[:middle],
                b"",
            ):
                path.write_bytes(damaged)
                with pytest.raises(DemitasseError):
                    read_snapshot(state)
            path.write_bytes(raw)


def test_states_and_models_are_not_mixed_up(tiny: Path) -> None:
    first = saved(tiny, "")
    model = files_of(first)[1]
    other = make(tiny, TESTED)
    other.step(1)
    other.net.arena.data *= 2
    kept = model.read_bytes()
    other.snapshot()
    model.write_bytes(kept)
    with pytest.raises(DemitasseError, match="not the one it was saved with"):
        read_snapshot(first)


def test_hdf5_pairs_are_not_mixed_up_either(tiny: Path) -> None:
    first = saved(tiny, FORMATS["HDF5"])
    model = files_of(first)[1]
    kept = model.read_bytes()
    other = make(tiny, TESTED + FORMATS["HDF5"])
    other.step(1)
    other.net.arena.data *= 2
    other.snapshot()
    model.write_bytes(kept)
    with pytest.raises(DemitasseError, match="not the one it was saved with"):
        read_snapshot(first)


def test_a_changed_value_in_hdf5_is_noticed(tiny: Path) -> None:
    """Whoever opens the file for writing cuts the seal off; that it was there is on record."""
    h5py = pytest.importorskip("h5py")
    state = saved(tiny, FORMATS["HDF5"])
    model = files_of(state)[1]
    with h5py.File(model, "r+") as file:
        file["data/ip1/0"][0, 0] = 7
    with pytest.raises(DemitasseError, match="altered"):
        read_model(model)


def test_hdf5_reads_in_other_programs(tiny: Path) -> None:
    h5py = pytest.importorskip("h5py")
    state = saved(tiny, FORMATS["HDF5"])
    with h5py.File(state, "r") as file:
        assert file["iter"][0] == 1 and len(file["history"]) == 4
        assert file["learned_net"][()].decode().endswith(".caffemodel.h5")
    with h5py.File(files_of(state)[1], "r") as file:
        assert file["data/ip1/0"].shape == (6, 5)


UNSEALED = """
import sys, random
from pathlib import Path
from engine import DemitasseError
from engine.snapshot.model_file import read_model
path = Path(sys.argv[1])
raw, rng = path.read_bytes(), random.Random(int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    damaged = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 8))):
        damaged[rng.randrange(len(raw))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    path.write_bytes(damaged)
    try:
        read_model(path)
    except DemitasseError:
        pass
print("survived")
"""


@pytest.mark.parametrize("form", ["caffemodel", "caffemodel.h5"])
def test_files_without_seal_end_in_named_errors(tiny: Path, form: str) -> None:
    """Other programs' files have no checksum: values may change, but nothing else may happen."""
    h5py = pytest.importorskip("h5py")
    net = make(tiny, TESTED).net
    path = tiny / f"foreign.{form}"
    net.save(path)
    if form.endswith("h5"):
        with h5py.File(path, "r+") as file:
            file.attrs.clear()
    else:
        message = NetParameter.FromString(path.read_bytes())
        message.ClearField("writer")
        message.ClearField("digest")
        path.write_bytes(message.SerializeToString())
    read_model(path)
    command = [sys.executable, "-c", UNSEALED, str(path), "1", "300"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert "survived" in done.stdout, done.stderr[-2000:]


def test_states_without_seal(tiny: Path) -> None:
    state = saved(tiny, "")
    message = SolverState.FromString(state.read_bytes())
    for field in ("writer", "digest", "progress"):
        message.ClearField(field)  # type: ignore[arg-type]
    state.write_bytes(message.SerializeToString())
    assert read_state(state).progress is None
    message.iter = -5
    state.write_bytes(message.SerializeToString())
    with pytest.raises(DemitasseError, match="negative"):
        read_state(state)
