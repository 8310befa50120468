"""ImageFolder: batches from folders of images, one folder a class."""

from __future__ import annotations

from engine.data.image_layer import ImageLayer
from engine.data.options import SourceOptions
from engine.data.readers.image_folder import ImageFolderReader
from layers.registry import register_layer


@register_layer("ImageFolder")
class ImageFolder(ImageLayer):
    """Gives the images below the folders of their classes: no list and no database needed.

    Formula: data = (crop(image) - mean) * scale, mirrored half of the time if so wished;
    label = the place of the folder's name among all of them, in order, from 0

    Files: ``source/class/image.jpg``, at any depth, as torchvision's ImageFolder has them.
    Channels are in the order B, G, R.

    Shapes: top 0 (batch_size, C, H, W); top 1, if there is one, (batch_size,). A batch of one has
    the shape of its image, in any other all images agree, so resize or crop those that do not.

    Parameters (image_folder_param): source; batch_size; new_height and new_width, to resize to;
    is_color (true). (transform_param): scale, mirror, crop_size, mean_file, mean_value, augment.
    (source_param): shuffle and more, as all sources.

    Example::

        layer {
          name: "data" type: "ImageFolder" top: "data" top: "label"
          transform_param {
            augment { random_resized_crop { size: 224 } }
            mirror: true mean_value: [104, 117, 123]
          }
          image_folder_param { source: "train" batch_size: 32 }
          source_param { shuffle: true }
        }

    Source: our own.
    """

    max_top = 2
    param_field = "image_folder_param"

    def open_reader(self, options: SourceOptions, tops: int) -> ImageFolderReader:
        folder = self.find_folder(options.source)
        return ImageFolderReader(folder, self.own_param.is_color, self.image_size())
