"""Labels and indices: blobs of floats that hold whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob


def read_labels(
    layer: Layer,
    blob: Blob,
    classes: int,
    ignore: int | None = None,
    above: bool = False,
    what: str = "label",
) -> Array:
    """The labels in ``blob`` as integers, of the blob's shape.

    Args:
        layer: the layer that asks, for messages.
        blob: holds the labels.
        classes: how many labels there are; they count from 0.
        ignore: a further value that is allowed.
        above: whether labels of ``classes`` and more are let through.
        what: the word for a label in messages.

    Raises:
        LayerError: a value is negative, too large or not whole; the first one is named.
    """
    values = blob.data
    with np.errstate(invalid="ignore"):  # NaN and infinity are reported below
        labels = values.astype(np.intp)
    wrong = (labels != values) | (labels < 0)
    if not above:
        wrong |= labels >= classes
    if ignore is not None:
        wrong &= values != ignore
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        expected = "a whole number, 0 or more" if above else f"a whole number, 0 to {classes - 1}"
        raise layer.error(
            f'bottom "{blob.name}" holds a value that is no {what}',
            got=f"{values[first]:g}{_place(first, blob.shape)}",
            expected=expected + ("" if ignore is None else f", or {ignore} (ignored)"),
            hint=f"the first {what} is 0, not 1" if values[first] == classes else "",
        )
    return labels


def ignored_label(param: object) -> int | None:
    """``ignore_label`` of a LossParameter or AccuracyParameter, or None where none is given."""
    return param.ignore_label if param.HasField("ignore_label") else None  # type: ignore[attr-defined]


def check_label_count(layer: Layer, blob: Blob, shape: tuple[int, ...], axis: int) -> None:
    """Raises a LayerError unless there is one label for every prediction along ``axis``."""
    wanted = shape[:axis] + shape[axis + 1 :]
    if blob.count != int(np.prod(wanted)):
        raise layer.error(
            f'bottom "{blob.name}" must hold one label for every prediction',
            got=f"{blob.count} labels of shape {blob.shape}",
            expected=f"{int(np.prod(wanted))} of shape {wanted}, for predictions of shape "
            f"{shape} with the classes along axis {axis}",
        )


def refuse_gradient(layer: Layer, bottom: Sequence[Blob], propagate_down: Sequence[bool]) -> None:
    """Raises a LayerError when a gradient is asked of labels, indices or weights."""
    for index, (blob, asked) in enumerate(zip(bottom, propagate_down, strict=True)):
        if asked and not layer.allow_force_backward(index):
            raise layer.error(
                f'has no gradient for bottom "{blob.name}"',
                hint="set propagate_down to false for it, or feed it from an Input or data layer",
            )


def _place(index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if not index:
        return ""
    inner = f", position {index[1:]}" if max(shape[1:], default=1) > 1 else ""
    return f" at sample {index[0]}{inner}"
