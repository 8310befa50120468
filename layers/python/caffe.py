"""What ``import caffe`` finds while a Python layer loads or runs: as much as layers need."""

from __future__ import annotations

from typing import Any

from layers.base import TEST, TRAIN

__all__ = ["TEST", "TRAIN", "Layer"]


class Layer:
    """The base class of Python layers, as pycaffe's ``caffe.Layer``.

    A subclass defines setup(bottom, top), reshape(bottom, top), forward(bottom, top) and
    backward(top, propagate_down, bottom). The net sets the attributes before setup.
    """

    param_str: str = ""
    phase: int = TEST
    blobs: Any = ()

    def __init__(self, layer_param: Any = None):
        pass

    @property
    def param_str_(self) -> str:
        """The name that pycaffe's first version gave to ``param_str``."""
        return self.param_str


def __getattr__(name: str) -> Any:
    raise AttributeError(
        f'demitasse answers `import caffe` with {", ".join(__all__)}; it has no "caffe.{name}"'
    )
