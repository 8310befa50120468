"""WindowData: batches of windows cut out of images."""

from __future__ import annotations

import logging

from engine.data.options import SourceOptions
from engine.data.order import DataOrder
from engine.data.readers import Reader
from engine.data.readers.windows import WindowReader
from engine.data.source_layer import SourceLayer
from engine.data.transformer import Transformer
from engine.data.windows import WindowOrder, WindowTransformer
from layers.blob import Array
from layers.registry import register_layer

log = logging.getLogger("demitasse")


@register_layer("WindowData")
class WindowData(SourceLayer):
    """Gives windows of images, warped to one size: so many background, so many of an object.

    Formula: data = (warp(window) - mean) * scale, and 0 where a window leaves its image;
    label = the object's class, 0 for background

    Files: ``source`` has, for each image, ``# number``, its path, channels, height, width, the
    number of windows, and for each of them label, overlap with the object, x1, y1, x2, y2.

    Shapes: top 0 (batch_size, 3, crop_size, crop_size); top 1 (batch_size,). Each batch begins
    with its background; windows are drawn at random, with repetition, anew for each batch.

    Parameters (window_data_param): source; batch_size; fg_threshold (0.5), overlap from which a
    window is an object; bg_threshold (0.5), below which it is background; fg_fraction (0.25) of
    a batch; context_pad (0), pixels of surroundings on each side; crop_mode (warp), or square;
    root_folder; cache_images (false), decoded; scale (1). (transform_param): crop_size, needed;
    mirror, mean_file, mean_value, but not scale; of augment: all that keep the size.
    (source_param): as all sources, but for shuffle and last_batch: there are no epochs.

    Example::

        layer {
          name: "windows" type: "WindowData" top: "data" top: "label"
          transform_param { crop_size: 227 mirror: true mean_value: [104, 117, 123] }
          window_data_param { source: "windows.txt" batch_size: 128 context_pad: 16 }
        }

    Source: Caffe's WindowData (R-CNN, Girshick et al. 2014).
    """

    exact_num_top = 2
    param_field = "window_data_param"

    def make_transformer(self, mean: Array | None) -> Transformer:
        p = self.own_param
        if p.crop_mode not in ("warp", "square"):
            raise self.error("unknown window_data_param.crop_mode", p.crop_mode, "warp or square")
        if self.layer_param.transform_param.scale != 1:
            log.warning(
                'layer "%s": WindowData, as in Caffe, has its scale in window_data_param; '
                "transform_param.scale does nothing",
                self.name,
            )
        return WindowTransformer(
            self.layer_param.transform_param, self.phase, self.context.dtype, mean,
            p.context_pad, p.crop_mode == "square", p.scale,
        )  # fmt: skip

    def open_reader(self, options: SourceOptions, tops: int) -> WindowReader:
        p = self.own_param
        if not 0 <= p.fg_fraction <= 1:
            raise self.error("needs a window_data_param.fg_fraction of 0 to 1", p.fg_fraction)
        reader = WindowReader(
            self.find_file(options.source), options.source, self.context.find_file,
            p.root_folder, (p.fg_threshold, p.bg_threshold), p.cache_images,
        )  # fmt: skip
        objects = int(options.batch_size * p.fg_fraction)
        for kind, wanted, found in (
            ("object", objects, len(reader) - reader.backgrounds),
            ("background", options.batch_size - objects, reader.backgrounds),
        ):
            if wanted and not found:
                raise self.error(f'source "{options.source}" holds no {kind} windows')
        return reader

    def make_order(self, reader: Reader, options: SourceOptions) -> DataOrder:
        assert isinstance(reader, WindowReader)
        if options.shuffle or self.layer_param.source_param.HasField("last_batch"):
            log.warning(
                'layer "%s": windows are drawn at random and without end, so that shuffle and '
                "last_batch do nothing",
                self.name,
            )
        objects = int(options.batch_size * self.own_param.fg_fraction)
        return WindowOrder(
            len(reader), options.batch_size, options.seed, reader.backgrounds, objects, options.skip
        )
