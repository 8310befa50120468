"""Activations: what every layer of a net makes of one sample, as maps and bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine import DemitasseError, Net
from engine.data.images import read_image
from engine.data.source_layer import SourceLayer
from engine.errors import did_you_mean
from layers.blob import Array
from tools.drawing.graph import automatic_split
from tools.plotting import figures

_ROWS = 40  # blobs in a picture at most
_WIDTH, _HEAD = 9.0, 0.6  # inches: of a row of maps, of what stands above it
_LETTERS = 60  # of the names above a row at most
_BARS = 64  # numbers at most that are drawn as bars, not as a line


@dataclass(frozen=True)
class Activation:
    """What a blob holds for one sample.

    Args:
        blob: its name.
        layers: who wrote it: a layer, and those that work on it in place.
        values: (C, H, W) maps, or (N,) numbers.
    """

    blob: str
    layers: list[str]
    values: Array

    @property
    def is_maps(self) -> bool:
        return self.values.ndim == 3


def run_record(net: Net, record: int = 0) -> None:
    """Runs a net so that the first sample of its blobs is a certain one of its data.

    Raises:
        DemitasseError: the net reads no data, or has fewer samples.
    """
    sources = [layer for layer in net.layers if isinstance(layer, SourceLayer)]
    if not sources:
        raise DemitasseError("this net reads no data", net.name, hint="--image FILE gives it one")
    last = sources[0].sample_count - 1
    if record < 0 or 0 <= last < record:
        raise DemitasseError("there is no such sample", got=str(record), expected=f"0 to {last}")
    for source in sources:
        source.seek(record)
    net.forward()


def run_image(net: Net, image: Path, mean: Sequence[float] = (), scale: float = 1.0) -> None:
    """Runs a net on an image file, resized to its input: (pixels - mean) * scale.

    Args:
        net: has an Input layer of shape (N, 1 or 3, H, W).
        image: the file.
        mean: of blue, green and red, or one for all; none without it.
        scale: of the pixels, 0 to 255, after the mean.

    Raises:
        DemitasseError: the net has no such input, or the image cannot be read.
    """
    shape = net.blobs[net.inputs[0]].shape if net.inputs else ()
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise DemitasseError(
            "this net has no input for an image", got=f"shape {shape}" if shape else "no input",
            expected="an Input of shape (N, 1 or 3, H, W)",
        )  # fmt: skip
    if len(mean) not in (0, 1, shape[1]):
        raise DemitasseError(
            "a mean for each channel is needed", got=str(len(mean)), expected=f"1 or {shape[1]}"
        )
    pixels = read_image(image, str(image), shape[1] == 3, *shape[2:]).astype(np.float32)
    shifted = pixels - np.reshape(mean or (0,), (-1, 1, 1)).astype(np.float32)
    net.blobs[net.inputs[0]].data = np.broadcast_to(shifted * scale, shape)
    net.forward()


def activations(net: Net, blobs: Sequence[str] = ()) -> list[Activation]:
    """What the blobs hold for the first sample of the batch, in the order they are made.

    Without names: all but labels, losses, scores of single numbers and the copies that
    automatic splits make.

    Raises:
        DemitasseError: there is no such blob.
    """
    for name in blobs:
        if name not in net.blobs:
            raise DemitasseError(
                f'the net has no blob "{name}"', hint=did_you_mean(name, net.blobs)
            )
    found = []
    for name, writers in _writers(net).items():
        values = np.asarray(net.blobs[name].data)
        sample = values[0] if values.ndim > 1 else values
        if name in blobs or not blobs and sample.size > 1 and values.ndim > 1:
            is_maps = sample.ndim == 3 and math.prod(sample.shape[1:]) > 1
            found.append(Activation(name, writers, sample if is_maps else sample.reshape(-1)))
    return found


def _writers(net: Net) -> dict[str, list[str]]:
    """The layers that write each blob, in order."""
    found: dict[str, list[str]] = {}
    for node in net.nodes:
        if not automatic_split(node):
            for top in node.top:
                found.setdefault(top.name, []).append(node.layer.name)
    return found


def activations_figure(found: Sequence[Activation], most: int = 32) -> Any:
    """A row for each blob, each in its own range of values, which its colour bar tells.

    Args:
        found: what to draw.
        most: maps at most in a row.

    Raises:
        DemitasseError: there is nothing to draw.
    """
    if not found:
        raise DemitasseError("there is no blob to draw", hint="--blob NAME names one")
    heights = [_height(one, most) for one in found]
    figure = figures.new_figure(10.5, sum(heights))
    all_axes = figure.subplots(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, one in zip(all_axes, found, strict=True):
        if one.is_maps:
            _draw_maps(figure, axes, one, most)
        else:
            _draw_numbers(axes, one)
        axes.set_title(_title(one, most), loc="left", fontsize=11, fontweight="bold")
    return figure


def _columns(one: Activation, most: int) -> tuple[int, int]:
    """Maps shown, and maps side by side."""
    shown = min(len(one.values), most)
    return shown, min(shown, 16 if one.values.shape[2] < 200 else 8)


def _height(one: Activation, most: int) -> float:
    """Inches."""
    if not one.is_maps:
        return 1.9
    shown, columns = _columns(one, most)
    return _HEAD + math.ceil(shown / columns) * min(_WIDTH / columns, 2.2)


def _title(one: Activation, most: int) -> str:
    shape = "x".join(map(str, one.values.shape))
    by = "" if one.layers == [one.blob] else f" by {', '.join(one.layers)}"
    cut = f", the first {most} shown" if one.is_maps and len(one.values) > most else ""
    if len(one.blob + by) > _LETTERS:
        by = f" by {len(one.layers)} layers"
    return f"{one.blob} ({shape}){by}{cut}"


def _draw_maps(figure: Any, axes: Any, one: Activation, most: int) -> None:
    shown, columns = _columns(one, most)
    mosaic = tiled(one.values[:shown], columns)
    picture = axes.imshow(mosaic, cmap="viridis", interpolation="nearest")
    # As wide as all rows, so that few maps stand at the left and bars below each other.
    height, width = mosaic.shape
    axes.set_xlim(-0.5, max(width, height * _WIDTH / (_height(one, most) - _HEAD)) - 0.5)
    axes.set_axis_off()
    figure.colorbar(picture, ax=axes, label="value", shrink=0.9, aspect=12, pad=0.01)


def tiled(maps: Array, columns: int) -> Array:
    """Maps (N, H, W) side by side, a gap of NaN between them."""
    count, height, width = maps.shape
    rows = math.ceil(count / columns)
    gap = max(1, round(width / 14))
    mosaic = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for index, image in enumerate(maps):
        y, x = index // columns * (height + gap), index % columns * (width + gap)
        mosaic[y : y + height, x : x + width] = image
    return mosaic


def _draw_numbers(axes: Any, one: Activation) -> None:
    places = np.arange(len(one.values))
    if len(one.values) <= _BARS:
        axes.bar(places, one.values, color=figures.COLOURS[0], width=0.8)
    else:
        axes.plot(places, one.values, color=figures.COLOURS[0], lw=0.7)
    if len(one.values) <= 20:
        axes.set_xticks(places)
    axes.set(xlabel="unit", ylabel="value", xlim=(-0.6, len(one.values) - 0.4))
    axes.grid(False, axis="x")


def drawn_part(found: Sequence[Activation]) -> Sequence[Activation]:
    """As many as a picture holds."""
    return found[:_ROWS]
