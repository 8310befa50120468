"""Whatever shape its bottoms and whatever value its fields have, a layer works or says why not."""

from __future__ import annotations

import random
import zlib
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor as Field

from engine import TEST, TRAIN, DemitasseError, LayerError, Net
from engine.spec import parse_net
from layers import find_layer
from layers.example import example
from tests.layers.test_every_layer import COMPUTING
from tools.layer_pages.page import LayerPage

CASES = 150
LENGTHS = (0, 1, 1, 2, 2, 3, 4, 6)
NUMBERS = {
    Field.CPPTYPE_INT32: (-7, -2, -1, 0, 1, 2, 3, 5, 40),
    Field.CPPTYPE_UINT32: (0, 1, 2, 3, 5, 40),
    Field.CPPTYPE_FLOAT: (-1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 1e30, float("inf"), float("nan")),
    Field.CPPTYPE_BOOL: (False, True),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # HDF5Output writes


def options(type_name: str) -> list[str]:
    """The messages of LayerParameter that hold this layer's options."""
    cls = find_layer(type_name)
    assert cls is not None
    return [*LayerPage(cls).parameters, "loss_param"]


def odd_shape(draw: random.Random, shape: list[int]) -> list[int]:
    """The shape with a length or an axis changed, or another one altogether, of 0 to 6 axes."""
    if draw.random() < 0.3:
        return [draw.choice(LENGTHS) for _ in range(draw.randrange(7))]
    place = draw.randrange(len(shape) + 1)
    change = draw.randrange(3)
    if change == 0:
        return [*shape[:place], draw.choice(LENGTHS), *shape[place:]]
    if change == 1:
        return [*shape[:place], *shape[place + 1 :]]
    return [
        *shape[:place],
        *[draw.choice(LENGTHS) for _ in shape[place : place + 1]],
        *shape[place + 1 :],
    ]


def set_oddly(draw: random.Random, message: Any) -> None:
    """Gives one field of a message an odd value; goes into fillers and the like."""
    field = draw.choice(message.DESCRIPTOR.fields)
    if field.message_type is not None:
        if not field.is_repeated:
            set_oddly(draw, getattr(message, field.name))
        return
    if field.cpp_type == Field.CPPTYPE_ENUM:
        values: Any = [value.number for value in field.enum_type.values]
    elif field.cpp_type in NUMBERS:
        values = NUMBERS[field.cpp_type]
    else:
        return
    if field.is_repeated:
        message.ClearField(field.name)
        getattr(message, field.name).extend(draw.choices(values, k=draw.randrange(4)))
    else:
        setattr(message, field.name, draw.choice(values))


def odd_net(draw: random.Random, type_name: str, messages: list[str]) -> Any:
    """The layer's example with odd shapes, odd fields, or both."""
    cls = find_layer(type_name)
    assert cls is not None
    spec = parse_net(example(cls))
    inputs = [layer for layer in spec.param.layer if layer.type == "Input"]
    what = draw.randrange(3) if inputs else 1
    if what != 1:
        shape = draw.choice(inputs).input_param.shape[0]
        shape.dim[:] = odd_shape(draw, list(shape.dim))
        if draw.random() < 0.3:  # all alike, so that layers that compare bottoms see more
            for layer in inputs:
                layer.input_param.shape[0].dim[:] = shape.dim
    if what != 0:
        layer = next(layer for layer in reversed(spec.param.layer) if layer.type == type_name)
        for _ in range(draw.randrange(1, 3)):
            set_oddly(draw, getattr(layer, draw.choice(messages)))
    return spec


def run(spec: Any, draw: random.Random) -> None:
    """Builds the net, runs it both ways and once more in another shape."""
    net = Net(spec, phase=draw.choice((TRAIN, TEST)), seed=1, allow_code=True)
    rng = np.random.default_rng(draw.randrange(1000))
    for node in net.nodes:
        for index, blob in enumerate(node.bottom):
            whole = not node.layer.allow_force_backward(index)
            blob.data = rng.integers(0, 3, blob.shape) if whole else rng.normal(size=blob.shape)
        node.layer.forward(node.bottom, node.top)
        wanted = [node.layer.allow_force_backward(index) for index in range(len(node.bottom))]
        node.layer.backward(node.top, wanted, node.bottom)
    for name in net.inputs:
        blob = net.blobs[name]
        blob.reshape(*odd_shape(draw, list(blob.shape)))
    net.reshape()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # infinite fields make infinite numbers
@pytest.mark.parametrize("type_name", COMPUTING)
def test_odd_shapes_and_fields(type_name: str) -> None:
    messages, seed = options(type_name), zlib.crc32(type_name.encode())
    for case in range(CASES):
        draw = random.Random(seed + case)
        spec = odd_net(draw, type_name, messages)
        try:
            run(spec, draw)
        except LayerError:
            pass
        except DemitasseError as problem:
            pytest.fail(f"case {case}: no LayerError, {problem!r}\n{spec.param}")
        except Exception as problem:
            pytest.fail(f"case {case}: {problem!r}\n{spec.param}")
