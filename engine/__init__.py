"""The engine: specification -> Net -> Solver -> snapshots (pycaffe's interface)."""

from engine import data
from engine.errors import ConfigError, DemitasseError, LayerError, SnapshotError
from engine.net import Net
from engine.net_spec import NetSpec, layers, params
from engine.solver import Listener, LogListener, Solver, Step
from layers import TEST, TRAIN, Blob, Layer, layer_types, register_layer

__all__ = [
    "TEST",
    "TRAIN",
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
    "data",
    "layer_types",
    "layers",
    "params",
    "register_layer",
]
