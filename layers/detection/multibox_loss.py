"""MultiBoxLoss: the loss of SSD, of boxes and of classes, over the priors that count."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.detection.boxes import CODES, count_priors, decode, encode
from layers.detection.losses import box_losses, class_losses
from layers.detection.matching import NONE, Objects, hardest, match, read_objects
from layers.kernels.labels import refuse_gradient
from layers.kernels.normalizer import normalizer
from layers.registry import register_layer


class Matches(NamedTuple):
    """Priors with objects: image, prior, kind of box and label (M,), and the object (M, 4)."""

    image: Array
    prior: Array
    kind: Array
    label: Array
    box: Array


@register_layer("MultiBoxLoss")
class MultiBoxLoss(LossLayer):
    """Matches priors to objects, and compares what is predicted for them with the objects.

    Formula:    L = (loc_weight sum_m sum_k h(d_mk) + sum_i c_i) / Z
                d_mk: loc of match m less its object, coded against the prior; h as in
                SmoothL1Loss, or d^2 / 2 with L2;   c_i = -log softmax(x_i)[label_i], or with
                LOGISTIC sum_k log(1 + exp(x_ik)) - t_ik x_ik, t the class's row of ones and zeros
    Derivative: dL/dloc_mk = loc_weight h'(d_mk) / Z;   dL/dx_ik = (p_ik - t_ik) / Z, p the softmax
                or the sigmoid; 0 where a prior does not count

    Matching: each object gets the free prior it overlaps most (BIPARTITE); then, with
    PER_PREDICTION, each prior left gets the object it overlaps most, if by overlap_threshold.
    Mining: with MAX_NEGATIVE c counts the matches, and of the other priors that overlap by less
    than neg_overlap the neg_pos_ratio times as many of the largest c; with HARD_EXAMPLE the
    sample_size priors of the largest c + h; with NONE all priors. Images without objects count
    with NONE only. Of what is not matched the label is the background (with LOGISTIC and NONE
    its t is all zeros). Z is the number of matches; priors times images with FULL, images with
    BATCH_SIZE; at least 1.

    Shapes: bottoms loc (N, 4 P), or (N, 4 P classes) unless share_location; conf
    (N, P classes); priors (1, 2, 4 P), as PriorBox makes them; objects (1, 1, G, 8), rows of
    image, label, instance, x1, y1, x2, y2, difficult, an image of -1 to fill up. Top a scalar.

    Parameters (multibox_loss_param): num_classes; loc_loss_type (SMOOTH_L1); conf_loss_type
    (SOFTMAX); loc_weight (1); share_location (true), which mining needs; match_type
    (PER_PREDICTION); overlap_threshold (0.5); use_prior_for_matching (true), else the decoded
    loc is matched; background_label_id (0); use_difficult_gt (true); mining_type (MAX_NEGATIVE),
    or do_neg_mining, its older form: true is MAX_NEGATIVE, false NONE; neg_pos_ratio (3);
    neg_overlap (0.5); sample_size (64); nms_param, use_prior_for_nms (false): suppress before
    mining; code_type (CORNER); encode_variance_in_target (false); map_object_to_agnostic
    (false); ignore_cross_boundary_bbox (false); bp_inside (false): corners outside the image do
    not count. loss_param.normalization (VALID).

    Example::

        layer { name: "loc" type: "Input" top: "loc" input_param { shape { dim: [2, 20] } } }
        layer { name: "conf" type: "Input" top: "conf" input_param { shape { dim: [2, 15] } } }
        layer { name: "prior" type: "Input" top: "prior" input_param { shape { dim: [1, 2, 20] } } }
        layer { name: "gt" type: "Input" top: "gt" input_param { shape { dim: [1, 1, 3, 8] } } }
        layer {
          name: "loss" type: "MultiBoxLoss"
          bottom: "loc" bottom: "conf" bottom: "prior" bottom: "gt" top: "loss"
          multibox_loss_param { num_classes: 3 code_type: CENTER_SIZE neg_pos_ratio: 1 }
        }

    Source: Liu et al., SSD, ECCV 2016; the MultiBoxLoss layer of weiliu89/caffe. With
    encode_variance_in_target its gradient lacks the factor 1 / variance; this one has it.
    """

    exact_num_bottom = 4

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.p = p = self.layer_param.multibox_loss_param
        if p.num_classes == 0:
            raise self.error("needs multibox_loss_param.num_classes above 0")
        self.mining = p.mining_type != p.NONE
        if p.HasField("do_neg_mining"):
            if p.HasField("mining_type") and p.do_neg_mining != self.mining:
                raise self.error("is told to mine and not to", hint="leave do_neg_mining out")
            self.mining = p.do_neg_mining
        if self.mining and not p.share_location:
            raise self.error("can mine only with share_location", hint="or write mining_type: NONE")
        self.logistic = p.conf_loss_type == p.LOGISTIC
        self.square = p.loc_loss_type == p.L2
        needed = self.mining or p.map_object_to_agnostic or not self.logistic
        last = p.num_classes - 1 - p.map_object_to_agnostic
        if needed and p.background_label_id > last:
            raise self.error(
                "has no such class for the background",
                got=f"background_label_id {p.background_label_id}, {p.num_classes} classes",
            )
        if not (p.neg_pos_ratio >= 0 and p.sample_size > 0):
            raise self.error("needs neg_pos_ratio of 0 or more and sample_size above 0")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        loc, conf, prior, truth = bottom
        self.priors, images = count_priors(self, prior), conf.shape[:1]
        self.kinds = 1 if self.p.share_location else self.p.num_classes
        for blob, size in ((loc, 4 * self.kinds), (conf, self.p.num_classes)):
            numbers = self.priors * size
            if blob.shape[:1] != images or blob.count != math.prod(images) * numbers or not images:
                raise self.error(
                    f'"{blob.name}" does not fit {self.priors} priors',
                    got=blob.shape,
                    expected=(*images, numbers),
                )
        if truth.num_axes < 2 or truth.shape[-1] != 8:
            raise self.error(f'"{truth.name}" must have shape (1, 1, G, 8)', got=truth.shape)
        top[0].reshape()

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index < 2

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        loc, conf, prior, truth = bottom
        images, rows = conf.shape[0], conf.shape[0] * self.priors
        self.loc = loc.data.reshape(images, self.priors, self.kinds, 4)
        self.boxes, self.variance = prior.data.reshape(2, self.priors, 4)
        if not (self.variance > 0).all():
            raise self.error(f'"{prior.name}" must hold variances above 0 in its second row')
        objects = read_objects(self, truth, images, self.p.use_difficult_gt)
        scores = conf.data.reshape(rows, self.p.num_classes)
        self.matches, negatives = self._choose(objects, scores)
        self.counted, self.target = self._targets(negatives, rows)
        by_class, self.prob = class_losses(scores[self.counted], self.target, self.logistic)
        self.difference = self._differences(self.matches)
        self.divisor = normalizer(
            self.layer_param.loss_param, "VALID", rows, len(self.matches.image), images
        )
        # As in the fork, a part whose gradient the config switches off is left out of the sum.
        wanted = [*self.layer_param.propagate_down, True, True][:2]
        parts = (
            self.p.loc_weight * box_losses(self.difference, self.square).sum(),
            by_class.sum(),
        )
        top[0].data = np.dot(wanted, parts) / self.divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        scale, at = float(top[0].diff) / self.divisor, self.matches
        if propagate_down[0]:
            slope = self.difference
            if not self.square:
                slope = np.clip(slope, -1, 1)
            if self.p.encode_variance_in_target:
                slope = slope / self.variance[at.prior]
            bottom[0].diff.fill(0)
            places = bottom[0].diff.reshape(self.loc.shape)
            places[at.image, at.prior, at.kind] = slope * (self.p.loc_weight * scale)
        if propagate_down[1]:
            bottom[1].diff.fill(0)
            rows = bottom[1].diff.reshape(self.loc.shape[0] * self.priors, self.p.num_classes)
            rows[self.counted] = (self.prob - self.target) * scale

    def _choose(self, objects: list[Objects], scores: Array) -> tuple[Matches, Array]:
        """The matches, and the rows of the scores that mining picked as negatives."""
        nothing = np.empty(0, np.intp)
        rows = [Matches(nothing, nothing, nothing, nothing, np.empty((0, 4), scores.dtype))]
        negatives = [nothing]
        for image, some in enumerate(objects):
            if not len(some.labels):
                continue
            some = self._labelled(some)
            for kind, found, shared in self._match(image, some):
                if self.mining:
                    first = image * self.priors
                    mine = scores[first : first + self.priors]
                    chosen = self._mine(image, some, found, shared, mine)
                    negatives.append(chosen[found[chosen] == NONE] + first)
                rows.append(_matches(image, kind, some, found))
        return Matches(*(np.concatenate(parts) for parts in zip(*rows, strict=True))), (
            np.concatenate(negatives)
        )

    def _labelled(self, objects: Objects) -> Objects:
        """The objects, all of one class with map_object_to_agnostic; their labels checked."""
        p = self.p
        if p.map_object_to_agnostic:
            return objects._replace(labels=np.full_like(objects.labels, p.background_label_id + 1))
        wrong = (objects.labels < 0) | (objects.labels >= p.num_classes)
        wrong |= objects.labels == p.background_label_id
        if wrong.any():
            raise self.error(
                "an object has a label that no object can have",
                got=objects.labels[wrong][0],
                expected=f"0 to {p.num_classes - 1}, but not {p.background_label_id}, "
                "which is the background",
            )
        return objects

    def _match(self, image: int, objects: Objects) -> Iterator[tuple[int, Array, Array]]:
        """For each kind of box: the object of each prior, and its overlap."""
        p = self.p
        kinds = [k for k in range(self.kinds) if p.share_location or k != p.background_label_id]
        if p.use_prior_for_matching:
            found, shared = match(objects.boxes, self.boxes, p)
            for kind in kinds:
                other = (found < 0) | (objects.labels[found] != kind)
                yield kind, found if p.share_location else np.where(other, NONE, found), shared
            return
        for kind in kinds:
            mine = np.flatnonzero((objects.labels == kind) | p.share_location)
            if len(mine):
                found, shared = match(objects.boxes[mine], self._decoded(image, kind), p)
                yield kind, np.where(found < 0, found, mine[found]), shared

    def _mine(
        self, image: int, objects: Objects, found: Array, shared: Array, scores: Array
    ) -> Array:
        """The priors of an image that mining selects; in ``found`` keeps only matches of these."""
        hard = self.p.mining_type == self.p.HARD_EXAMPLE
        labels = np.where(found < 0, self.p.background_label_id, objects.labels[found])
        losses, _ = class_losses(scores, np.eye(scores.shape[1])[labels], self.logistic)
        if hard:
            matches = _matches(image, 0, objects, found)
            losses[matches.prior] += box_losses(self._differences(matches), self.square)
        boxes = self.boxes if self.p.use_prior_for_nms else self._decoded(image, 0)
        chosen = hardest(found, shared, losses, boxes, self.p)
        if hard:
            found[np.isin(np.arange(len(found)), chosen, invert=True) & (found >= 0)] = NONE
        return chosen

    def _targets(self, negatives: Array, rows: int) -> tuple[Array, Array]:
        """The rows of the scores that count, and what they should be."""
        p, at = self.p, self.matches
        one_hot = np.eye(p.num_classes, dtype=self.context.dtype)
        places = at.image * self.priors + at.prior
        if self.mining:
            background = np.full(len(negatives), p.background_label_id)
            labels = np.concatenate((at.label, background))
            return np.concatenate((places, negatives)), one_hot[labels]
        if self.logistic:
            target = np.zeros((rows, p.num_classes), self.context.dtype)
            target[places, at.label] = 1
            return np.arange(rows), target
        labels = np.full(rows, p.background_label_id)
        labels[places] = at.label
        return np.arange(rows), one_hot[labels]

    def _differences(self, at: Matches) -> Array:
        """What is predicted for each match less what its object is, coded (M, 4)."""
        priors, variance = self.boxes[at.prior], self.variance[at.prior]
        predicted = self.loc[at.image, at.prior, at.kind]
        if self.p.encode_variance_in_target:
            predicted = predicted / variance
        difference = predicted - encode(priors, variance, at.box, CODES[self.p.code_type])
        if self.p.bp_inside:
            if not self.p.use_prior_for_matching:
                own = self.loc[at.image, at.prior, at.kind]
                priors = self._decode(priors, variance, own)
            difference[(priors < 0) | (priors > 1)] = 0
        return difference

    def _decoded(self, image: int, kind: int) -> Array:
        """The predicted boxes of an image."""
        return self._decode(self.boxes, self.variance, self.loc[image, :, kind])

    def _decode(self, priors: Array, variance: Array, loc: Array) -> Array:
        if self.p.encode_variance_in_target:
            variance = np.ones_like(variance)
        return decode(priors, variance, loc, CODES[self.p.code_type])


def _matches(image: int, kind: int, objects: Objects, found: Array) -> Matches:
    """The matches of one kind of box in one image."""
    prior = np.flatnonzero(found >= 0)
    which = found[prior]
    same = np.full_like(prior, image), prior, np.full_like(prior, kind)
    return Matches(*same, objects.labels[which], objects.boxes[which])
