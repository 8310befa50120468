"""DetectionOutput: SSD's boxes and scores, decoded and thinned out into detections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.detection.boxes import CODES, count_priors, decode, suppress
from layers.registry import register_layer


@register_layer("DetectionOutput")
class DetectionOutput(Layer):
    """Decodes boxes against the priors, and keeps the best that do not overlap.

    Formula:    per image and class but the background: boxes that score above
                confidence_threshold, best first, nms_param.top_k at most, less those that a
                better one overlaps by more than nms_param.nms_threshold; of all classes the
                keep_top_k best. CENTER_SIZE: centre = prior centre + v loc * prior size, size =
                prior size * exp(v loc); CORNER: prior + v loc; CORNER_SIZE: prior + v loc * size
    Derivative: none

    Shapes: bottoms loc (N, 4 P), or (N, 4 P classes) unless share_location; scores
    (N, P classes); priors (1, 2, 4 P); top (1, 1, detections, 7) of rows image, class, score,
    x1, y1, x2, y2. Without any detection: a row of -1 for each image, its number first.

    Parameters (detection_output_param): num_classes; share_location (true);
    background_label_id (0; -1 for none); nms_param (nms_threshold 0.3, top_k all, eta 1);
    code_type (CORNER); variance_encoded_in_target (false); keep_top_k (-1: all);
    confidence_threshold (none). save_output_param, visualize and save_file do nothing.

    Example::

        layer { name: "loc" type: "Input" top: "loc" input_param { shape { dim: [2, 12] } } }
        layer { name: "conf" type: "Input" top: "conf" input_param { shape { dim: [2, 6] } } }
        layer { name: "prior" type: "Input" top: "prior" input_param { shape { dim: [1, 2, 12] } } }
        layer {
          name: "out" type: "DetectionOutput"
          bottom: "loc" bottom: "conf" bottom: "prior" top: "out"
          detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.45 top_k: 400 } }
        }

    Source: Liu et al., SSD, ECCV 2016; the layer of that name in its fork of Caffe.
    """

    exact_num_bottom = 3
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.detection_output_param
        if p.num_classes == 0:
            raise self.error("needs detection_output_param.num_classes above 0")
        if p.nms_param.nms_threshold < 0 or not 0 < p.nms_param.eta <= 1:
            raise self.error(
                "nms_param needs nms_threshold of 0 or more, and eta above 0 and up to 1",
                got=f"{p.nms_param.nms_threshold:g} and {p.nms_param.eta:g}",
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, (loc, conf, prior) = self.layer_param.detection_output_param, bottom
        self.priors = count_priors(self, prior)
        self.kinds = 1 if p.share_location else p.num_classes
        images = conf.shape[:1]
        for blob, size in ((loc, 4 * self.kinds), (conf, p.num_classes)):
            if blob.shape[:1] != images or blob.count != images[0] * self.priors * size:
                raise self.error(
                    f'"{blob.name}" does not fit {self.priors} priors',
                    got=blob.shape,
                    expected=(*images, self.priors * size),
                )
        top[0].reshape(1, 1, 1, 7)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, (loc, conf, prior) = self.layer_param.detection_output_param, (b.data for b in bottom)
        images = len(conf)
        priors, variances = prior.reshape(2, self.priors, 1, 4)
        if p.variance_encoded_in_target:
            variances = np.ones_like(variances)
        places = loc.reshape(images, self.priors, self.kinds, 4)
        boxes = decode(priors, variances, places, CODES[p.code_type])
        scores = conf.reshape(images, self.priors, p.num_classes)
        rows = [row for n in range(images) for row in self._detect(n, boxes[n], scores[n])]
        if not rows:
            top[0].reshape(1, 1, images, 7)
            top[0].data.fill(-1)
            top[0].data[0, 0, :, 0] = np.arange(images)
            return
        top[0].reshape(1, 1, len(rows), 7)
        top[0].data[0, 0] = rows

    def _detect(self, image: int, boxes: Array, scores: Array) -> list[Array]:
        """The rows of one image, by class and then by score."""
        p = self.layer_param.detection_output_param
        nms, rows = p.nms_param, []
        top_k = nms.top_k if nms.HasField("top_k") else -1
        least = p.confidence_threshold if p.HasField("confidence_threshold") else -np.inf
        for label in range(p.num_classes):
            if label == p.background_label_id:
                continue
            mine, values = boxes[:, label if self.kinds > 1 else 0], scores[:, label]
            kept = suppress(mine, values, nms.nms_threshold, nms.eta, top_k, least)
            rows += [np.array((image, label, values[k], *mine[k])) for k in kept]
        if -1 < p.keep_top_k < len(rows):
            rows.sort(key=lambda row: -row[2])
            rows = sorted(rows[: p.keep_top_k], key=lambda row: row[1])
        return rows
