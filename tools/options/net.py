"""The options of commands that look at one net: which config, which phase, whose weights."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from engine import TEST, TRAIN, Net, schema
from engine.data import SourceLayer
from engine.schema import NetParameter, NetState
from engine.spec import read_net
from layers.errors import LayerError
from layers.registry import find_layer
from tools.options.overrides import add_set_option

PHASES = {"TRAIN": TRAIN, "TEST": TEST}
_NO_SUCH_FILE = "DM001"


def add_net_options(parser: argparse.ArgumentParser, phase: str = "TRAIN") -> None:
    """Declares them; ``phase`` is the one that is taken where none is given."""
    parser.add_argument("config", metavar="CONFIG", help="the net: YAML, prototxt or binary")
    parser.add_argument(
        "--phase", type=str.upper, choices=list(PHASES), default=phase, help=f"{phase} unless told"
    )
    parser.add_argument(
        "--stage", action="append", default=[], metavar="NAME", help="a stage; may be repeated"
    )
    add_set_option(parser, "net.layer.conv1.convolution_param.num_output=64")
    parser.add_argument(
        "--weights", metavar="FILE", help="a .caffemodel to take the parameters from"
    )
    parser.add_argument(
        "--input-shape", type=_shape, metavar="NxCxHxW",
        help="read no data: an Input of this shape, such as 64x3x32x32, in place of each layer "
        "that reads files",
    )  # fmt: skip
    parser.add_argument("--seed", type=_seed, default=1, help="of random numbers; 1 unless told")
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )


def build_net(
    arguments: argparse.Namespace,
    dtype: DTypeLike = np.float32,
    force_backward: bool = False,
    change: Callable[[NetParameter, NetState], None] | None = None,
) -> Net:
    """The net that the options describe.

    Args:
        arguments: the options.
        dtype: of its blobs.
        force_backward: whether its inputs get gradients too.
        change: what to do to the specification first, given the state that it is built in.
    """
    spec = read_net(arguments.config, arguments.overrides)
    if arguments.input_shape:
        _read_no_data(spec.param, arguments.input_shape)
    if force_backward:
        spec.param.force_backward = True
    if change is not None:
        state = NetState()
        state.CopyFrom(spec.param.state)
        state.phase = schema.TRAIN if arguments.phase == "TRAIN" else schema.TEST
        state.stage.extend(arguments.stage)
        change(spec.param, state)
    try:
        return Net(
            spec,
            phase=PHASES[arguments.phase],
            stages=arguments.stage,
            weights=arguments.weights,
            allow_code=arguments.allow_code,
            dtype=dtype,
            seed=arguments.seed,
        )
    except LayerError as problem:
        if problem.id == _NO_SUCH_FILE and not problem.hint and not arguments.input_shape:
            problem.hint = "--input-shape NxCxHxW puts an Input of that shape in its place"
        raise


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _shape(text: str) -> list[int]:
    parts = text.lower().split("x")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape such as 64x3x32x32")
    return [int(part) for part in parts]


def _read_no_data(param: NetParameter, shape: list[int]) -> None:
    """Inputs in place of the layers that read files; a top after the first is one of labels."""
    for layer in param.layer:
        kind = find_layer(layer.type)
        if kind is not None and issubclass(kind, SourceLayer):
            layer.type = "Input"
            for index in range(len(layer.top)):
                layer.input_param.shape.add(dim=shape[: 1 if index else None])
