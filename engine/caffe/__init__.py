"""pycaffe's package under our roof: ``import engine.caffe as caffe``.

:func:`engine.caffe.install.install` makes ``import caffe`` mean this package, and
``python -m engine.caffe SCRIPT`` runs a script that says so, unchanged.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from engine import Net
from engine.caffe import coord_map, io, proto
from engine.caffe.classifier import Classifier
from engine.caffe.solvers import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
)
from engine.errors import did_you_mean
from engine.net_spec import NetSpec, layers, params, to_proto
from engine.pycaffe import (
    get_solver,
    layer_type_list,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_random_seed,
)
from layers import TEST, TRAIN
from layers.python.caffe import Layer

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Classifier",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "coord_map",
    "get_solver",
    "io",
    "layer_type_list",
    "layers",
    "params",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
    "to_proto",
]

__version__ = version("demitasse")


def __getattr__(name: str) -> Any:
    hint = "" if name.startswith("_") else did_you_mean(name, __all__)
    raise AttributeError(f'demitasse has no "caffe.{name}". {hint}'.strip())
