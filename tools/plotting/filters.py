"""The weights of a layer as images: filters of a convolution, templates of an inner product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import DemitasseError, Net
from engine.net.gradient_flow import Node
from layers.blob import Array
from tools.plotting import figures


def filters_figure(net: Net, layer: str | None = None, most: int = 64) -> Any:
    """One image for each output of a layer (and input, beyond colours), in one scale.

    Raises:
        DemitasseError: there is no such layer, or its weights make no images.
    """
    node = _layer(net, layer)
    every = filter_images(node)
    images = every[:most]
    columns = math.ceil(math.sqrt(len(images) * 1.5))
    rows = math.ceil(len(images) / columns)
    figure = figures.new_figure(0.75 * columns + 1.4, 0.75 * rows + 0.6)
    all_axes = figure.subplots(rows, columns, squeeze=False)
    shown = draw_images(all_axes.ravel(), images)
    if shown is not None:
        figure.colorbar(shown, ax=all_axes, label="weight", shrink=0.8)
    cut = "" if len(images) == len(every) else f" of {len(every):,}"
    title = (
        f"{node.layer.name}: {len(images):,}{cut} images, {images.shape[-2]} x {images.shape[-1]}"
    )
    figure.suptitle(title, fontsize=12, fontweight="bold")
    return figure


def draw_images(all_axes: Any, images: Array) -> Any:
    """Fills the axes; returns a picture to make a colour bar from, None where they are RGB."""
    largest = float(np.abs(images).max()) or 1.0
    picture = None
    for axes in all_axes:
        axes.set_axis_off()
    for axes, image in zip(all_axes, images, strict=False):
        if image.ndim == 3:  # blue, green, red, as Caffe reads images
            axes.imshow(image[::-1].transpose(1, 2, 0) / largest / 2 + 0.5)
        else:
            # Red and blue are told apart by every eye; white is no weight.
            picture = axes.imshow(image, cmap="RdBu_r", vmin=-largest, vmax=largest)
    return picture


def filter_images(node: Node) -> Array:
    """The weights as images: (N, H, W), or (N, 3, H, W) where they are of three colours."""
    weights = node.layer.blobs[0].data
    if weights.ndim == 2:
        shape = node.bottom[0].shape[1:]
        if len(shape) < 2 or math.prod(shape) != weights.shape[1]:
            raise DemitasseError(
                f'the weights of layer "{node.layer.name}" make no images',
                got=f"bottom {node.bottom[0].shape}",
                expected="a convolution, or an inner product right above images",
            )
        weights = weights.reshape(len(weights), *shape)
    if weights.ndim != 4:
        raise DemitasseError(
            f'the weights of layer "{node.layer.name}" make no images', got=str(weights.shape)
        )
    if weights.shape[1] == 3:
        return weights
    return weights.reshape(-1, *weights.shape[2:])


def _layer(net: Net, name: str | None) -> Node:
    if name is not None and name not in net.layer_names:
        raise DemitasseError(
            f'the net has no layer "{name}"', expected=f"one of {', '.join(net.params)}"
        )
    for node in net.nodes:
        if node.layer.blobs and name in (None, node.layer.name):
            return node
    raise DemitasseError("there is no layer with weights here", got=name or net.name)
