"""Upsample: unpooling, or enlarging by repetition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Upsample")
class Upsample(Layer):
    """Puts values back where max pooling took them from; without a mask repeats each pixel.

    Formula:    y[mask[i]] = x[i], 0 elsewhere;   without a mask y[j] = x[floor(j / scale)]
    Derivative: dL/dx[i] = dL/dy[mask[i]];   without a mask the sum over the copies of a pixel

    Shapes: bottoms x (N, C, H, W) and mask (N, C, H, W), the second top of a MAX Pooling; top
    (N, C, H', W'), where H' is upsample_h or scale_h H, less 1 with pad_out_h, and W' likewise.
    Where two masks name one pixel, the last value stays.

    Parameters (upsample_param): scale (2), or scale_h and scale_w; pad_out_h and pad_out_w
    (false), for odd sizes with scale 2; upsample_h and upsample_w, in pixels, which win.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 2, 2, 3] } } }
        layer { name: "up" type: "Upsample" bottom: "data" top: "up" upsample_param { scale: 2 } }

    Source: Badrinarayanan et al., SegNet, PAMI 2017; the Upsample layer of
    alexgkendall/caffe-segnet; without a mask that of eric612/MobileNet-YOLO.
    """

    min_bottom = 1
    max_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.upsample_param
        for a, b in (("scale_h", "scale_w"), ("upsample_h", "upsample_w")):
            if p.HasField(a) != p.HasField(b):
                raise self.error(f"needs both upsample_param.{a} and {b}, or neither")
        if p.HasField("scale") and p.HasField("scale_h"):
            raise self.error("has both scale and scale_h and scale_w", hint="keep one of the two")
        self.scale = (p.scale_h, p.scale_w) if p.HasField("scale_h") else (p.scale, p.scale)
        for name, factor in zip(("pad_out_h", "pad_out_w"), self.scale, strict=True):
            if getattr(p, name) and factor != 2 and not p.HasField("upsample_h"):
                raise self.error(f"takes {name} with a scale of 2 only", got=f"scale {factor}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.upsample_param, bottom[0].shape
        if len(shape) != 4 or any(blob.shape != shape for blob in bottom):
            raise self.error(
                "its bottoms must have one shape (N, C, H, W)",
                got=" and ".join(str(blob.shape) for blob in bottom),
            )
        height = p.upsample_h or shape[2] * self.scale[0] - p.pad_out_h
        width = p.upsample_w or shape[3] * self.scale[1] - p.pad_out_w
        repeated = (shape[2] * self.scale[0], shape[3] * self.scale[1])
        if min(height, width) < 1 or (len(bottom) == 1 and (height, width) != repeated):
            raise self.error(
                "cannot make an image of this size",
                got=f"{height} x {width}",
                expected="scale times the bottom's" if len(bottom) == 1 else "at least 1 x 1",
            )
        top[0].reshape(*shape[:2], height, width)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        if len(bottom) == 1:
            np.copyto(self._copies(y), x[:, :, :, None, :, None])
            return
        y.fill(0)
        planes = y.reshape(*y.shape[:2], -1)
        np.put_along_axis(planes, self._mask(bottom[1], planes.shape[2]), _flat(x), axis=2)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        dy, dx = top[0].diff, bottom[0].diff
        if len(bottom) == 1:
            np.sum(self._copies(dy), axis=(3, 5), out=dx)
            return
        planes = _flat(dy)
        mask = self._mask(bottom[1], planes.shape[2])
        np.copyto(_flat(dx), np.take_along_axis(planes, mask, axis=2))

    def _copies(self, y: Array) -> Array:
        """The top (N, C, H, scale, W, scale)."""
        height, width = y.shape[2] // self.scale[0], y.shape[3] // self.scale[1]
        return y.reshape(*y.shape[:2], height, self.scale[0], width, self.scale[1])

    def _mask(self, blob: Blob, size: int) -> Array:
        """The indices (N, C, H W), checked."""
        mask = _flat(blob.data).astype(np.intp)
        if mask.size and not 0 <= mask.min() <= mask.max() < size:
            raise self.error(
                f'mask "{blob.name}" points outside the top',
                got=f"{mask.min()} to {mask.max()}",
                expected=f"0 to {size - 1}",
            )
        return mask


def _flat(array: Array) -> Array:
    """(N, C, H W)."""
    return array.reshape(*array.shape[:2], -1)
