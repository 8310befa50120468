"""How the coordinates of two blobs correspond, and the Crop that aligns them, as fully
convolutional nets want it: ``n.score = crop(n.upscore, n.data)``.

Along an axis of an image, cell y of a layer's top lies at ``scale * y + shift`` of its bottom:

    Convolution, Pooling, Im2col   scale = stride        shift = (extent - 1) / 2 - pad
    Deconvolution                  scale = 1 / stride    shift = (pad - (extent - 1) / 2) / stride
    Crop                           scale = 1             shift = offset

with extent = dilation (kernel - 1) + 1. Chained from both blobs down to one that both come from,
they give the map between the two. Source: Long, Shelhamer & Darrell 2015; pycaffe's module of
this name.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from engine.errors import DemitasseError
from engine.net_spec import Call, Top, layers
from engine.schema import LayerParameter
from engine.spec.fields import own_param

__all__ = ["coord_map_from_to", "crop"]

_AXES = 2  # height and width
# Layers whose tops lie cell on cell on their bottoms.
_SAME = {
    *("AbsVal", "BatchNorm", "Bias", "BNLL", "Dropout", "Eltwise", "ELU", "Exp", "Log", "LRN"),
    *("MVN", "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "Softmax", "Split", "TanH", "Threshold"),
}


class Line(NamedTuple):
    """The map ``scale * x + shift``."""

    scale: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)

    def after(self, first: Line) -> Line:
        """This map of what the first gives."""
        return Line(self.scale * first.scale, self.scale * first.shift + self.shift)


Lines = tuple[Line, ...]  # one for each axis


def crop(top_from: Top, top_to: Top) -> Any:
    """A Crop layer's top: ``top_from`` cut to the size of ``top_to``, cell on cell.

    Raises:
        DemitasseError: the blobs have nothing in common, or no crop can align them: cells of
            different sizes, an offset below 0 or between two cells.
    """
    offsets = []
    for line in coord_map_from_to(top_from, top_to):
        what = f"L.{top_from.made_by.type_name} cannot be cropped to L.{top_to.made_by.type_name}"
        where = top_from.made_by.where
        if line.scale != 1:
            got = f"a scale of {line.scale} between them"
            raise DemitasseError(what, where, got, "blobs with cells of one size")
        if line.shift < 0 or line.shift.denominator != 1:
            got, expected = f"an offset of {float(line.shift):g}", "whole cells, 0 or more"
            hint = "more pad in the first convolution makes room"
            raise DemitasseError(what, where, got, expected, hint)
        offsets.append(int(line.shift))
    same = len(set(offsets)) == 1
    return layers.Crop(top_from, top_to, crop_param={"axis": 2, "offset": offsets[: 2 - same]})


def coord_map_from_to(top_from: Top, top_to: Top) -> Lines:
    """For each axis the map from cells of ``top_to`` to coordinates in ``top_from``.

    Raises:
        DemitasseError: no blob that both come from can be reached by layers of the kinds above.
    """
    below, others = _maps(top_from), _maps(top_to)
    for ancestor, lines in others.items():  # the nearest first
        if ancestor in below:
            return tuple(
                Line(to.scale / own.scale, (to.shift - own.shift) / own.scale)
                for own, to in zip(below[ancestor], lines, strict=True)
            )
    raise DemitasseError(
        f"the coordinates of L.{top_from.made_by.type_name} and L.{top_to.made_by.type_name} "
        "cannot be related",
        top_from.made_by.where,
        expected="two blobs made from one, by layers that keep, slide over or crop images",
    )


def _maps(top: Top) -> dict[Top, Lines]:
    """The blobs that a blob comes from, itself the first, with the maps of its cells to theirs."""
    maps: dict[Top, Lines] = {top: (Line(),) * _AXES}
    waiting = [top]
    while waiting:
        current = waiting.pop(0)
        call = current.made_by
        step = tuple(_step(call, axis) for axis in range(_AXES))
        for bottom in call.inputs[:1] if call.type_name == "Crop" else call.inputs:
            if bottom in maps or None in step:
                continue
            lines = zip(step, maps[current], strict=True)
            maps[bottom] = tuple(line.after(above) for line, above in lines if line)
            waiting.append(bottom)
    return maps


def _step(call: Call, axis: int) -> Line | None:
    """The map of a layer's top to its bottom; None for a type that has none."""
    kind = call.type_name
    if kind in _SAME:
        return Line()
    if kind == "Crop":
        first = _option(call, "axis", 0, 2)
        return Line(shift=Fraction(_option(call, "offset", axis, 0))) if first == 2 else None
    if kind not in ("Convolution", "Pooling", "Im2col", "Deconvolution"):
        return None
    extent = _option(call, "dilation", axis, 1) * (_sliding(call, "kernel", axis) - 1) + 1
    stride = Fraction(_sliding(call, "stride", axis))
    shift = Fraction(extent - 1, 2) - _sliding(call, "pad", axis)
    return Line(1 / stride, -shift / stride) if kind == "Deconvolution" else Line(stride, shift)


def _sliding(call: Call, name: str, axis: int) -> int:
    """The kernel, stride or pad of an axis, by whichever of its names it is given."""
    side = _option(call, f"{name}_{'hw'[axis]}", 0, -1)
    whole = {"kernel": ("kernel_size", 1), "stride": ("stride", 1), "pad": ("pad", 0)}[name]
    return side if side >= 0 else _option(call, whole[0], axis, whole[1])


def _option(call: Call, name: str, axis: int, default: int) -> int:
    """A layer's option for an axis; one value is that of all axes."""
    group = call.options.get(own_param(LayerParameter.DESCRIPTOR, call.type_name), {})
    value = {**group, **call.options}.get(name, default)
    if isinstance(value, Sequence):
        value = value[axis if axis < len(value) else -1] if value else default
    return int(value)
