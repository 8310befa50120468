"""Labels: read as whole numbers, or refused by an error that says which one is wrong."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import TEST, TRAIN, LayerError, Net
from engine.spec import parse_net
from layers import Blob, Layer, LayerContext
from layers.kernels.labels import check_label_count, read_labels, refuse_gradient


def layer() -> Layer:
    return Layer(SimpleNamespace(name="loss"), LayerContext())


def blob(values: object) -> Blob:
    array = np.asarray(values, np.float32)
    result = Blob(array.shape, "label")
    result.data = array
    return result


@given(st.lists(st.integers(0, 9), min_size=1))
def test_good_labels_come_back_as_integers(labels: list[int]) -> None:
    found = read_labels(layer(), blob(labels), 10)
    assert found.dtype.kind == "i" and found.tolist() == labels


def test_the_shape_is_kept() -> None:
    assert read_labels(layer(), blob(np.zeros((2, 1, 3))), 4).shape == (2, 1, 3)


@pytest.mark.parametrize("wrong", [-1, 10, 2.5, float("nan"), float("inf"), -0.25, 1e30])
def test_a_wrong_label_is_named(wrong: float) -> None:
    with pytest.raises(LayerError) as caught:
        read_labels(layer(), blob([0, 1, wrong, 3, wrong]), 10)
    error = caught.value
    assert 'layer "loss"' in error.where and '"label"' in error.what
    assert error.got == f"{np.float32(wrong):g} at sample 2"
    assert error.expected == "a whole number, 0 to 9"


def test_a_label_counted_from_1_gets_a_hint() -> None:
    with pytest.raises(LayerError, match="the first label is 0, not 1"):
        read_labels(layer(), blob([1, 10]), 10)


def test_the_place_of_a_label_in_an_image_is_named() -> None:
    labels = np.zeros((2, 3, 4))
    labels[1, 2, 0] = 9
    with pytest.raises(LayerError, match=r"9 at sample 1, position \(2, 0\)"):
        read_labels(layer(), blob(labels), 5)


def test_axes_of_length_1_are_not_named() -> None:
    with pytest.raises(LayerError) as caught:
        read_labels(layer(), blob([[[[7]]]]), 5)
    assert caught.value.got == "7 at sample 0"


@pytest.mark.parametrize("ignore", [-1, 255])
def test_the_ignored_label_is_allowed(ignore: int) -> None:
    assert read_labels(layer(), blob([0, ignore]), 2, ignore).tolist() == [0, ignore]
    with pytest.raises(LayerError, match=rf"or {ignore} \(ignored\)"):
        read_labels(layer(), blob([0, 2]), 2, ignore)


def test_labels_above_the_classes_where_they_are_allowed() -> None:
    assert read_labels(layer(), blob([7]), 2, above=True).tolist() == [7]
    with pytest.raises(LayerError, match="0 or more"):
        read_labels(layer(), blob([-7]), 2, above=True)


def test_label_count() -> None:
    check_label_count(layer(), blob(np.zeros((2, 1, 4))), (2, 3, 4), 1)
    with pytest.raises(LayerError, match=r"8 of shape \(2, 4\)"):
        check_label_count(layer(), blob(np.zeros(2)), (2, 3, 4), 1)


def test_labels_have_no_gradient() -> None:
    class OnlyScores(Layer):
        def allow_force_backward(self, bottom_index: int) -> bool:
            return bottom_index == 0

    loss = OnlyScores(SimpleNamespace(name="loss"), LayerContext())
    refuse_gradient(loss, [blob([1]), blob([1])], [True, False])
    with pytest.raises(LayerError, match='no gradient for bottom "label"'):
        refuse_gradient(loss, [blob([1]), blob([1])], [True, True])


TWO_BOTTOMS = """
layer {{ name: "score" type: "Input" top: "score" input_param {{ shape {{ dim: [4, 3] }} }} }}
layer {{ name: "label" type: "Input" top: "label" input_param {{ shape {{ dim: 4 }} }} }}
layer {{
  name: "l" type: "{type}" bottom: "score" bottom: "label" top: "out"
  {rest}
}}
"""


def run(type_name: str, scores: object, labels: object, rest: str = "") -> float:
    phase = TEST if type_name == "Accuracy" else TRAIN
    net = Net(parse_net(TWO_BOTTOMS.format(type=type_name, rest=rest)), phase=phase)
    outputs = net.forward(score=np.asarray(scores, float), label=np.asarray(labels, float))
    return float(outputs["out"])


@pytest.mark.parametrize(
    "type_name", ["SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss", "BatchReindex"]
)
@pytest.mark.parametrize("wrong", [-1, 4, 0.5])
def test_layers_refuse_wrong_labels(type_name: str, wrong: float) -> None:
    with pytest.raises(LayerError, match=f"{wrong:g} at sample 1"):
        run(type_name, np.ones((4, 3)), [0, wrong, 1, 2])


SCORES = [[3, 2, 1], [1, 3, 2], [1, 2, 3], [3, 1, 2]]


def test_accuracy_counts_the_right_ones() -> None:
    assert run("Accuracy", SCORES, [0, 1, 2, 2]) == 0.75
    assert run("Accuracy", SCORES, [0, 1, 2, 2], "accuracy_param { top_k: 2 }") == 1


def test_accuracy_counts_a_label_of_no_class_as_wrong() -> None:
    assert run("Accuracy", SCORES, [0, 1, 2, 5]) == 0.75


def test_accuracy_counts_a_tie_for_the_last_place_as_wrong() -> None:
    tied = [[1, 1, 0]] * 4
    assert run("Accuracy", tied, [0, 1, 0, 1]) == 0
    assert run("Accuracy", tied, [0, 1, 0, 1], "accuracy_param { top_k: 2 }") == 1


def test_accuracy_of_nan_is_zero() -> None:
    assert run("Accuracy", np.full((4, 3), np.nan), [0, 1, 2, 0]) == 0


def test_accuracy_without_a_counted_label_is_zero() -> None:
    assert run("Accuracy", SCORES, [1] * 4, "accuracy_param { ignore_label: 1 }") == 0


def test_ignored_labels_cost_nothing() -> None:
    alone = run("SoftmaxWithLoss", SCORES, [0, 1, 0, 0])
    with_one_ignored = run(
        "SoftmaxWithLoss", SCORES, [0, 1, 0, 255], "loss_param { ignore_label: 255 }"
    )
    last = -np.log(np.exp(3) / np.exp([3, 1, 2]).sum())
    assert 3 * with_one_ignored == pytest.approx(4 * alone - last, rel=1e-5)


def test_smoothing_and_class_weights() -> None:
    log_prob = np.array(SCORES) - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
    labels, weights = np.array([0, 1, 2, 2]), np.array([1, 0.5, 2])
    target = np.full((4, 3), 0.1)
    target[range(4), labels] = 0.8
    expected = -(weights[labels][:, None] * target * log_prob).sum() / 4
    rest = "loss_param { label_smoothing: 0.2 class_weighting: [1, 0.5, 2] }"
    assert run("SoftmaxWithLoss", SCORES, labels, rest) == pytest.approx(expected, rel=1e-5)
