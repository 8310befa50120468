"""Random damage to every kind of file: a named error or a reading, within a second or two.

``DEMITASSE_FUZZ=300 pytest -m slow tests/campaigns/test_fuzz.py`` takes 300 seconds in all. Each
reader runs in a process of its own, so that a crash of a library would be seen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.schema import NetParameter, SolverState
from tests.harness.places import ROOT
from tests.harness.tiny_run import TESTED, make, write_data

SECONDS = float(os.environ.get("DEMITASSE_FUZZ", "16"))

PROGRAM = """
import random, resource, sys, time, traceback
from pathlib import Path
from engine import DemitasseError
from engine.data.array_file import read_array
from engine.data.hdf5_file import dataset_shapes, read_datasets
from engine.snapshot.model_file import read_model
from engine.snapshot.state_file import read_state
from engine.spec import parse_net, parse_solver, read_message, read_net, read_solver
from engine.schema import BlobProto
readers = {
    "model": read_model, "state": read_state, "net": read_net, "solver": read_solver,
    "array": read_array, "blob": lambda path: read_message(path, BlobProto),
    "hdf5": lambda path: (dataset_shapes(path, ["data"]), read_datasets(path, ["data"], "f4")),
}
reader, seeds, folder = readers[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3])
rng = random.Random(int(sys.argv[5]))
corpus = [(path.name, path.read_bytes()) for path in sorted(seeds.iterdir())]
tokens = [b"{", b"}", b"[", b"]", b":", b"&a ", b"*a", b"<<", b"!!", b"$", b"${a}", b"-",
    b"1e999", b"0x", b"\\\\u", b'"', b"'", b"#", b"\\n", b"  ", b"nan", b"\\xff", b"\\0",
    b"include: ", b"repeat: ", b"vars:", b"blocks:", b"layer", b"type", b"%", b"|", b">", b"?",
    b",", b"\\xff" * 9, b"\\x80" * 4]
numbers = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF]

def damage(raw):
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 20))):
        at, kind = rng.randrange(len(data) + 1), rng.randrange(9)
        end = min(len(data), at + rng.choice((1, 2, 4, 8, 64)))
        if kind == 0: del data[at:end]
        elif kind == 1: data[at:at] = rng.choice(tokens)
        elif kind == 2: data[at:end] = bytes(rng.randrange(256) for _ in range(end - at))
        elif kind == 3 and at < len(data): data[at] = rng.choice(numbers)
        elif kind == 4 and at < len(data): data[at] ^= 1 << rng.randrange(8)
        elif kind == 5: data[at:at] = data[at:end] * rng.choice((1, 2, 50))
        elif kind == 6:
            other = rng.choice(corpus)[1]
            start = rng.randrange(len(other) + 1)
            data[at:end] = other[start:start + rng.choice((4, 32, 400))]
        elif kind == 7: del data[at:]
        else: data[at:end] = rng.choice(tokens)
    return bytes(data)

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
until, count, refused, slowest = time.monotonic() + float(sys.argv[4]), 0, 0, 0.0
while time.monotonic() < until:
    name, raw = rng.choice(corpus)
    path = folder / name
    path.write_bytes(damage(raw))
    start = time.process_time()
    try:
        reader(path)
    except DemitasseError:
        refused += 1
    except BaseException:
        traceback.print_exc()
        print("input:", path)
        sys.exit(1)
    took = time.process_time() - start
    slowest = max(slowest, took)
    if took > 2:
        print("slow:", took, path)
        sys.exit(1)
    count += 1
