"""Data sources; importing this package registers the layers that read files."""

from engine.data import array_data, hdf5_data
from engine.data.source_layer import SourceLayer

__all__ = ["SourceLayer", "array_data", "hdf5_data"]
