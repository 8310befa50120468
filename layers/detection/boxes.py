"""Boxes: bins of regions, overlaps, decoding, and suppression of what overlaps."""

from __future__ import annotations

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob


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
        LayerError: there is no such image.
    """
    if not 0 <= row[0] < maps.shape[0]:
        raise layer.error(
            "a region lies in an image that is not there",
            got=f"image {row[0]:g}",
            expected=f"0 to {maps.shape[0] - 1}",
        )
    return int(row[0]), row[1:5]


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
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    union = _areas(box[None]) + _areas(boxes) - shared
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


def decode(prior: Array, variance: Array, loc: Array, code: str) -> Array:
    """Boxes (..., 4) from the priors they are relative to.

    Args:
        variance: factors of ``loc``; ones where it holds them already.
        code: CORNER, CENTER_SIZE or CORNER_SIZE.
    """
    loc = loc * variance
    if code == "CORNER":
        return prior + loc
    size = prior[..., 2:] - prior[..., :2]
    if code == "CORNER_SIZE":
        return prior + loc * np.concatenate((size, size), axis=-1)
    centre = loc[..., :2] * size + (prior[..., :2] + prior[..., 2:]) / 2
    half = np.exp(loc[..., 2:]) * size / 2
    return np.concatenate((centre - half, centre + half), axis=-1)


def _areas(boxes: Array) -> Array:
    """Areas; 0 for a box that is inside out."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