print(f"{sys.argv[1]}: {count} files, {refused} refused, slowest {slowest:.2f} s, "
      f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most")
"""


def unsealed(path: Path, kind: type[NetParameter] | type[SolverState]) -> bytes:
    message = kind.FromString(path.read_bytes())
    message.ClearField("writer")
    message.ClearField("digest")
    return message.SerializeToString()


def seeds_of(reader: str, folder: Path) -> None:
    """Good files of the kind, for the damage to begin with."""
    make_seeds = {
        "model": model_seeds, "state": model_seeds, "net": net_seeds, "solver": solver_seeds,
        "array": array_seeds, "hdf5": hdf5_seeds, "blob": blob_seeds,
    }  # fmt: skip
    make_seeds[reader](folder)
    for path in folder.iterdir():
        wanted = {"model": "caffemodel", "state": "solverstate"}.get(reader)
        if wanted and f".{wanted}" not in path.name:
            path.unlink()


def model_seeds(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    write_data(folder)
    for extra in ("", "snapshot_format: HDF5 ema_decay: 0.5"):
        solver = make(folder, TESTED + extra)
        solver.step(2)
        solver.snapshot()
    for path, kind in (("caffemodel", NetParameter), ("solverstate", SolverState)):
        raw = unsealed(folder / f"snap_iter_2.{path}", kind)
        (folder / f"foreign.{path}").write_bytes(raw)
        other = folder / f"foreign.{path}.h5"
        other.write_bytes((folder / f"snap_iter_2.{path}.h5").read_bytes())
        with h5py.File(other, "r+") as file:
            file.attrs.clear()
    for path in (ROOT / "tests" / "golden" / "solvers").glob("*/snap_iter_15.*"):
        (folder / f"{path.parent.name}{''.join(path.suffixes)}").write_bytes(path.read_bytes())


def net_seeds(folder: Path) -> None:
    for path in [*(ROOT / "configs").rglob("*.yaml"), *(ROOT / "configs").rglob("*.prototxt")]:
        if "solver" not in path.name and path.stat().st_size < 20_000:
            (folder / f"{path.parent.name}_{path.name}").write_bytes(path.read_bytes())
    (folder / "all.yaml").write_text(RICH)


def solver_seeds(folder: Path) -> None:
    net_seeds(folder)
    for path in (ROOT / "configs").rglob("*solver*"):
        (folder / f"{path.parent.name}_{path.name}").write_bytes(path.read_bytes())


def array_seeds(folder: Path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    np.save(folder / "a.npy", values)
    np.savez(folder / "b.npz", values)
    np.savez_compressed(folder / "c.npz", values)
    digits = ROOT / "configs" / "mnist" / "digits"
    for path in digits.glob("t10k-labels*"):
        (folder / path.name).write_bytes(path.read_bytes())


def hdf5_seeds(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "a.h5", "w") as file:
        file["data"] = np.arange(60, dtype=np.float32).reshape(12, 5)
    with h5py.File(folder / "b.h5", "w") as file:
        file.create_dataset("data", data=np.arange(60.0), compression="gzip", chunks=(20,))


def blob_seeds(folder: Path) -> None:
    from engine.blob_io import write_blob

    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    (folder / "a.binaryproto").write_bytes(write_blob(values).SerializeToString())


RICH = """
vars: {n: 3, title: x}
blocks:
  unit:
    params: {width: 4, kind: ReLU}
    layer:
    - {name: ip, type: InnerProduct, inner_product_param: {num_output: "${width}"}}
    - {name: act, type: "${kind}"}
net:
  name: "${title}"
  layer:
  - {name: data, type: Input, input_param: {shape: {dim: [1, 3, 8, 8]}}}
  - {block: unit, name: u, width: 5, repeat: "${n}"}
  - &last {name: loss, type: Softmax}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "reader, share",
    [("model", 4), ("state", 4), ("net", 3), ("solver", 2), ("array", 1), ("hdf5", 1), ("blob", 1)],
)
def test_every_reader(tmp_path: Path, reader: str, share: int) -> None:
    seeds, work = tmp_path / "seeds", tmp_path / "work"
    seeds.mkdir()
    work.mkdir()
    seeds_of(reader, seeds)
    seconds, number = str(SECONDS * share / 16), os.environ.get("DEMITASSE_FUZZ_SEED", "1")
    command = [sys.executable, "-c", PROGRAM, reader, str(seeds), str(work), seconds, number]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}{done.stderr[-3000:]}"
    print(f"\n{done.stdout.strip()}")
