"""ImageData: batches from image files named in a list."""

from __future__ import annotations

from engine.data.image_layer import ImageLayer
from engine.data.options import SourceOptions
from engine.data.readers.image_list import ImageListReader
from layers.registry import register_layer


@register_layer("ImageData")
class ImageData(ImageLayer):
    """Gives the images, and the labels, that the lines of a text file name.

    Formula: data = (crop(image) - mean) * scale, mirrored half of the time if so wished;
    label = the number, or numbers, at the end of the line

    Files: each line of the list has a path, as seen from the working directory, the list's
    folder or the config's, and a label. Channels are in the order B, G, R.

    Shapes: top 0 (batch_size, C, H, W); top 1 (batch_size,), or (batch_size, label_count). A
    batch of one has the shape of its image, in any other all images agree.

    Parameters (image_data_param): source, the list; batch_size (1); root_folder, put before
    every path; new_height and new_width, to resize to; is_color (true); shuffle (false),
    rand_skip (0); label_count (1). (transform_param): scale, mirror, crop_size, mean_file,
    mean_value, augment. (source_param): as all sources.

    Example::

        layer {
          name: "data" type: "ImageData" top: "data" top: "label"
          transform_param { mirror: true mean_value: [104, 117, 123] }
          image_data_param {
            source: "train.txt" root_folder: "images/" batch_size: 32
            new_height: 224 new_width: 224 shuffle: true
          }
        }

    Source: Caffe's ImageData.
    """

    exact_num_top = 2
    param_field = "image_data_param"

    def open_reader(self, options: SourceOptions, tops: int) -> ImageListReader:
        p = self.own_param
        size = self.image_size()
        if p.label_count < 1:
            raise self.error("needs image_data_param.label_count above 0", p.label_count)
        return ImageListReader(
            self.find_file(options.source), options.source, self.context.find_file,
            p.root_folder, p.label_count, p.is_color, size,
        )  # fmt: skip
