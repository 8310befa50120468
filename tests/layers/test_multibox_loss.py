"""MultiBoxLoss against plain loops over objects, priors and classes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import LayerError
from tests.harness.gradient_check import GradientCheck
from tests.harness.one_layer import OneLayer

PRIORS, CLASSES, IMAGES = 7, 4, 3
Box = list[float]
VARIANCE = [0.1, 0.15, 0.2, 0.25]


def overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    size = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(size) - width * height)


def coded(prior: Box, box: Box, code: str) -> Box:
    width, height = prior[2] - prior[0], prior[3] - prior[1]
    if code == "CORNER":
        return [(box[k] - prior[k]) / VARIANCE[k] for k in range(4)]
    if code == "CORNER_SIZE":
        sides = (width, height, width, height)
        return [(box[k] - prior[k]) / sides[k] / VARIANCE[k] for k in range(4)]
    return [
        ((box[0] + box[2]) / 2 - (prior[0] + prior[2]) / 2) / width / VARIANCE[0],
        ((box[1] + box[3]) / 2 - (prior[1] + prior[3]) / 2) / height / VARIANCE[1],
        math.log((box[2] - box[0]) / width) / VARIANCE[2],
        math.log((box[3] - box[1]) / height) / VARIANCE[3],
    ]


def matched(priors: list[Box], objects: list[Box], threshold: float | None) -> list[int]:
    """The object of each prior, -1 for none; a threshold also matches prior by prior."""
    found, left = [-1] * len(priors), set(range(len(objects)))
    while left:
        pairs = [
            (overlap(priors[i], objects[j]), -i, -j)
            for i in range(len(priors))
            for j in left
            if found[i] == -1 and overlap(priors[i], objects[j]) > 1e-6
        ]
        if not pairs:
            break
        _, i, j = max(pairs)
        found[-i] = -j
        left.remove(-j)
    for i, prior in enumerate(priors):
        if threshold is not None and found[i] == -1:
            shared = [overlap(prior, box) for box in objects]
            if max(shared) >= threshold and max(shared) > 1e-6:
                found[i] = shared.index(max(shared))
    return found


def class_loss(scores: np.ndarray, target: list[int], logistic: bool) -> float:
    """Of one prior; ``target`` are the classes that it is to have."""
    if not logistic:
        (label,) = target
        return -math.log(math.exp(scores[label]) / sum(math.exp(x) for x in scores))
    total = 0.0
    for k, x in enumerate(scores):
        prob = 1 / (1 + math.exp(-x))
        total -= math.log(prob if k in target else 1 - prob)
    return total


class Scene:
    """Random priors, objects and predictions."""

    def __init__(self, seed: int, kinds: int = 1):
        rng = np.random.default_rng(seed)
        corner = rng.uniform(0, 0.6, (PRIORS, 2))
        self.priors = np.hstack((corner, corner + rng.uniform(0.15, 0.4, (PRIORS, 2))))
        self.truth = np.full((1, 1, 6, 8), -1.0)
        for row, image in enumerate((0, 0, 2, 2, 2)):  # none in image 1
            base = self.priors[rng.integers(PRIORS)] + rng.normal(0, 0.03, 4)
            self.truth[0, 0, row] = image, 1 + row % 3, 0, *base, row == 4
        self.loc = rng.normal(0, 1, (IMAGES, PRIORS * kinds * 4))
        self.conf = rng.normal(0, 1, (IMAGES, PRIORS * CLASSES))

    def layer(self, words: str, loss: str = "") -> OneLayer:
        text = (
            f'type: "MultiBoxLoss" multibox_loss_param {{ num_classes: {CLASSES} {words} }} {loss}'
        )
        rows = np.stack((self.priors.reshape(-1), np.tile(VARIANCE, PRIORS)))
        return OneLayer(text, self.loc, self.conf, rows[None], self.truth)

    def objects(self, image: int, difficult: bool = True) -> tuple[list[int], list[Box]]:
        rows = [row for row in self.truth[0, 0].tolist() if row[0] == image]
        rows = [row for row in rows if difficult or not row[7]]
        return [int(row[1]) for row in rows], [row[3:7] for row in rows]

    def scores(self, image: int, prior: int) -> np.ndarray:
        return self.conf.reshape(IMAGES, PRIORS, CLASSES)[image, prior]


def expected(
    scene: Scene,
    code: str = "CORNER",
    threshold: float | None = 0.5,
    ratio: float | None = 3.0,
    logistic: bool = False,
    square: bool = False,
    difficult: bool = True,
) -> tuple[float, float, int]:
    """The sum over boxes, the sum over classes and the number of matches, by loops."""
    boxes, classes, matches = 0.0, 0.0, 0
    for image in range(IMAGES):
        labels, objects = scene.objects(image, difficult)
        if not labels and ratio is not None:
            continue
        found = matched(scene.priors.tolist(), objects, threshold) if labels else [-1] * PRIORS
        negatives = []
        for i, one in enumerate(found):
            scores = scene.scores(image, i)
            if one < 0:
                shared = [overlap(scene.priors[i].tolist(), box) for box in objects]
                if ratio is None:
                    classes += class_loss(scores, [] if logistic else [0], logistic)
                elif max(shared) < 0.5:
                    negatives.append(class_loss(scores, [0], logistic))
                continue
            matches += 1
            classes += class_loss(scores, [labels[one]], logistic)
            target = coded(scene.priors[i].tolist(), objects[one], code)
            for k in range(4):
                d = scene.loc.reshape(IMAGES, PRIORS, 4)[image, i, k] - target[k]
                small = square or abs(d) < 1
                boxes += d * d / 2 if small else abs(d) - 0.5
        if ratio is not None:
            positive = sum(one >= 0 for one in found)
            classes += sum(sorted(negatives, reverse=True)[: int(positive * ratio)])
    return boxes, classes, matches


CASES = [
    ("", {}),
    ("code_type: CENTER_SIZE", {"code": "CENTER_SIZE"}),
    ("code_type: CORNER_SIZE loc_loss_type: L2", {"code": "CORNER_SIZE", "square": True}),
    ("match_type: BIPARTITE", {"threshold": None}),
    ("overlap_threshold: 0.2", {"threshold": 0.2}),
    ("mining_type: NONE", {"ratio": None}),
    ("do_neg_mining: false", {"ratio": None}),
    ("neg_pos_ratio: 1", {"ratio": 1.0}),
    ("conf_loss_type: LOGISTIC", {"logistic": True}),
    ("conf_loss_type: LOGISTIC mining_type: NONE", {"logistic": True, "ratio": None}),
    ("use_difficult_gt: false", {"difficult": False}),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("words", "told"), CASES, ids=[words for words, _ in CASES])
def test_loss(words: str, told: dict[str, object], seed: int) -> None:
    scene = Scene(seed)
    one = scene.layer(words + " loc_weight: 0.5")
    boxes, classes, matches = expected(scene, **told)  # type: ignore[arg-type]
    assert matches > 0
    np.testing.assert_allclose(one.forward(), (0.5 * boxes + classes) / matches, rtol=1e-6)
    GradientCheck(one.net, one.node).run()


@pytest.mark.parametrize(
    ("mode", "divisor"), [("FULL", IMAGES * PRIORS), ("BATCH_SIZE", IMAGES), ("NONE", 1)]
)
def test_normalization(mode: str, divisor: int) -> None:
    scene = Scene(0)
    boxes, classes, _ = expected(scene)
    one = scene.layer("", f"loss_param {{ normalization: {mode} }}")
    np.testing.assert_allclose(one.forward(), (boxes + classes) / divisor, rtol=1e-6)


def test_no_objects_cost_nothing() -> None:
    scene = Scene(0)
    scene.truth[...] = -1
    one = scene.layer("")
    assert one.forward() == 0
    assert not any(gradient.any() for gradient in one.backward(1.0)[:2])


@pytest.mark.parametrize(
    "words",
    [
        "share_location: false mining_type: NONE",
        "share_location: false mining_type: NONE use_prior_for_matching: false",
    ],
)
def test_a_box_for_each_class(words: str) -> None:
    scene = Scene(1, kinds=CLASSES)
    one = scene.layer(words)
    one.forward()
    dloc = one.backward(1.0)[0].reshape(IMAGES, PRIORS, CLASSES, 4)
    for image in range(IMAGES):
        kinds = set(np.flatnonzero(dloc[image].any(axis=(0, 2))))
        assert kinds <= set(scene.objects(image)[0])
    GradientCheck(one.net, one.node).run()


@pytest.mark.parametrize(
    "words",
    [
        "mining_type: HARD_EXAMPLE sample_size: 3",
        "use_prior_for_matching: false code_type: CENTER_SIZE",
        "encode_variance_in_target: true",
        "bp_inside: true ignore_cross_boundary_bbox: true",
        "map_object_to_agnostic: true",
        "nms_param { nms_threshold: 0.3 } use_prior_for_nms: true",
        "nms_param { nms_threshold: 0.3 top_k: 4 } neg_overlap: 0.9",
    ],
)
def test_gradient_of_the_rarer_ways(words: str) -> None:
    one = Scene(2).layer(words)
    one.forward()
    GradientCheck(one.net, one.node).run()


def test_hard_examples_are_those_of_the_largest_loss() -> None:
    scene = Scene(3)
    one = scene.layer("mining_type: HARD_EXAMPLE sample_size: 2")
    one.forward()
    dconf = one.backward(1.0)[1].reshape(IMAGES, PRIORS, CLASSES)
    assert [len(np.flatnonzero(rows.any(axis=1))) for rows in dconf] == [2, 0, 2]


def test_variance_in_the_target_changes_the_prediction_only() -> None:
    scene = Scene(0)
    plain = scene.layer("").forward()
    scene.loc = (scene.loc.reshape(-1, 4) * VARIANCE).reshape(scene.loc.shape)
    np.testing.assert_allclose(scene.layer("encode_variance_in_target: true").forward(), plain)


def test_ignored_boxes_across_the_border_are_neither_positive_nor_negative() -> None:
    scene = Scene(0)
    scene.priors[2] += 0.8
    one = scene.layer("ignore_cross_boundary_bbox: true neg_pos_ratio: 100")
    one.forward()
    assert not one.backward(1.0)[1].reshape(IMAGES, PRIORS, CLASSES)[:, 2].any()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("share_location: false", "only with share_location"),
        ("background_label_id: 4", "class for the background"),
        ("do_neg_mining: true mining_type: NONE", "to mine and not to"),
        ("sample_size: 0", "sample_size above 0"),
        ("share_location: false mining_type: NONE", "does not fit 7 priors"),
    ],
)
def test_refused(words: str, says: str) -> None:
    with pytest.raises(LayerError, match=says):
        Scene(0).layer(words)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, 3, "an object of no image"),
        (0, 0.5, "an object of no image"),
        (1, 0, "a label that no object can have"),
        (1, 4, "a label that no object can have"),
        (3, np.nan, "without a finite box"),
    ],
)
def test_wrong_objects_are_refused(column: int, value: float, says: str) -> None:
    scene = Scene(0)
    scene.truth[0, 0, 0, column] = value
    with pytest.raises(LayerError, match=says):
        scene.layer("").forward()
