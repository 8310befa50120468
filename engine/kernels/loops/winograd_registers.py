"""Winograd's transforms of tiles in memory, sixteen channels at a time, for compiled loops.

All arguments are addresses, or bytes from one thing to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernels.loops import winograd_transforms as transforms
from engine.kernels.loops.lanes import Lanes

_ADDRESS = types.int64
_INTEGER = ir.IntType(64)


@intrinsic
def input_tile(context, listed, offset, target, step):  # type: ignore[no-untyped-def]
    """B^T d B of 36 listed places, each plus an offset; into 36 places a step apart."""
    return _from_listed(transforms.of_input, 36, Lanes.load)


@intrinsic
def input_tile_bf16(context, listed, offset, target, step):  # type: ignore[no-untyped-def]
    """The same from bfloat16 numbers."""
    return _from_listed(transforms.of_input, 36, Lanes.load_bf16)


@intrinsic
def gradient_tile(context, listed, offset, target, step):  # type: ignore[no-untyped-def]
    """A dy A^T of 16 listed places, each plus an offset; into 36 places a step apart."""
    return _from_listed(transforms.of_output_gradient, 16, Lanes.load)


@intrinsic
def gradient_tile_bf16(context, listed, offset, target, step):  # type: ignore[no-untyped-def]
    """The same from bfloat16 numbers."""
    return _from_listed(transforms.of_output_gradient, 16, Lanes.load_bf16)


@intrinsic
def output_tile(context, source, step, bias, floor, listed, offset):  # type: ignore[no-untyped-def]
    """A^T m A plus the bias, at least ``floor``, into 16 listed places, each plus an offset."""
    return _to_listed(Lanes.store)


@intrinsic
def output_tile_bf16(context, source, step, bias, floor, listed, offset):  # type: ignore[no-untyped-def]
    """The same into bfloat16 numbers."""
    return _to_listed(Lanes.store_bf16)


@intrinsic
def weight_tile(context, source, lane, element, target, step):  # type: ignore[no-untyped-def]
    """G g G^T of 9 elements that are so many bytes apart, as the lanes are."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        source, lane, element, target, step = values
        places = _apart(builder, source, element, 9)
        loaded = [Lanes.gather(builder, place, lane) for place in places]
        results = transforms.both_ways(transforms.of_weights, loaded)
        for place, result in zip(_apart(builder, target, step, 36), results, strict=True):
            result.store(place)
        return context.get_dummy_value()

    return types.void(*[_ADDRESS] * 5), generate


@intrinsic
def weight_gradient_tile(context, source, step, target, adds):  # type: ignore[no-untyped-def]
    """G^T u G, for 16 pairs of maps whose 9 weights lie one after the other; replaces or adds."""

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        source, step, target, adds = values
        loaded = [Lanes.load(builder, place) for place in _apart(builder, source, step, 36)]
        results = transforms.both_ways(transforms.to_weight_gradient, loaded)
        lane = _number(9 * 4)
        places = _apart(builder, target, _number(4), 9)
        with builder.if_else(builder.icmp_signed("!=", adds, _number(0))) as (add, replace):
            with add:
                for place, result in zip(places, results, strict=True):
                    (Lanes.gather(builder, place, lane) + result).scatter(place, lane)
            with replace:
                for place, result in zip(places, results, strict=True):
                    result.scatter(place, lane)
        return context.get_dummy_value()

    return types.void(*[_ADDRESS] * 4), generate


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


def _to_listed(store: Callable[[Lanes, Any], None]) -> Any:
    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        source, step, bias, floor, listed, offset = values
        loaded = [Lanes.load(builder, place) for place in _apart(builder, source, step, 36)]
        results = transforms.both_ways(transforms.to_output, loaded)
        shift, least = Lanes.load(builder, bias), Lanes.filled(builder, floor)
        for place, result in zip(_listed(builder, listed, offset, 16), results, strict=True):
            store((result + shift).at_least(least), place)
        return context.get_dummy_value()

    return types.void(*[_ADDRESS] * 3, types.float32, *[_ADDRESS] * 2), generate


def _from_listed(
    transform: transforms.Transform, count: int, load: Callable[[Any, Any], Lanes]
) -> Any:
    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        listed, offset, target, step = values
        loaded = [load(builder, place) for place in _listed(builder, listed, offset, count)]
        results = transforms.both_ways(transform, loaded)
        for place, result in zip(_apart(builder, target, step, 36), results, strict=True):
            result.store(place)
        return context.get_dummy_value()

    return types.void(*[_ADDRESS] * 4), generate


def _listed(builder: Any, listed: Any, offset: Any, count: int) -> list[Any]:
    """The addresses of a list in memory, each plus an offset."""
    found = []
    for place in _apart(builder, listed, _number(8), count):
        address = builder.load(builder.inttoptr(place, _INTEGER.as_pointer()))
        found.append(builder.add(address, offset))
    return found


def _apart(builder: Any, first: Any, step: Any, count: int) -> list[Any]:
    """So many addresses, a step from one to the next."""
    return [builder.add(first, builder.mul(step, _number(index))) for index in range(count)]


def _number(value: int) -> Any:
    return ir.Constant(_INTEGER, value)
