"""PSROIPooling: average pooling in which each bin reads channels of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.detection.boxes import bins, check_regions, region_of, rounded
from layers.registry import register_layer

EDGES = 0, 0, 1, 1  # what x1, y1, x2, y2 lack to be where the region starts and ends

Bin = tuple[int, int, int, int, slice, slice]


@register_layer("PSROIPooling")
class PSROIPooling(Layer):
    """Pools each region into k x k bins; bin (i, j) averages score maps that are for it alone.

    Formula:    y[r, c, i, j] = mean of channel (c k + i) k + j over bin (i, j) of region r,
                0 for an empty bin; with first = scale round(y1), length =
                max(scale (round(y2) + 1) - first, 0.1), rows of bin i: floor(first + i length / k)
                up to, but not, ceil(first + (i + 1) length / k), cut at the map; columns likewise
    Derivative: dL/dx = sum of dL/dy / area over the bins that read the pixel's channel

    Shapes: bottoms maps (N, output_dim k^2, H, W) and regions (R, 5), each with the number of
    its image and x1, y1, x2, y2 in pixels of the image, inclusive; top (R, output_dim, k, k).

    Parameters (psroi_pooling_param): output_dim; group_size, which is k; spatial_scale, map size
    over image size.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 8, 6, 5] } } }
        layer { name: "rois" type: "Input" top: "rois" input_param { shape { dim: [3, 5] } } }
        layer {
          name: "pool" type: "PSROIPooling" bottom: "data" bottom: "rois" top: "pool"
          psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 1 }
        }

    Source: Dai et al., R-FCN, NIPS 2016; the PSROIPooling layer of daijifeng001/caffe-rfcn.
    """

    exact_num_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.psroi_pooling_param
        if p.output_dim <= 0 or p.group_size <= 0 or not 0 < p.spatial_scale < np.inf:
            raise self.error("needs output_dim, group_size and a finite spatial_scale above 0")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, (maps, regions) = self.layer_param.psroi_pooling_param, bottom
        check_regions(self, maps, regions)
        if maps.shape[1] != p.output_dim * p.group_size**2:
            raise self.error(
                f'maps "{maps.name}" must have a channel for each bin of each output',
                got=f"{maps.shape[1]} channels",
                expected=f"{p.output_dim} x {p.group_size} x {p.group_size}",
            )
        top[0].reshape(regions.shape[0], p.output_dim, p.group_size, p.group_size)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        maps, y, size = bottom[0].data, top[0].data, top[0].shape[3]
        for region, image, i, j, rows, columns in self._bins(bottom):
            window = maps[image, i * size + j :: size * size, rows, columns]
            area = max(1, window.shape[1] * window.shape[2])
            y[region, :, i, j] = window.sum(axis=(1, 2)) / area

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        dx, dy, size = bottom[0].diff, top[0].diff, top[0].shape[3]
        dx.fill(0)
        for region, image, i, j, rows, columns in self._bins(bottom):
            window = dx[image, i * size + j :: size * size, rows, columns]
            area = max(1, window.shape[1] * window.shape[2])
            window += (dy[region, :, i, j] / area)[:, None, None]

    def _bins(self, bottom: Sequence[Blob]) -> Iterator[Bin]:
        """Region, image, row and column of each bin, with the pixels it covers."""
        p, maps = self.layer_param.psroi_pooling_param, bottom[0]
        scale = np.float32(p.spatial_scale)
        for region, row in enumerate(bottom[1].data.reshape(-1, 5).tolist()):
            image, box = region_of(self, maps, row)
            # The right and lower edges belong to the region. Products in float32, as in Caffe.
            left, upper, right, lower = (
                float(np.float32(rounded(x) + edge) * scale)
                for x, edge in zip(box, EDGES, strict=True)
            )
            sides = (upper, lower, maps.shape[2]), (left, right, maps.shape[3])
            rows, columns = (
                bins(0, start, max(end - start, 0.1), p.group_size, length)
                for start, end, length in sides
            )
            for i, vertical in enumerate(rows):
                for j, horizontal in enumerate(columns):
                    yield region, image, i, j, vertical, horizontal
