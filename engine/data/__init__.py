"""Data sources; importing this package registers the layers that read and write files."""

from engine.data import (
    array_data,
    csv_data,
    data,
    hdf5_data,
    hdf5_output,
    image_data,
    image_folder,
    memory_data,
    window_data,
)
from engine.data.source_layer import SourceLayer

__all__ = [
    "SourceLayer",
    "array_data",
    "csv_data",
    "data",
    "hdf5_data",
    "hdf5_output",
    "image_data",
    "image_folder",
    "memory_data",
    "window_data",
]
