"""PriorBox: the default boxes of SSD, laid over the cells of a feature map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("PriorBox")
class PriorBox(Layer):
    """Puts boxes of several sizes and shapes at the centre of each cell.

    Formula:    centre (w + offset, h + offset) * step; for each min_size m: an m x m square, a
                square of side sqrt(m M) with M the max_size that goes with it, and
                m sqrt(r) x m / sqrt(r) for each aspect ratio r other than 1; all divided by the
                size of the image
    Derivative: none; the bottoms count by their shapes only, and get zeros

    Shapes: bottoms map (N, C, H, W) and image (N, C', H', W'); top (1, 2, 4 H W B) with B boxes
    a cell: row 0 has x1, y1, x2, y2 of each box, row 1 the variances of each number.

    Parameters (prior_box_param): min_size, max_size, in pixels; aspect_ratio; flip (true) adds
    the reciprocals; clip (false) cuts boxes at the image; variance (0.1), one or four; img_size,
    or img_h and img_w (the second bottom's); step, or step_h and step_w (image size over map
    size); offset (0.5).

    Example::

        layer { name: "map" type: "Input" top: "map" input_param { shape { dim: [1, 2, 2, 3] } } }
        layer { name: "img" type: "Input" top: "img" input_param { shape { dim: [1, 3, 8, 12] } } }
        layer {
          name: "prior" type: "PriorBox" bottom: "map" bottom: "img" top: "prior"
          prior_box_param { min_size: 3 max_size: 5 aspect_ratio: 2 }
        }

    Source: Liu et al., SSD, ECCV 2016; the layer of that name in its fork of Caffe.
    """

    exact_num_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.prior_box_param
        if p.fixed_size or p.fixed_ratio or p.density:
            raise self.error("cannot make dense priors", hint="write min_size and aspect_ratio")
        if not p.min_size or min(p.min_size) <= 0:
            raise self.error("needs prior_box_param.min_size above 0", got=list(p.min_size))
        pairs = zip(p.min_size, p.max_size, strict=False)
        if p.max_size and (
            len(p.max_size) != len(p.min_size) or any(most <= least for least, most in pairs)
        ):
            raise self.error(
                "needs one max_size for each min_size, and greater than it",
                got=f"{list(p.max_size)} for {list(p.min_size)}",
            )
        if len(p.variance) not in (0, 1, 4) or any(value <= 0 for value in p.variance):
            raise self.error("needs one variance or four, above 0", got=list(p.variance))
        if not all(0 < ratio < math.inf for ratio in p.aspect_ratio):
            raise self.error("needs finite aspect ratios above 0", got=list(p.aspect_ratio))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob in bottom:
            if blob.num_axes != 4 or 0 in blob.shape[2:]:
                raise self.error(
                    f'"{blob.name}" must have shape (N, C, H, W)', got=f"shape {blob.shape}"
                )
        cells = bottom[0].shape[2] * bottom[0].shape[3]
        top[0].reshape(1, 2, cells * len(self._sizes()) * 4)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.prior_box_param
        (height, width), image = bottom[0].shape[2:], self._image(bottom[1])
        steps = (
            p.step_h or p.step or image[0] / height,
            p.step_w or p.step or image[1] / width,
        )
        x = (np.arange(width) + p.offset) * steps[1]
        y = (np.arange(height) + p.offset) * steps[0]
        centres = np.stack(np.meshgrid(x, y), axis=-1)[:, :, None]
        half = np.array(self._sizes()) / 2
        boxes = np.concatenate((centres - half, centres + half), axis=-1)
        boxes /= np.array([image[1], image[0]] * 2)
        if p.clip:
            np.clip(boxes, 0, 1, out=boxes)
        out: Array = top[0].data[0]
        out[0] = boxes.reshape(-1)
        variance = list(p.variance) or [0.1]
        out[1] = np.resize(variance, out.shape[1])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff.fill(0)

    def _image(self, image: Blob) -> tuple[int, int]:
        """Height and width of the image."""
        p = self.layer_param.prior_box_param
        return p.img_h or p.img_size or image.shape[2], p.img_w or p.img_size or image.shape[3]

    def _sizes(self) -> list[tuple[float, float]]:
        """Width and height, in pixels, of the boxes of one cell."""
        p = self.layer_param.prior_box_param
        ratios: list[float] = [1.0]
        for ratio in p.aspect_ratio:
            for one in (ratio, 1 / ratio) if p.flip else (ratio,):
                if all(abs(one - other) >= 1e-6 for other in ratios):
                    ratios.append(one)
        sizes = []
        for index, least in enumerate(p.min_size):
            sizes.append((least, least))
            if p.max_size:
                sizes.append((math.sqrt(least * p.max_size[index]),) * 2)
            sizes += [(least * math.sqrt(r), least / math.sqrt(r)) for r in ratios[1:]]
        return sizes
