"""The maths: the layer contract, and one layer per file."""

from layers.base import TEST, TRAIN, Layer, LayerContext, LossLayer, NeuronLayer
from layers.blob import Blob
from layers.errors import DemitasseError, LayerError
from layers.registry import create_layer, find_layer, layer_types, register_layer

__all__ = [
    "TEST",
    "TRAIN",
    "Blob",
    "DemitasseError",
    "Layer",
    "LayerContext",
    "LayerError",
    "LossLayer",
    "NeuronLayer",
    "create_layer",
    "find_layer",
    "layer_types",
    "register_layer",
]
