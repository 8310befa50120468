"""What layers that read image files have in common."""

from __future__ import annotations

import logging
from abc import ABC

from engine.data.source_layer import SourceLayer
from engine.data.transformer import Transformer
from layers.blob import Array

log = logging.getLogger("demitasse")


class ImageLayer(SourceLayer, ABC):
    """A source whose parameters have is_color, new_height and new_width."""

    def make_transformer(self, mean: Array | None) -> Transformer | None:
        t = self.layer_param.transform_param
        if t.force_color or t.force_gray:
            log.warning(
                'layer "%s": force_color and force_gray are for databases, is_color is for files',
                self.name,
            )
        return super().make_transformer(mean)

    def image_size(self) -> tuple[int, int]:
        """The height and width to resize to; zeros where images stay as they are.

        Raises:
            LayerError: only one of the two is given.
        """
        p = self.own_param
        if bool(p.new_height) != bool(p.new_width):
            raise self.error(
                "needs new_height and new_width together", f"{p.new_height} and {p.new_width}"
            )
        return p.new_height, p.new_width
