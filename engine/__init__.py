"""The engine: specification -> Net -> Solver -> snapshots (pycaffe's interface)."""

from engine import data
from engine.errors import ConfigError, DemitasseError, LayerError, SnapshotError
from engine.net import Net
from engine.net_spec import NetSpec, layers, params
from engine.pycaffe import (
    get_solver,
    layer_type_list,
    set_device,
    set_mode_cpu,
    set_mode_gpu,
    set_random_seed,
)
from engine.solver import Listener, LogListener, Solver, Step
from layers import TEST, TRAIN, Blob, Layer, layer_types, register_layer

__all__ = [
    "Blob",
    "ConfigError",
    "DemitasseError",
    "Layer",
    "LayerError",
    "Listener",
    "LogListener",
    "Net",
    "NetSpec",
    "SnapshotError",
    "Solver",
    "Step",
    "TEST",
    "TRAIN",
    "data",
    "get_solver",
    "layer_type_list",
    "layer_types",
    "layers",
    "params",
    "register_layer",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]
