"""ROIPooling: max pooling of boxes of any size into a grid of fixed size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.detection.boxes import bins, check_regions, region_of, rounded
from layers.registry import register_layer


@register_layer("ROIPooling")
class ROIPooling(Layer):
    """Pools each region into pooled_h x pooled_w bins.

    Formula:    y[r, c, i, j] = max of channel c over bin (i, j) of region r, 0 for an empty bin;
                with first = round(scale y1), length = max(round(scale y2) - first + 1, 1), rows
                of bin i: first + floor(i length / pooled_h) up to, but not,
                first + ceil((i + 1) length / pooled_h), cut at the map; columns likewise
    Derivative: dL/dx[n, c, p] = sum of dL/dy over the bins whose maximum is at p

    Shapes: bottoms maps (N, C, H, W) and regions (R, 5), each with the number of its image and
    x1, y1, x2, y2 in pixels of the image, inclusive; top (R, C, pooled_h, pooled_w).

    Parameters (roi_pooling_param): pooled_h; pooled_w; spatial_scale (1), map size over image
    size.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 6, 5] } } }
        layer { name: "rois" type: "Input" top: "rois" input_param { shape { dim: [3, 5] } } }
        layer {
          name: "pool" type: "ROIPooling" bottom: "data" bottom: "rois" top: "pool"
          roi_pooling_param { pooled_h: 2 pooled_w: 2 }
        }

    Source: Girshick, Fast R-CNN, ICCV 2015; the ROIPooling layer of rbgirshick/caffe-fast-rcnn.
    """

    exact_num_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.roi_pooling_param
        if p.pooled_h == 0 or p.pooled_w == 0 or not 0 < p.spatial_scale < np.inf:
            raise self.error("needs pooled_h, pooled_w and a finite spatial_scale above 0")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, (maps, regions) = self.layer_param.roi_pooling_param, bottom
        check_regions(self, maps, regions)
        top[0].reshape(regions.shape[0], maps.shape[1], p.pooled_h, p.pooled_w)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        maps, y = bottom[0].data, top[0].data
        y.fill(0)
        # Where in its plane each maximum is, -1 in an empty bin.
        self.chosen: Array = np.full(y.shape, -1, np.intp)
        width, every = maps.shape[3], np.arange(maps.shape[1])
        for region, image, i, j, rows, columns in self._bins(bottom):
            window = maps[image, :, rows, columns]
            flat = window.reshape(len(window), window.shape[1] * window.shape[2])
            if flat.shape[1]:
                first = flat.argmax(axis=1)
                y[region, :, i, j] = flat[every, first]
                row, column = np.divmod(first, window.shape[2])
                places = (row + rows.start) * width + column + columns.start
                self.chosen[region, :, i, j] = places

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        maps, regions = bottom
        images = regions.data.reshape(-1, 5)[:, 0].astype(np.intp).reshape(-1, 1, 1, 1)
        channels = np.arange(maps.shape[1]).reshape(-1, 1, 1)
        planes = (images * maps.shape[1] + channels) * (maps.shape[2] * maps.shape[3])
        hit = self.chosen >= 0
        maps.diff.fill(0)
        np.add.at(maps.diff.reshape(-1), (planes + self.chosen)[hit], top[0].diff[hit])

    def _bins(self, bottom: Sequence[Blob]) -> Iterator[tuple[int, int, int, int, slice, slice]]:
        """Region, image, row and column of each bin, with the pixels it covers."""
        p, maps = self.layer_param.roi_pooling_param, bottom[0]
        scale = np.float32(p.spatial_scale)
        for region, row in enumerate(bottom[1].data.reshape(-1, 5).tolist()):
            image, box = region_of(self, maps, row)
            # The product is Caffe's in float32; it decides which way a half is rounded.
            left, upper, right, lower = (rounded(float(np.float32(x) * scale)) for x in box)
            rows = bins(upper, 0, max(lower - upper + 1, 1), p.pooled_h, maps.shape[2])
            columns = bins(left, 0, max(right - left + 1, 1), p.pooled_w, maps.shape[3])
            for i, vertical in enumerate(rows):
                for j, horizontal in enumerate(columns):
                    yield region, image, i, j, vertical, horizontal
