"""The sources that the benchmark of data reads: one set of images in every form.

``images.npy`` and ``labels.npy``, ``images.h5`` (listed in ``h5.txt``), ``raw_lmdb``,
``jpeg_lmdb``, and ``jpeg/`` (listed in ``list.txt``). The images are made here, so there is nothing
to fetch.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.data.hdf5_file import import_h5py
from engine.data.images import channels_last, import_cv2
from engine.errors import MissingDependency
from engine.schema import Datum
from layers.blob import Array

CLASSES = 10
_QUALITY = 90  # of the JPEGs; with it a 256 x 256 image has about 20 kB, as in ImageNet
_KNOTS = 12  # of the smooth part of an image, on each side


def write_sources(folder: Path, count: int, size: int) -> None:
    """Writes ``count`` images of ``size`` x ``size`` pixels, in colour, in every form.

    Raises:
        MissingDependency: cv2, lmdb or h5py is not installed.
    """
    images = np.stack([make_image(number, size) for number in range(count)])
    labels = np.arange(count) % CLASSES
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    with import_h5py().File(folder / "images.h5", "w") as file:
        file["data"], file["label"] = images, labels
    (folder / "h5.txt").write_text(f"{folder / 'images.h5'}\n")
    jpegs = [encode(image) for image in images]
    (folder / "jpeg").mkdir()
    for number, jpeg in enumerate(jpegs):
        (folder / "jpeg" / f"{number}.jpg").write_bytes(jpeg)
    lines = (f"{folder}/jpeg/{number}.jpg {label}\n" for number, label in enumerate(labels))
    (folder / "list.txt").write_text("".join(lines))
    raw = (Datum(data=image.tobytes()) for image in images)
    _write_lmdb(folder / "raw_lmdb", raw, labels, size)
    encoded = (Datum(data=jpeg, encoded=True) for jpeg in jpegs)
    _write_lmdb(folder / "jpeg_lmdb", encoded, labels, size)


def make_image(number: int, size: int) -> Array:
    """Pixels that compress about as a photograph does: smooth shapes, edges and some noise.

    Shape: (3, size, size), bytes.
    """
    random = np.random.default_rng(number)
    coarse = random.uniform(0, 255, (_KNOTS, _KNOTS, 3)).astype(np.float32)
    image = import_cv2().resize(coarse, (size, size))
    y, x = np.mgrid[:size, :size] / size
    for centre in random.uniform(0, 1, (4, 2)):
        disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < random.uniform(0.01, 0.05)
        image[disc] = random.uniform(0, 255, 3)
    image += random.normal(0, 6, (size, size, 1))
    return np.ascontiguousarray(image.clip(0, 255).astype(np.uint8).transpose(2, 0, 1))


def encode(image: Array) -> bytes:
    """The image as a JPEG file."""
    cv2 = import_cv2()
    _, data = cv2.imencode(".jpg", channels_last(image), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    encoded: bytes = data.tobytes()
    return encoded


def _write_lmdb(folder: Path, datums: Iterable[Datum], labels: Array, size: int) -> None:
    """Writes the Datums, their sizes and labels filled in, under the keys 00000000, 00000001 ..."""
    try:
        import lmdb
    except ImportError as problem:
        raise MissingDependency("lmdb", "data", "writing LMDB") from problem
    environment = lmdb.open(str(folder), map_size=2**34)
    with environment.begin(write=True) as transaction:
        for number, (datum, label) in enumerate(zip(datums, labels.tolist(), strict=True)):
            datum.channels, datum.height, datum.width, datum.label = 3, size, size, label
            transaction.put(b"%08d" % number, datum.SerializeToString())
    environment.close()
