"""Source layers on their own, and the files they read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from engine import TEST
from engine.data.source_layer import SourceLayer
from engine.schema import Datum, LayerParameter
from layers.base import LayerContext
from layers.blob import Array, Blob
from layers.registry import create_layer


class Source:
    """A source layer with its tops, set up from a LayerParameter's text."""

    def __init__(self, text: str, tops: tuple[str, ...] = ("data", "label"), phase: int = TEST):
        param = LayerParameter(name="source", top=tops)
        text_format.Parse(text, param)
        self.tops = [Blob((), name) for name in tops]
        layer = create_layer(param, LayerContext(phase=phase))
        assert isinstance(layer, SourceLayer)
        self.layer: Any = layer
        self.layer.check_blob_counts(0, len(tops))
        self.layer.setup([], self.tops)
        self.layer.reshape([], self.tops)

    def forward(self) -> list[Array]:
        self.layer.forward([], self.tops)
        return [top.data.copy() for top in self.tops]

    def batches(self, count: int) -> list[list[Array]]:
        return [self.forward() for _ in range(count)]


def write_lmdb(folder: Path, values: dict[bytes, bytes]) -> None:
    lmdb = pytest.importorskip("lmdb")
    database = lmdb.open(str(folder), map_size=1 << 24)
    with database.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)
    database.close()


def write_leveldb(folder: Path, values: dict[bytes, bytes]) -> None:
    plyvel = pytest.importorskip("plyvel")
    database = plyvel.DB(str(folder), create_if_missing=True)
    for key, value in values.items():
        database.put(key, value)
    database.close()


def random_images(count: int, shape: tuple[int, ...] = (3, 8, 10), seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def datums(images: Array, labels: Any = None) -> dict[bytes, bytes]:
    """Raw Datums under Caffe's keys."""
    found = {}
    for number, image in enumerate(images):
        label = number if labels is None else labels[number]
        channels, height, width = image.shape
        datum = Datum(channels=channels, height=height, width=width, label=label)
        datum.data = image.tobytes()
        found[b"%08d_%d" % (number, number)] = datum.SerializeToString()
    return found


def write_images(folder: Path, images: Array, suffix: str = ".png") -> list[str]:
    """Image files of (C, H, W) pixels; their names."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    names = [f"img {number}{suffix}" for number in range(len(images))]
    for name, image in zip(names, images, strict=True):
        cv2.imwrite(str(folder / name), image.transpose(1, 2, 0))
    return names
