"""Which object each prior stands for, and which priors without one are worth learning from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.detection.boxes import areas, overlaps, suppress

# What `found` holds of a prior that no object was matched to, or that is left out altogether.
NONE, OUTSIDE = -1, -2


class Objects(NamedTuple):
    """The labels (G,) and boxes (G, 4) of the objects in one image."""

    labels: Array
    boxes: Array


def read_objects(layer: Layer, truth: Blob, images: int, difficult: bool) -> list[Objects]:
    """The objects of each image.

    Args:
        layer: the layer that asks, for messages.
        truth: rows of image, label, instance, x1, y1, x2, y2, difficult; an image of -1 fills
            up a batch with fewer objects.
        images: how many images there are.
        difficult: whether difficult objects count.

    Raises:
        LayerError: an object lies in an image that is not there, or has no finite box.
    """
    rows = truth.data.reshape(truth.count // 8, 8)
    rows = rows[rows[:, 0] != -1]
    wrong = (rows[:, 0] < 0) | (rows[:, 0] >= images) | (rows[:, 0] % 1 != 0)
    if (wrong | ~np.isfinite(rows).all(axis=1)).any():
        first = rows[wrong | ~np.isfinite(rows).all(axis=1)][0]
        raise layer.error(
            f'"{truth.name}" holds an object of no image, or without a finite box',
            got=f"image {first[0]:g}, box {first[3:7].tolist()}",
            expected=f"image 0 to {images - 1}, or -1 in a row that does not count",
        )
    if not difficult:
        rows = rows[rows[:, 7] == 0]
    mine = [rows[rows[:, 0] == image] for image in range(images)]
    return [Objects(some[:, 1].astype(np.intp), some[:, 3:7]) for some in mine]


def match(objects: Array, boxes: Array, p: Any) -> tuple[Array, Array]:
    """The object of each box, NONE or OUTSIDE, and how much it overlaps its object.

    First, object by object, the pair that overlaps most; then, with PER_PREDICTION, for each
    box still free the object it overlaps most, if it does so by overlap_threshold.

    Args:
        objects: (G, 4), G above 0.
        boxes: (P, 4).
        p: the MultiBoxLossParameter.
    """
    shared = np.stack([overlaps(one, boxes) for one in objects], axis=1)
    shared[~(shared > 1e-6)] = 0  # NaN, of a box that overflowed, included
    found = np.full(len(boxes), NONE)
    if p.ignore_cross_boundary_bbox:
        found[((boxes < 0) | (boxes > 1)).any(axis=1)] = OUTSIDE
        shared[found == OUTSIDE] = 0
    best, free = shared.max(axis=1), shared.copy()
    for _ in range(min(shared.shape)):
        box, one = np.unravel_index(free.argmax(), free.shape)
        if free[box, one] <= 0:
            break
        found[box], best[box] = one, shared[box, one]
        free[box] = free[:, one] = 0
    if p.match_type == p.PER_PREDICTION:
        good = (found == NONE) & (best > 0) & (best >= p.overlap_threshold)
        found[good] = shared.argmax(axis=1)[good]
    return found, best


def hardest(found: Array, shared: Array, losses: Array, boxes: Array, p: Any) -> Array:
    """The numbers of the boxes that mining selects, those of the largest losses.

    Args:
        found, shared: what :func:`match` gave.
        losses: of each box.
        boxes: what suppression compares, where nms_param asks for it.
        p: the MultiBoxLossParameter.
    """
    if p.mining_type == p.HARD_EXAMPLE:
        candidates, most = np.arange(len(found)), p.sample_size
    else:
        candidates = np.flatnonzero((found == NONE) & (shared < p.neg_overlap))
        most = int(np.float32(p.neg_pos_ratio) * np.float32(np.count_nonzero(found >= 0)))
    if p.HasField("nms_param") and p.nms_param.nms_threshold > 0:
        candidates = candidates[areas(boxes[candidates]) >= 1e-5]
        top_k = p.nms_param.top_k if p.nms_param.HasField("top_k") else -1
        threshold = p.nms_param.nms_threshold
        order = suppress(boxes[candidates], losses[candidates], threshold, 1, top_k, -np.inf)
    else:
        order = np.argsort(-losses[candidates], kind="stable")
    return candidates[order[:most]]
