"""The options of commands that look at one net: which config, which phase, whose weights."""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import DTypeLike

from engine import TEST, TRAIN, Net
from engine.spec import read_net

PHASES = {"TRAIN": TRAIN, "TEST": TEST}


def add_net_options(parser: argparse.ArgumentParser, phase: str = "TRAIN") -> None:
    """Declares them; ``phase`` is the one that is taken where none is given."""
    parser.add_argument("config", metavar="CONFIG", help="the net: YAML, prototxt or binary")
    parser.add_argument(
        "--phase", type=str.upper, choices=list(PHASES), default=phase, help=f"{phase} unless told"
    )
    parser.add_argument(
        "--stage", action="append", default=[], metavar="NAME", help="a stage; may be repeated"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
        help="override a setting, e.g. net.layer.conv1.convolution_param.num_output=64; "
        "may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--weights", metavar="FILE", help="a .caffemodel to take the parameters from"
    )
    parser.add_argument("--seed", type=int, default=1, help="of random numbers; 1 unless told")
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )


def build_net(
    arguments: argparse.Namespace, dtype: DTypeLike = np.float32, force_backward: bool = False
) -> Net:
    """The net that the options describe."""
    spec = read_net(arguments.config, arguments.overrides)
    if force_backward:
        spec.param.force_backward = True
    return Net(
        spec,
        phase=PHASES[arguments.phase],
        stages=arguments.stage,
        weights=arguments.weights,
        allow_code=arguments.allow_code,
        dtype=dtype,
        seed=arguments.seed,
    )
