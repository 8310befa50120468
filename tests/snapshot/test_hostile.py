"""Files made to be large or deep are refused within a second and 200 MB."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.harness.limited import MEGABYTES, SECONDS, read_limited

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def part(field: int, body: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(body)) + body


def layer(body: bytes) -> bytes:
    return part(100, part(1, b"a") + part(2, b"ReLU") + body)


def blob(dims: list[int], values: int) -> bytes:
    shape = part(1, b"".join(varint(dim % 2**64) for dim in dims))
    return part(7, part(7, shape) + part(5, bytes(4 * values)))


MODELS: dict[str, bytes] = {
    "declared beyond the file": layer(blob([2**31, 2**31, 2**31], 4)),
    "negative": layer(blob([-1, -4], 4)),
    "ten thousand axes": layer(blob([2**62] * 10_000, 4)),
    "length beyond the file": varint(100 << 3 | 2) + varint(2**62) + b"abc",
    "three million layers": part(100, b"") * 3_000_000,
    "a million blobs": layer(part(7, b"") * 3_000_000),
    "a million names": part(3, b"") * 3_000_000,
    "unknown fields": part(15000, b"x" * 20) * 400_000,
    "groups": bytes([15 << 3 | 3]) * 100_000,
    "endless number": b"\xff" * 1_000_000,
}
STATES: dict[str, bytes] = {
    "declared beyond the file": b"\x08\x01" + part(3, part(7, part(1, varint(2**40))) + b""),
    "a million arrays": b"\x08\x01" + part(3, b"") * 3_000_000,
    "groups": b"\x08\x01" + bytes([15 << 3 | 3]) * 100_000,
}
TEXTS: dict[str, str] = {
    "deep.prototxt": "layer { " * 100_000,
    "deep lists.prototxt": "layer { name: " + "[" * 100_000,
    "deep.yaml": "net: " + "{a: " * 100_000,
    "deep lists.yaml": "net: " + "[" * 200_000,
    "deep blocks.yaml": "\n".join(" " * i + f"a{i}:" for i in range(3000)),
    "alias bomb.yaml": "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    + "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)),
    "merge bomb.yaml": "a0: &a0 {x: 1, y: 2}\n"
    + "\n".join(
        f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], k{i}: 1}}" for i in range(1, 9)
    ),
    "variable bomb.yaml": "vars:\n  a0: xxxxxxxxxx\n"
    + "\n".join(f"  a{i}: {f'${{a{i - 1}}}' * 10}" for i in range(1, 12))
    + "\nnet: {name: '${a11}'}\n",
    "repeat bomb.yaml": "net:\n  layer:\n  - {name: a, type: ReLU, repeat: 1000000000}\n",
    "itself.yaml": "a: &a [*a]\nnet: {}\n",
    "long number.prototxt": "base_lr: " + "9" * 1_000_000,
    "long number.yaml": "solver: {max_iter: " + "9" * 1_000_000 + "}",
    "long name.prototxt": 'name: "' + "a" * 5_000_000 + '" nme: 1',
    "many unknown.prototxt": "unknown: 1\n" * 100_000,
    "many values.yaml": "net: {name: [" + "1," * 1_200_000 + "]}",
    "many keys.yaml": "net:\n" + "\n".join(f"  k{i}: 1" for i in range(300_000)),
    "many layers.yaml": "net:\n  layer:\n" + "  - {name: a, type: ReLU}\n" * 100_000,
    "quotes.prototxt": '"' * 500_000,
    "backslashes.prototxt": 'name: "' + "\\" * 500_000,
    "comment.yaml": "# " + "x" * 5_000_000,
    "includes itself.yaml": "include: includes itself.yaml\n",
}


def check(reader: str, path: Path) -> str:
    outcome = read_limited(reader, path)
    assert outcome.error, "it was read"
    assert outcome.seconds < SECONDS, outcome
    assert outcome.megabytes < MEGABYTES, outcome
    return outcome.error


@pytest.mark.parametrize("name", MODELS)
def test_models(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.caffemodel"
    path.write_bytes(MODELS[name])
    check("model", path)


@pytest.mark.parametrize("name", STATES)
def test_states(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.solverstate"
    path.write_bytes(STATES[name])
    check("state", path)


@pytest.mark.parametrize("name", TEXTS)
def test_texts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TEXTS[name])
    check("solver" if "max_iter" in TEXTS[name] else "net", path)


def external_link(file: h5py.File, tmp_path: Path) -> None:
    (tmp_path / "secret.h5").write_bytes(b"")
    file["data/ip/0"] = h5py.ExternalLink("secret.h5", "/x")


def external_storage(file: h5py.File, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret" * 100)
    file.create_dataset("data/ip/0", (100,), "f4", external=[(str(secret), 0, 400)])


def virtual(file: h5py.File, tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((10,), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (10,))
    file.create_virtual_dataset("data/ip/0", layout)


def soft_link(file: h5py.File, tmp_path: Path) -> None:
    file["data/ip/0"] = h5py.SoftLink("/data/ip/0")


def never_written(file: h5py.File, tmp_path: Path) -> None:
    file.create_dataset("data/ip/0", (10**12,), "f4")


def chunks_never_written(file: h5py.File, tmp_path: Path) -> None:
    file.create_dataset("data/ip/0", (10**12,), "f4", chunks=(1000,), compression="gzip")


def bomb(file: h5py.File, tmp_path: Path) -> None:
    file.create_dataset("data/ip/0", data=np.zeros(50_000_000, "f4"), compression="gzip")


def large_chunk(file: h5py.File, tmp_path: Path) -> None:
    dataset = file.create_dataset(
        "data/ip/0", (1,), "f4", maxshape=(None,), chunks=(100_000_000,), compression="gzip"
    )
    dataset[0] = 1


def many_names(file: h5py.File, tmp_path: Path) -> None:
    values = file.create_dataset("values", data=np.zeros(1_000_000, "f4"))
    for index in range(500):
        file[f"data/ip/{index}"] = values


def large_index(file: h5py.File, tmp_path: Path) -> None:
    file["data/ip/999999999"] = np.zeros(3, "f4")


def strings(file: h5py.File, tmp_path: Path) -> None:
    file["data/ip/0"] = np.array([b"a", b"b"])


def group(file: h5py.File, tmp_path: Path) -> None:
    file.create_group("data/ip/0")


def empty(file: h5py.File, tmp_path: Path) -> None:
    file["data/ip/0"] = h5py.Empty("f4")


HDF5: list[Callable[[h5py.File, Path], None]] = [
    external_link, external_storage, virtual, soft_link, never_written, chunks_never_written,
    bomb, large_chunk, many_names, large_index, strings, group, empty,
]  # fmt: skip


@pytest.mark.parametrize("fill", HDF5, ids=lambda fill: fill.__name__)
@pytest.mark.parametrize("reader", ["model", "state"])
def test_hdf5(tmp_path: Path, fill: Callable[[h5py.File, Path], None], reader: str) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        fill(file, tmp_path)
        if reader == "state":
            file["iter"], file["current_step"] = np.array([1]), np.array([0])
            file["learned_net"] = np.bytes_("x")
            if "ip" in file["data"]:
                file.move("data/ip", "history")
    error = check(reader, path)
    assert "secret" not in error or "link" in error
