"""PyTorch's side of the benchmark of data: a DataLoader that does the same work.

It runs under the Python that has PyTorch, lmdb, h5py, OpenCV and Pillow, as ``python -m
tools.bench.peer_data SOURCE FOLDER BATCH CROP WAY WORKERS``; the rest of this project need not be
installed there. WAY is ``cv2`` or ``pil`` for JPEGs, ``rows`` or ``memory`` for HDF5, else ``-``.
"""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import h5py
import lmdb
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler

from tools.bench.data_loop import serve_batches

Sample = tuple[Any, int]
MEAN = torch.tensor([104.0, 117.0, 123.0]).reshape(3, 1, 1)


class Shuffled(Sampler[int]):
    """Every sample of an epoch once, in random order, epoch after epoch without a stop."""

    def __init__(self, count: int):
        self.count = count

    def __iter__(self) -> Iterator[int]:
        while True:
            yield from torch.randperm(self.count).tolist()


class Images(Dataset[Sample]):
    """Samples: cropped and mirrored while they are bytes, then floats less the mean.

    Args:
        open_source: gives, in the process that reads, a function from numbers to pixels, either
            (C, H, W) or (H, W, C), and labels.
        count: of the samples.
        crop: rows and columns of a sample.
        channels_last: whether the pixels are (H, W, C).
    """

    def __init__(
        self,
        open_source: Callable[[], Callable[[int], Sample]],
        count: int,
        crop: int,
        channels_last: bool,
    ):
        self.open_source, self.count, self.crop = open_source, count, crop
        self.channels_last = channels_last
        self.read: Callable[[int], Sample] | None = None

    def __getitem__(self, number: int) -> Sample:
        if self.read is None:
            self.read = self.open_source()
        pixels, label = self.read(number)
        image = torch.from_numpy(pixels)
        if self.channels_last:
            image = image.permute(2, 0, 1)
        y, x = (int(torch.randint(side - self.crop + 1, ())) for side in image.shape[1:])
        image = image[:, y : y + self.crop, x : x + self.crop]
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        # Measured as the quickest way, for pixels in either order.
        floats = image.to(torch.float32, memory_format=torch.contiguous_format)
        return floats.sub_(MEAN), label


def datum_fields(value: Any) -> dict[int, Any]:
    """The fields of a Datum by number: whole numbers, and views of bytes."""

    def varint(at: int) -> tuple[int, int]:
        result = shift = 0
        while True:
            byte = value[at]
            result |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                return result, at

    fields: dict[int, Any] = {}
    at = 0
    while at < len(value):
        key, at = varint(at)
        number, at = varint(at)
        if key & 7 == 2:
            fields[key >> 3] = value[at : at + number]
            at += number
        else:
            fields[key >> 3] = number
    return fields


def open_lmdb(folder: Path, decode: Callable[[Any], Any] | None) -> Callable[[int], Sample]:
    """Reads Datums, decoding them where that is asked for."""
    environment = lmdb.open(str(folder), readonly=True, lock=False)
    transaction = environment.begin(buffers=True)

    def read(number: int) -> Sample:
        fields = datum_fields(transaction.get(b"%08d" % number))
        if decode:
            return decode(fields[4]), fields.get(5, 0)
        shape = fields[1], fields[2], fields[3]
        return np.frombuffer(fields[4], np.uint8).reshape(shape), fields.get(5, 0)

    return read


def open_list(path: Path, decode: Callable[[Any], Any]) -> Callable[[int], Sample]:
    """Reads image files named in a list."""
    lines = [line.rsplit(maxsplit=1) for line in path.read_text().splitlines()]
    return lambda number: (decode(Path(lines[number][0]).read_bytes()), int(lines[number][1]))


def open_hdf5(path: Path, way: str) -> Callable[[int], Sample]:
    """Reads rows from the file, or from memory once all of it was read."""
    file = h5py.File(path)
    data: Any = file["data"]
    labels = file["label"][:]
    if way == "memory":
        data = data[:]
    return lambda number: (data[number], int(labels[number]))


def open_arrays(folder: Path) -> Callable[[int], Sample]:
    """Reads rows of a mapped array."""
    images = np.load(folder / "images.npy", mmap_mode="r")
    labels = np.load(folder / "labels.npy")
    return lambda number: (images[number], int(labels[number]))


def decode_cv2(data: Any) -> Any:
    """B, G, R."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def decode_pil(data: Any) -> Any:
    """R, G, B, as is usual with it."""
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def main(source: str, place: str, batch: str, crop: str, way: str, workers: str) -> None:
    """Serves batches of a source."""
    folder = Path(place)
    decode = decode_pil if way == "pil" else decode_cv2
    opened: dict[str, Callable[[], Callable[[int], Sample]]] = {
        "lmdb_raw": lambda: open_lmdb(folder / "raw_lmdb", None),
        "lmdb_jpeg": lambda: open_lmdb(folder / "jpeg_lmdb", decode),
        "image_list": lambda: open_list(folder / "list.txt", decode),
        "hdf5": lambda: open_hdf5(folder / "images.h5", way),
        "arrays": lambda: open_arrays(folder),
    }
    # That the bytes of a database may not be written; nobody does.
    warnings.filterwarnings("ignore", "The given NumPy array is not writable")
    torch.set_num_threads(1)  # with more, each small operation on a sample gets slower
    count = len(np.load(folder / "labels.npy"))
    last = source in ("lmdb_jpeg", "image_list")
    loader = DataLoader(
        Images(opened[source], count, int(crop), last),
        int(batch), sampler=Shuffled(count), num_workers=int(workers),
    )  # fmt: skip
    batches = iter(loader)
    serve_batches(lambda: next(batches)[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
