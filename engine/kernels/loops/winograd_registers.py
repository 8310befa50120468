"""Winograd's transforms of tiles in memory, sixteen channels at a time, for compiled loops.

All arguments are addresses, or bytes from one thing to the next, but for the shape, whose type
says which transforms they are and what the images hold.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernels.loops import winograd_transforms as transforms
from engine.kernels.loops.lanes import Lanes
from engine.kernels.loops.winograd_shapes import Shape
from engine.kernels.loops.winograd_transforms import PLANES
from engine.kernels.onednn.constants import F32

_ADDRESS = types.int64
_INTEGER = ir.IntType(64)
_LISTED = 8  # addresses in a line of a list, of which a tile has up to six
_LINE = ir.VectorType(_INTEGER, _LISTED)


@intrinsic
def input_tile(context, shape, listed, offset, target, step):  # type: ignore[no-untyped-def]
    """B^T d B of 36 listed pixels, each plus an offset; into 36 places a step apart."""
    return _from_listed(shape, transforms.of_input, transforms.SIDE)


@intrinsic
def gradient_tile(context, shape, listed, offset, target, step):  # type: ignore[no-untyped-def]
    """A dy A^T of listed pixels of results, each plus an offset; into 36 places a step apart."""
    form = _kind(shape).form
    return _from_listed(shape, form.of_output_gradient, form.tile)


@intrinsic
def output_tile(context, shape, source, step, bias, floor, listed, offset):  # type: ignore[no-untyped-def]
    """A^T m A plus the bias, at least ``floor``, into listed pixels, each plus an offset."""
    kind = _kind(shape)
    store = Lanes.store if kind.dtype == F32 else Lanes.store_bf16

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        _, source, step, bias, floor, listed, offset = values
        loaded = [Lanes.load(builder, place) for place in _apart(builder, source, step, PLANES)]
        results = transforms.both_ways(kind.form.to_output, loaded)
        shift, least = Lanes.load(builder, bias), Lanes.filled(builder, floor)
        places = _listed(builder, kind, listed, offset, kind.form.tile)
        for place, result in zip(places, results, strict=True):
            store((result + shift).at_least(least), place)
        return context.get_dummy_value()

    return types.void(shape, *[_ADDRESS] * 3, types.float32, *[_ADDRESS] * 2), generate


@intrinsic
def weight_tile(context, shape, source, lane, element, target, step):  # type: ignore[no-untyped-def]
    """G g G^T of a kernel's elements, that are so many bytes apart, as the lanes are."""
    form = _kind(shape).form

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        _, source, lane, element, target, step = values
        places = _apart(builder, source, element, form.kernel**2)
        loaded = [Lanes.gather(builder, place, lane) for place in places]
        results = transforms.both_ways(form.of_weights, loaded)
        for place, result in zip(_apart(builder, target, step, PLANES), results, strict=True):
            result.store(place)
        return context.get_dummy_value()

    return types.void(shape, *[_ADDRESS] * 5), generate


@intrinsic
def weight_gradient_tile(context, shape, source, step, target, adds):  # type: ignore[no-untyped-def]
    """G^T u G, for 16 pairs of maps whose kernels lie one after the other; replaces or adds."""
    form = _kind(shape).form
    size = form.kernel**2

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        _, source, step, target, adds = values
        loaded = [Lanes.load(builder, place) for place in _apart(builder, source, step, PLANES)]
        results = transforms.both_ways(form.to_weight_gradient, loaded)
        lane = _number(4 * size)
        places = _apart(builder, target, _number(4), size)
        with builder.if_else(builder.icmp_signed("!=", adds, _number(0))) as (add, replace):
            with add:
                for place, result in zip(places, results, strict=True):
                    (Lanes.gather(builder, place, lane) + result).scatter(place, lane)
            with replace:
                for place, result in zip(places, results, strict=True):
                    result.scatter(place, lane)
        return context.get_dummy_value()

    return types.void(shape, *[_ADDRESS] * 4), generate


@intrinsic
def list_line(context, listed, line, first, pixel, begin, end, outside):  # type: ignore[no-untyped-def]
    """Lists the addresses of a line of pixels in line ``line`` of the list: from the one ``first``
    on, ``pixel`` bytes apart; where their number is not from ``begin`` to ``end``, ``outside``."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        listed, line, *rest = values
        first, pixel, begin, end, outside = [_all_lanes(builder, value) for value in rest]
        number = ir.Constant(_LINE, list(range(_LISTED)))
        inside = builder.and_(
            builder.icmp_signed(">=", number, begin), builder.icmp_signed("<", number, end)
        )
        address = builder.select(inside, builder.add(first, builder.mul(pixel, number)), outside)
        place = builder.add(listed, builder.mul(line, _number(8 * _LISTED)))
        builder.store(address, builder.inttoptr(place, _LINE.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(*[_ADDRESS] * 7), generate


@intrinsic
def clear_lanes(context, target):  # type: ignore[no-untyped-def]
    """Sets 16 floats to zero."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        Lanes.filled(builder, 0).store(values[0])
        return context.get_dummy_value()

    return types.void(_ADDRESS), generate


@intrinsic
def copy_lanes(context, source, target):  # type: ignore[no-untyped-def]
    """Copies 16 floats."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        source, target = values
        Lanes.load(builder, source).store(target)
        return context.get_dummy_value()

    return types.void(_ADDRESS, _ADDRESS), generate


@intrinsic
def add_lanes(context, source, target):  # type: ignore[no-untyped-def]
    """Adds 16 floats to others."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        source, target = values
        (Lanes.load(builder, target) + Lanes.load(builder, source)).store(target)
        return context.get_dummy_value()

    return types.void(_ADDRESS, _ADDRESS), generate


def _from_listed(shape: Any, transform: transforms.Transform, side: int) -> Any:
    kind = _kind(shape)
    load = Lanes.load if kind.dtype == F32 else Lanes.load_bf16

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        _, listed, offset, target, step = values
        places = _listed(builder, kind, listed, offset, side)
        results = transforms.both_ways(transform, [load(builder, place) for place in places])
        for place, result in zip(_apart(builder, target, step, PLANES), results, strict=True):
            result.store(place)
        return context.get_dummy_value()

    return types.void(shape, *[_ADDRESS] * 4), generate


def _kind(shape: Any) -> type[Shape]:
    """The class of a numba type."""
    kind: type[Shape] = shape.instance_class
    return kind


def _listed(builder: Any, kind: type[Shape], listed: Any, offset: Any, side: int) -> list[Any]:
    """The addresses of a list in memory, each plus an offset that is one of float32 numbers."""
    if kind.dtype != F32:
        offset = builder.ashr(offset, _number(1))
    found = []
    for line in _apart(builder, listed, _number(8 * _LISTED), side):
        for place in _apart(builder, line, _number(8), side):
            address = builder.load(builder.inttoptr(place, _INTEGER.as_pointer()))
            found.append(builder.add(address, offset))
    return found


def _all_lanes(builder: Any, value: Any) -> Any:
    """A line of the same number."""
    undefined = ir.Constant(_LINE, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), _LISTED), [0] * _LISTED)
    return builder.shuffle_vector(first, undefined, order)


def _apart(builder: Any, first: Any, step: Any, count: int) -> list[Any]:
    """So many addresses, a step from one to the next."""
    return [builder.add(first, builder.mul(step, _number(index))) for index in range(count)]


def _number(value: int) -> Any:
    return ir.Constant(_INTEGER, value)
