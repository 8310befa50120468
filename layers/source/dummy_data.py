"""DummyData: blobs filled by fillers."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from layers.base import Layer
from layers.blob import Blob
from layers.fillers import fill
from layers.registry import register_layer
from layers.source.shapes import one_or_each, shape_of

ZEROS = SimpleNamespace(type="constant", value=0.0, sparse=-1)


@register_layer("DummyData")
class DummyData(Layer):
    """Makes up its data: constants, or fresh random numbers at every forward pass.

    Formula:    y = what data_filler says; constants are written once only
    Derivative: none

    Shapes: no bottoms; tops, at least one, as the config says.

    Parameters (dummy_data_param): shape, once for all tops or once for each; data_filler,
    likewise (zeros); num, channels, height, width, likewise, the older form of shape.

    Example::

        layer {
          name: "noise" type: "DummyData" top: "noise"
          dummy_data_param { shape { dim: [2, 3] } data_filler { type: "gaussian" } }
        }

    Source: Caffe's DummyData.
    """

    exact_num_bottom = 0
    min_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.dummy_data_param
        fillers = list(p.data_filler) or [ZEROS]
        self._fillers: list[Any] = one_or_each(self, fillers, len(top), "data_filler")
        for blob, shape in zip(top, self._shapes(len(top)), strict=True):
            blob.reshape(*shape)
        self._fill(top, constants=True)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The tops keep their shape."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._fill(top, constants=False)

    def _fill(self, top: Sequence[Blob], constants: bool) -> None:
        for blob, filler in zip(top, self._fillers, strict=True):
            if (filler.type == "constant") == constants:
                try:
                    fill(blob.data, filler, self.context.rng)
                except ValueError as problem:
                    raise self.error(str(problem)) from problem

    def _shapes(self, tops: int) -> list[tuple[int, ...]]:
        p = self.layer_param.dummy_data_param
        legacy = {
            field: list(getattr(p, field)) for field in ("num", "channels", "height", "width")
        }
        if not any(legacy.values()):
            shapes = [shape_of(self, shape) for shape in p.shape]
            return one_or_each(self, shapes, tops, "dummy_data_param.shape")
        if p.shape:
            raise self.error(
                "has both dummy_data_param.shape and num, channels, height, width",
                hint="keep shape; the others are its older form",
            )
        columns = (one_or_each(self, values, tops, field) for field, values in legacy.items())
        return list(zip(*columns, strict=True))
