"""Boxes: bins of regions, overlaps, coding, and suppression of what overlaps."""

from __future__ import annotations

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob

# The CodeType of PriorBoxParameter: what a box's four numbers are, relative to its prior.
CODES = {1: "CORNER", 2: "CENTER_SIZE", 3: "CORNER_SIZE"}

FAR = 2.0**30


def check_regions(layer: Layer, maps: Blob, regions: Blob) -> None:
    """Raises a LayerError unless maps are (N, C, H, W) and regions (R, 5)."""
    if maps.num_axes != 4:
        raise layer.error(f'maps "{maps.name}" must have shape (N, C, H, W)', got=maps.shape)
    if regions.num_axes < 2 or regions.count != regions.shape[0] * 5:
        raise layer.error(
            f'regions "{regions.name}" must have shape (R, 5): image, x1, y1, x2, y2',
            got=regions.shape,
        )


def region_of(layer: Layer, maps: Blob, row: list[float]) -> tuple[int, list[float]]:
    """Image number and box of a region.

    Raises:
        LayerError: there is no such image, or the box holds NaN or infinity.
    """
    if not np.isfinite(row[1:5]).all():
        raise layer.error("a region has no finite corners", got=row[1:5])
    if not 0 <= row[0] < maps.shape[0]:
        raise layer.error(
            "a region lies in an image that is not there",
            got=f"image {row[0]:g}",
            expected=f"0 to {maps.shape[0] - 1}",
        )
    return int(row[0]), row[1:5]


def rounded(value: float) -> int:
    """The nearest whole number, halves away from zero: what C's ``round`` gives.

    Cut at 2^30, far beyond any map.
    """
    return int(np.copysign(min(np.floor(abs(value) + 0.5), FAR), value))


def bins(first: int, start: float, length: float, count: int, limit: int) -> list[slice]:
    """The pixels of each bin of a region's side, cut at the borders of the map; may overlap.

    Rounding decides which pixels a bin gets, so this computes in float32, as Caffe does.

    Args:
        first: a pixel that everything else counts from.
        start: where the region begins, from there.
        length: of the region.
        count: number of bins.
        limit: length of the map.
    """
    size = np.float32(length) / np.float32(count)
    edges = np.arange(count + 1, dtype=np.float32) * size + np.float32(start)
    lows = np.floor(edges[:-1]).astype(int) + first
    highs = np.ceil(edges[1:]).astype(int) + first
    return [
        slice(low, high)
        for low, high in zip(lows.clip(0, limit), highs.clip(0, limit), strict=True)
    ]


def overlaps(box: Array, boxes: Array) -> Array:
    """Intersection over union of a box with each of the boxes (x1, y1, x2, y2)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    with np.errstate(over="ignore", invalid="ignore"):  # boxes of infinite size overlap none
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas(box[None]) + areas(boxes) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def suppress(
    boxes: Array, scores: Array, threshold: float, eta: float, top_k: int, least: float
) -> Array:
    """Indices of the boxes that no better box overlaps by more than the threshold.

    Args:
        eta: factor of the threshold after each box kept, while it is above 0.5.
        top_k: how many of the best boxes to look at; -1 for all.
        least: boxes must score more than this.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > least]
    if top_k > -1:
        order = order[:top_k]
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[overlaps(boxes[best], boxes[order]) <= threshold] if eta >= 1 else order
        if eta < 1:
            # The threshold a box must pass depends on how many were kept when its turn comes.
            while order.size and overlaps(boxes[order[0]], boxes[kept]).max() > threshold:
                order = order[1:]
            threshold = threshold * eta if threshold > 0.5 else threshold
    return np.array(kept, np.intp)


def count_priors(layer: Layer, priors: Blob) -> int:
    """The number of priors.

    Raises:
        LayerError: the blob is not of shape (1, 2, 4 P).
    """
    if priors.num_axes < 3 or priors.shape[:2] != (1, 2) or priors.count % 8:
        raise layer.error(f'"{priors.name}" must have shape (1, 2, 4 P)', got=priors.shape)
    return priors.count // 8


def decode(prior: Array, variance: Array, loc: Array, code: str) -> Array:
    """Boxes (..., 4) from the priors they are relative to.

    Args:
        variance: factors of ``loc``; ones where it holds them already.
        code: one of CODES.
    """
    loc = loc * variance
    if code == "CORNER":
        return prior + loc
    size = prior[..., 2:] - prior[..., :2]
    if code == "CORNER_SIZE":
        return prior + loc * np.concatenate((size, size), axis=-1)
    centre = loc[..., :2] * size + (prior[..., :2] + prior[..., 2:]) / 2
    with np.errstate(over="ignore"):  # a net that is not trained asks for boxes without end
        half = np.exp(loc[..., 2:]) * size / 2
    return np.concatenate((centre - half, centre + half), axis=-1)


def encode(prior: Array, variance: Array, box: Array, code: str) -> Array:
    """What :func:`decode` makes the boxes from; all arrays are (..., 4)."""
    if code == "CORNER":
        return (box - prior) / variance
    size = prior[..., 2:] - prior[..., :2]
    if code == "CORNER_SIZE":
        return (box - prior) / np.concatenate((size, size), axis=-1) / variance
    centre = (box[..., :2] + box[..., 2:] - prior[..., :2] - prior[..., 2:]) / 2 / size
    growth = np.log((box[..., 2:] - box[..., :2]) / size)
    return np.concatenate((centre, growth), axis=-1) / variance


def areas(boxes: Array) -> Array:
    """Areas; 0 for a box that is inside out."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
