"""Shapes that Reshape and Crop infer, against counting by hand."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine import DemitasseError, Net
from engine.spec import parse_net

LENGTHS = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def dims(lengths: list[int] | tuple[int, ...]) -> str:
    return " ".join(f"dim: {length}" for length in lengths)


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[list[int], list[int], int, int]:
    """A bottom shape, the dims of reshape_param, its axis and num_axes."""
    shape = draw(LENGTHS)
    axis = draw(st.integers(0, len(shape)))
    num_axes = draw(st.integers(-1, len(shape) - axis))
    wanted = draw(st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4]), max_size=4))
    return shape, wanted, axis, num_axes


def reshaped(shape: list[int], wanted: list[int], axis: int, num_axes: int) -> list[int] | None:
    """The shape by trying every length for -1; None where there is none."""
    end = len(shape) if num_axes == -1 else axis + num_axes
    if wanted.count(-1) > 1:
        return None
    middle = []
    for index, length in enumerate(wanted):
        if length == 0 and axis + index >= len(shape):
            return None
        middle.append(shape[axis + index] if length == 0 else length)
    for guess in range(1, math.prod(shape) + 1):
        full = [*shape[:axis], *(guess if n == -1 else n for n in middle), *shape[end:]]
        if math.prod(full) == math.prod(shape):
            return full
    return None


@given(reshapes())
def test_reshape(case: tuple[list[int], list[int], int, int]) -> None:
    shape, wanted, axis, num_axes = case
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {dims(shape)} }} }} }}
    layer {{ name: "l" type: "Reshape" bottom: "x" top: "y"
            reshape_param {{ shape {{ {dims(wanted)} }} axis: {axis} num_axes: {num_axes} }} }}
    """
    expected = reshaped(shape, wanted, axis, num_axes)
    try:
        net = Net(parse_net(text))
    except DemitasseError:
        assert expected is None
        return
    assert expected is not None and net.blobs["y"].shape == tuple(expected)


@st.composite
def crops(draw: st.DrawFn) -> tuple[list[int], list[int], int, list[int]]:
    """The shapes of both bottoms, the axis and the offsets."""
    shape = draw(LENGTHS)
    axis = draw(st.integers(0, len(shape) - 1))
    other = [draw(st.integers(1, 4)) for _ in shape]
    cropped = len(shape) - axis
    count = draw(st.sampled_from([0, 1, cropped]))
    return shape, other, axis, [draw(st.integers(0, 3)) for _ in range(count)]


@given(crops())
def test_crop(case: tuple[list[int], list[int], int, list[int]]) -> None:
    shape, other, axis, offsets = case
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" top: "like"
            input_param {{ shape {{ {dims(shape)} }} shape {{ {dims(other)} }} }} }}
    layer {{ name: "l" type: "Crop" bottom: "x" bottom: "like" top: "y"
            crop_param {{ axis: {axis} {" ".join(f"offset: {o}" for o in offsets)} }} }}
    """
    starts = [0] * axis + (offsets * (len(shape) - axis) if len(offsets) == 1 else offsets)
    starts += [0] * (len(shape) - len(starts))
    lengths = shape[:axis] + other[axis:]
    fits = all(s + n <= whole for s, n, whole in zip(starts, lengths, shape, strict=True))
    values = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    try:
        net = Net(parse_net(text))
    except DemitasseError:
        assert not fits
        return
    assert fits
    net.forward(x=values, like=np.zeros(other))
    window = tuple(slice(s, s + n) for s, n in zip(starts, lengths, strict=True))
    np.testing.assert_array_equal(net.blobs["y"].data, values[window])
