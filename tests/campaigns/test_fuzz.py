"""Random damage to every kind of file: a named error or a reading, within a second or two.

``DEMITASSE_FUZZ=600 pytest -m slow tests/campaigns/test_fuzz.py`` takes 600 seconds for each
reader. Each runs in a process of its own, so that a crash of a library would be seen.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.schema import Datum, NetParameter, SolverState
from layers.blob import Array
from tests.harness.places import ROOT
from tests.harness.sources import random_images, write_images, write_leveldb, write_lmdb
from tests.harness.tiny_run import TESTED, make, write_data

SECONDS = float(os.environ.get("DEMITASSE_FUZZ", "2"))


def unsealed(path: Path, kind: type[NetParameter] | type[SolverState]) -> bytes:
    message = kind.FromString(path.read_bytes())
    message.ClearField("writer")
    message.ClearField("digest")
    return message.SerializeToString()


def snapshots(folder: Path) -> None:
    """Models and solver states, ours and Caffe's, with and without our seal."""
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


def models(folder: Path) -> None:
    snapshots(folder)
    keep(folder, ".caffemodel")


def states(folder: Path) -> None:
    snapshots(folder)
    keep(folder, ".solverstate")


def keep(folder: Path, kind: str) -> None:
    for path in folder.iterdir():
        if kind not in path.name:
            path.unlink()


def nets(folder: Path) -> None:
    for path in [*(ROOT / "configs").rglob("*.yaml"), *(ROOT / "configs").rglob("*.prototxt")]:
        if "solver" not in path.name and path.stat().st_size < 20_000:
            (folder / f"{path.parent.name}_{path.name}").write_bytes(path.read_bytes())
    (folder / "all.yaml").write_text(RICH)


def solvers(folder: Path) -> None:
    nets(folder)
    for path in (ROOT / "configs").rglob("*solver*"):
        (folder / f"{path.parent.name}_{path.name}").write_bytes(path.read_bytes())


def arrays(folder: Path) -> None:
    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    np.save(folder / "a.npy", values)
    np.savez(folder / "b.npz", values)
    np.savez_compressed(folder / "c.npz", values)
    digits = ROOT / "configs" / "mnist" / "digits"
    for path in digits.glob("t10k-labels*"):
        (folder / path.name).write_bytes(path.read_bytes())


def hdf5(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "a.h5", "w") as file:
        file["data"] = np.arange(60, dtype=np.float32).reshape(12, 5)
    with h5py.File(folder / "b.h5", "w") as file:
        file.create_dataset("data", data=np.arange(60.0), compression="gzip", chunks=(20,))


def blobs(folder: Path) -> None:
    from engine.blob_io import write_blob

    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    (folder / "a.binaryproto").write_bytes(write_blob(values).SerializeToString())


def datum_values() -> list[bytes]:
    """Bytes, floats, and an encoded image."""
    image = random_images(1)[0]
    plain, floats, encoded = (Datum(channels=3, height=8, width=10, label=2) for _ in range(3))
    plain.data = image.tobytes()
    floats.float_data.extend(image.ravel().astype(float))
    encoded.data, encoded.encoded = encoded_image(image, ".png"), True
    return [datum.SerializeToString() for datum in (plain, floats, encoded)]


def encoded_image(image: Array, suffix: str) -> bytes:
    cv2 = pytest.importorskip("cv2")
    return bytes(cv2.imencode(suffix, image.transpose(1, 2, 0))[1])


def records() -> dict[bytes, bytes]:
    """Enough for a database of several pages."""
    values = datum_values()
    return {b"%08d_x" % number: values[number % len(values)] for number in range(60)}


def data(folder: Path) -> None:
    for number, value in enumerate(datum_values()):
        (folder / f"{number}.datum").write_bytes(value)


def images(folder: Path) -> None:
    for suffix in (".png", ".jpg", ".bmp"):
        (folder / f"a{suffix}").write_bytes(encoded_image(random_images(1)[0], suffix))


def tables(folder: Path) -> None:
    text = "a,b,c\n" + "".join(f"{n},{n / 7},{n % 3}\n" for n in range(9))
    (folder / "a.csv").write_text(text)
    (folder / "b.csv").write_text(text.partition("\n")[2])
    (folder / "c.csv.gz").write_bytes(gzip.compress(text.encode()))


def lists(folder: Path) -> None:
    names = write_images(folder / "images", random_images(3))
    (folder / "list.txt").write_text("".join(f"{name} {n}\n" for n, name in enumerate(names)))
    move_up(folder / "images")


def windows(folder: Path) -> None:
    write_images(folder / "images", random_images(2))
    boxes = "1 0.8 0 0 7 7\n2 0.1 1 1 5 6\n"
    text = "".join(f"# {n}\n{n}.png\n3\n8\n10\n2\n{boxes}" for n in range(2))
    (folder / "windows.txt").write_text(text)
    move_up(folder / "images")
    for path in folder.glob("*.png"):  # the file has no way to write a name with a space
        path.rename(folder / path.name.removeprefix("img "))


def move_up(folder: Path) -> None:
    for path in folder.iterdir():
        path.rename(folder.parent / path.name)
    folder.rmdir()


def lmdb(folder: Path) -> None:
    write_lmdb(folder, records())
    (folder / "lock.mdb").unlink()


def leveldb(folder: Path) -> None:
    for _ in range(2):  # the second time the first one's log becomes a table
        write_leveldb(folder, records())
    for path in folder.iterdir():
        if not path.stat().st_size or path.name.startswith("LOG"):
            path.unlink()


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


SEEDS = {
    "model": models, "state": states, "net": nets, "solver": solvers, "array": arrays,
    "hdf5": hdf5, "blob": blobs, "datum": data, "image": images, "csv": tables, "list": lists,
    "windows": windows, "lmdb": lmdb, "leveldb": leveldb,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("reader", SEEDS)
def test_every_reader(tmp_path: Path, reader: str) -> None:
    seeds, work = tmp_path / "seeds", tmp_path / "work"
    seeds.mkdir()
    work.mkdir()
    SEEDS[reader](seeds)
    number = os.environ.get("DEMITASSE_FUZZ_SEED", "1")
    command = [sys.executable, "-m", "tests.harness.fuzz"]
    command += [reader, str(seeds), str(work), str(SECONDS), number]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}{done.stderr[-3000:]}"
    print(f"\n{done.stdout.strip()}")
