"""The windows of a Pooling layer, from its parameters."""

from __future__ import annotations

from typing import Any

from layers.base import Layer
from layers.blob import Blob
from layers.kernels.pool import WindowAxis


def window_axes(layer: Layer, bottom: Blob) -> tuple[WindowAxis, WindowAxis]:
    """The windows along the height and the width.

    Raises:
        LayerError: the parameters contradict each other, or no window fits.
    """
    p = layer.layer_param.pooling_param
    if bottom.num_axes != 4:
        raise layer.error(
            f'bottom "{bottom.name}" must have 4 axes: images, channels, height, width',
            got=f"shape {bottom.shape}",
        )
    kernel = _kernel(layer, p, bottom)
    stride, pad = _pair(layer, p, "stride"), _pair(layer, p, "pad")
    if 0 in kernel or 0 in stride:
        raise layer.error("kernel and stride must be above 0", got=f"{kernel} and {stride}")
    if p.global_pooling and (any(pad) or stride != (1, 1)):
        raise layer.error(
            "global_pooling takes no pad and no stride", got=f"pad {pad}, stride {stride}"
        )
    if any(n >= k for n, k in zip(pad, kernel, strict=True)):
        raise layer.error(
            "pad must be less than the kernel, or windows would hold nothing but padding",
            got=f"pad {pad}, kernel {kernel}",
        )
    if any(pad) and p.pool == p.STOCHASTIC:
        raise layer.error("STOCHASTIC pooling takes no pad", got=pad)
    rule = zip(bottom.shape[2:], kernel, stride, pad, strict=True)
    rows, columns = (WindowAxis(*numbers, p.round_mode == p.FLOOR) for numbers in rule)
    if rows.out < 1 or columns.out < 1:
        raise layer.error(
            f'no window fits into bottom "{bottom.name}" of shape {bottom.shape}',
            got=f"kernel {kernel}, stride {stride}, pad {pad}",
        )
    return rows, columns


def _kernel(layer: Layer, p: Any, bottom: Blob) -> tuple[int, int]:
    """Height and width of the window."""
    by_axis = [p.HasField("kernel_h"), p.HasField("kernel_w")]
    if p.global_pooling:
        if p.HasField("kernel_size") or any(by_axis):
            raise layer.error(
                "has both global_pooling and a kernel", hint="keep one: global is the whole image"
            )
        return bottom.shape[2], bottom.shape[3]
    if not p.HasField("kernel_size") and not any(by_axis):
        raise layer.error("needs pooling_param.kernel_size", hint="or write global_pooling: true")
    return _pair(layer, p, "kernel", "kernel_size")


def _pair(layer: Layer, p: Any, stem: str, field: str = "") -> tuple[int, int]:
    """A parameter for both axes, or one for each."""
    field, by_axis = field or stem, [p.HasField(f"{stem}_h"), p.HasField(f"{stem}_w")]
    if any(by_axis):
        if p.HasField(field) or not all(by_axis):
            raise layer.error(
                f"needs either {field}, or both {stem}_h and {stem}_w",
                hint="keep one of the two ways",
            )
        return getattr(p, f"{stem}_h"), getattr(p, f"{stem}_w")
    return (getattr(p, field),) * 2
