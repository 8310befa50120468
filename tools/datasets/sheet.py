"""A contact sheet: some samples of a source as one picture, labels under each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from layers.blob import Array
from layers.errors import DemitasseError
from tools.datasets.samples import Sample
from tools.plotting.figures import figure_class, save

_COLUMNS = 8
_CELL = 1.15  # inches
_LABEL = 0.28
_WORDS = 14  # characters of a label that fit


def write_sheet(
    path: Path,
    samples: Sequence[Sample],
    low: float,
    high: float,
    classes: Sequence[str] = (),
    rgb: bool = False,
) -> None:
    """Draws the samples and writes the picture, whole or not at all.

    Args:
        path: where to; .png, .svg or .pdf.
        samples: what to draw.
        low, high: the values that are black and white, for samples that are no bytes.
        classes: the names of the labels 0, 1, ...
        rgb: whether three channels are red, green and blue; else they are the other way round.

    Raises:
        DemitasseError: the samples are no pictures, or the file cannot be written.
        MissingDependency: matplotlib is not installed.
    """
    pictures = [picture(sample.data, low, high, rgb) for sample in samples]
    columns = min(_COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = figure_class()(figsize=(columns * _CELL, rows * (_CELL + _LABEL)))
    below = _LABEL / (rows * (_CELL + _LABEL))
    figure.subplots_adjust(0.01, below, 0.99, 0.99, wspace=0.06, hspace=_LABEL / _CELL)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, shown, sample in zip(grid, pictures, samples, strict=False):
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_anchor("S")
        axes.text(
            0.5, -0.03, label_text(sample.label, classes), fontsize=8, ha="center", va="top",
            transform=axes.transAxes, parse_math=False,
        )  # fmt: skip
    save(figure, path)


def picture(data: Array, low: float, high: float, rgb: bool) -> Array:
    """A sample as bytes, (H, W) or (H, W, 3) in the order red, green, blue.

    Raises:
        DemitasseError: it is no picture.
    """
    if data.dtype != np.uint8:
        scale = 255 / (high - low) if high > low else 0.0
        data = np.clip(np.nan_to_num((data - low) * scale), 0, 255).astype(np.uint8)
    if data.ndim == 1 and math.isqrt(data.size) ** 2 == data.size > 1:
        side = math.isqrt(data.size)  # a row of a table, as MNIST in CSV files is
        return data.reshape(side, side)
    if data.ndim == 2:
        return data
    if data.ndim != 3:
        raise DemitasseError(
            "the samples are no pictures",
            got=f"shape {'x'.join(map(str, data.shape))}",
            expected="(C, H, W), (H, W), or as many numbers as a square has",
        )
    if len(data) != 3:
        return data[0]
    return np.ascontiguousarray(data.transpose(1, 2, 0)[..., :: 1 if rgb else -1])


def label_text(label: Array | None, classes: Sequence[str]) -> str:
    """A label in a word: its class's name, where it has one."""
    if label is None:
        return ""
    numbers = np.asarray(label).ravel()
    first = float(numbers[0]) if numbers.size else math.nan
    if numbers.size == 1 and first.is_integer() and 0 <= first < len(classes):
        # Of a folder whose name is not UTF-8 Python has bytes that cannot be drawn.
        text = classes[int(first)].encode("utf-8", "replace").decode()
    else:
        text = " ".join(f"{number:.4g}" for number in numbers)
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 3]}..."
