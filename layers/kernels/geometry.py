"""Kernel, stride, padding and dilation of sliding windows, and the lengths that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from layers.base import Layer
from layers.blob import Blob


@dataclass(frozen=True)
class Geometry:
    """How a window slides: one number a spatial axis in each field."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """The length a window covers, gaps of dilation included: d (k - 1) + 1."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def convolved(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """Windows that fit, rounded down: (n + 2p - extent) / s + 1; 0 or less: none fits."""
        rule = zip(lengths, self.pad, self.extent, self.stride, strict=True)
        return tuple((n + 2 * p - e) // s + 1 for n, p, e, s in rule)

    def deconvolved(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """The length that many windows spread over: s (n - 1) + extent - 2p."""
        rule = zip(lengths, self.pad, self.extent, self.stride, strict=True)
        return tuple(s * (n - 1) + e - 2 * p for n, p, e, s in rule)

    def with_axis(self) -> Geometry:
        """The same with one more axis in front, of length 1."""
        return Geometry((1, *self.kernel), (1, *self.stride), (0, *self.pad), (1, *self.dilation))

    def without_axis(self) -> Geometry:
        """The same without its first axis and without padding."""
        return Geometry(
            self.kernel[1:], self.stride[1:], (0,) * (len(self.pad) - 1), self.dilation[1:]
        )


def pooled(length: int, kernel: int, stride: int, pad: int, floor: bool = False) -> int:
    """Pooling windows along an axis: rounded up unless ``floor``, the last one then clipped.

    With padding, a last window that would start beyond the image and its left padding is
    dropped.
    """
    span = length + 2 * pad - kernel
    windows = (span // stride if floor else -(-span // stride)) + 1
    if pad and (windows - 1) * stride >= length + pad:
        windows -= 1
    return windows


def read_geometry(layer: Layer, bottom: Blob, first: int) -> Geometry:
    """The geometry of a layer's ``convolution_param`` for a bottom's axes from ``first`` on.

    Raises:
        LayerError: a field is given twice, in the wrong number, or as zero.
    """
    axes = bottom.num_axes - first
    p = layer.layer_param.convolution_param
    kernel = _repeated(layer, p, axes, "kernel", "kernel_size", None)
    stride = _repeated(layer, p, axes, "stride", "stride", 1)
    pad = _repeated(layer, p, axes, "pad", "pad", 0)
    dilation = _values(layer, list(p.dilation), axes, "dilation", 1)
    for field, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if 0 in values:
            by_axis = p.HasField("kernel_h") or p.HasField("stride_h")
            pair = "give both the _h and the _w field" if by_axis else ""
            raise layer.error(f"convolution_param.{field} must not be 0", got=values, hint=pair)
    return Geometry(kernel, stride, pad, dilation)


def check_fits(layer: Layer, geometry: Geometry, bottom: Blob, lengths: Sequence[int]) -> None:
    """Raises a LayerError where an output length is not positive."""
    if min(lengths, default=1) < 1:
        raise layer.error(
            f'no window fits into bottom "{bottom.name}" of shape {bottom.shape}',
            got=f"output lengths {tuple(lengths)}, for kernel {geometry.kernel}, stride "
            f"{geometry.stride}, pad {geometry.pad}, dilation {geometry.dilation}",
            expected="at least 1 on each spatial axis",
            hint="take a smaller kernel or more padding",
        )


def _repeated(
    layer: Layer, p: Any, axes: int, stem: str, field: str, default: int | None
) -> tuple[int, ...]:
    """A field given as ``stem_h`` and ``stem_w``, or as a list."""
    values = list(getattr(p, field))
    if not (p.HasField(f"{stem}_h") or p.HasField(f"{stem}_w")):
        return _values(layer, values, axes, field, default)
    if axes != 2:
        raise layer.error(
            f"{stem}_h and {stem}_w are for two spatial axes",
            got=f"{axes} spatial axes",
            hint=f"write {field} once, or once per axis",
        )
    if values:
        raise layer.error(
            f"has both {field} and {stem}_h/{stem}_w", hint="keep one of the two ways"
        )
    return getattr(p, f"{stem}_h"), getattr(p, f"{stem}_w")


def _values(
    layer: Layer, values: list[int], axes: int, field: str, default: int | None
) -> tuple[int, ...]:
    """One value an axis, from a list of one value, of all values, or of none."""
    if not values and default is not None:
        values = [default]
    if len(values) == 1:
        return (values[0],) * axes
    if len(values) != axes:
        raise layer.error(
            f"convolution_param.{field} must be given once, or once for each spatial axis",
            got=f"{len(values)} values",
            expected=f"1 or {axes}",
        )
    return tuple(values)
