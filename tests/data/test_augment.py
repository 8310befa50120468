"""Augmentation: what each change does, and that it belongs to (seed, epoch, sample)."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

from engine import TEST, TRAIN
from engine.data.augment import read_augmentation
from engine.data.draws import Draws
from engine.data.transformer import Transformer
from engine.schema import TransformationParameter
from layers.errors import DemitasseError, LayerError
from tests.harness.sources import Source, random_images

pytest.importorskip("cv2")
# Smooth, so that resizing and turning keep its looks.
Y, X = np.mgrid[0:40, 0:60]
IMAGE = np.stack([4 * Y, 3 * X, 2 * (Y + X)]).astype(np.uint8)
ALL = """
augment { random_resized_crop { size: 24 } } augment { rotation { degrees: 20 } }
augment { color_jitter { brightness: 0.3 contrast: 0.3 saturation: 0.3 hue: 0.1 } }
augment { cutout { size: 6 } } mirror: true
"""


def plan(text, train=True):
    return read_augmentation(text_format.Parse(text, TransformationParameter()).augment, train)


def change(text, *key, image=IMAGE):
    (only,) = plan(text).changes
    kept = image.copy()
    changed = only(image, Draws(*key))
    np.testing.assert_array_equal(image, kept)
    assert changed.shape == only.shape(image.shape) and changed.dtype == image.dtype
    return changed


def test_random_resized_crops_are_parts_of_the_image():
    text = "augment { random_resized_crop { height: 20 width: 30 min_area: 0.1 max_area: 0.5 } }"
    spans = [np.ptp(change(text, number)[1].astype(int)) for number in range(50)]
    assert min(spans) < 60 < 90 < max(spans) <= 177
    whole = "augment { random_resized_crop { height: 40 width: 60 min_area: 1 max_ratio: 1.5"
    np.testing.assert_array_equal(change(whole + " min_ratio: 1.5 } }", 1), IMAGE)


def test_rotation_turns_about_the_centre():
    still = change("augment { rotation { degrees: 0 } }", 1)
    np.testing.assert_array_equal(still, IMAGE)
    turned = [change("augment { rotation { degrees: 30 fill: 9 } }", n) for n in range(20)]
    assert len({image.tobytes() for image in turned}) == 20
    for image in turned:
        assert abs(int(image[1, 20, 30]) - int(IMAGE[1, 20, 30])) <= 3
    assert any(image[0, 0, 0] == 9 for image in turned)


def test_brightness_contrast_and_saturation_are_factors():
    brighter = "augment { color_jitter { brightness: 0.5 } }"
    factors = [change(brighter, n).mean() / IMAGE.mean() for n in range(40)]
    assert 0.5 <= min(factors) < 0.7 and 1.2 < max(factors) <= 1.5
    spread = [change("augment { color_jitter { contrast: 0.5 } }", n).std() for n in range(40)]
    assert min(spread) < 0.8 * IMAGE.std() and max(spread) > 1.1 * IMAGE.std()
    grey = np.repeat(IMAGE[:1], 3, axis=0)
    np.testing.assert_array_equal(
        change("augment { color_jitter { saturation: 1 hue: 0.5 } }", 3, image=grey), grey
    )
    one = change("augment { color_jitter { brightness: 1 saturation: 1 } }", 3, image=IMAGE[:1])
    assert one.shape == (1, 40, 60)


def test_hue_keeps_lightness_about():
    turned = change("augment { color_jitter { hue: 0.5 } }", 4)
    assert (turned != IMAGE).mean() > 0.5
    np.testing.assert_allclose(turned.max(axis=0), IMAGE.max(axis=0), atol=2)


def transformed(text, phase, *key, image=IMAGE):
    param = text_format.Parse(text, TransformationParameter())
    transformer = Transformer(param, phase, np.float32)
    out = np.empty(transformer.output_shape(image.shape), np.float32)
    transformer.sample((image,), Draws(*key), out)
    return out


def test_cutout_leaves_the_mean():
    for number in range(20):
        out = transformed("mean_value: -1 augment { cutout { size: 10 count: 2 } }", TRAIN, number)
        zeros = (out == 0).all(axis=0).sum()
        assert 25 <= zeros <= 200


def test_testing_only_normalizes():
    out = transformed(ALL.replace("mirror: true", "augment { normalize { std: 2 } }"), TEST, 1)
    np.testing.assert_array_equal(out, IMAGE / np.float32(2))


def test_all_together_belong_to_their_key():
    outs = [transformed(ALL, TRAIN, 1, epoch, n) for epoch in (0, 1) for n in range(5)]
    again = [transformed(ALL, TRAIN, 1, epoch, n) for epoch in (0, 1) for n in range(5)]
    np.testing.assert_array_equal(outs, again)
    assert len({out.tobytes() for out in outs}) == 10


def mixup_source(folder, text, phase=TRAIN):
    np.save(folder / "x.npy", random_images(8).astype("f4"))
    np.save(folder / "y.npy", np.arange(8))
    return Source(
        f"""type: "ArrayData" transform_param {{ augment {{ mixup {{ {text} }} }} }}
        array_data_param {{ source: "{folder}/x.npy" label_source: "{folder}/y.npy" batch_size: 4 }}
        """,
        phase=phase,
    )


def test_mixup_mixes_images_and_classes_by_the_same_shares(tmp_path):
    source = mixup_source(tmp_path, "classes: 8 alpha: 1")
    images = np.load(tmp_path / "x.npy")
    for start in (0, 4):
        data, label = source.forward()
        assert label.shape == (4, 8)
        np.testing.assert_allclose(label.sum(axis=1), 1, 1e-6)
        np.testing.assert_allclose(data, np.tensordot(label, images, 1), rtol=1e-4, atol=1e-3)
        for row, partner in enumerate((3, 2, 1, 0)):
            assert set(np.flatnonzero(label[row])) <= {start + row, start + partner}
        assert 0.05 < label.max(axis=1).mean() < 1


def test_mixup_mixes_plain_labels_as_numbers(tmp_path):
    _, label = mixup_source(tmp_path, "alpha: 1").forward()
    assert label.shape == (4,) and (label > 0).all() and (label < 3).all()


def test_mixup_is_for_training(tmp_path):
    data, label = mixup_source(tmp_path, "classes: 8", TEST).forward()
    np.testing.assert_array_equal(label, [0, 1, 2, 3])
    np.testing.assert_array_equal(data, np.load(tmp_path / "x.npy")[:4])


def test_mixup_refuses_labels_that_are_no_class(tmp_path):
    with pytest.raises(LayerError, match="none of mixup's classes\n  got: 3"):
        mixup_source(tmp_path, "classes: 3").forward()


@pytest.mark.parametrize(
    "text",
    [
        "augment { }",
        "augment { cutout { } mixup { } }",
        "augment { cutout { size: 0 } }",
        "augment { mixup { alpha: 0 } }",
        "augment { mixup { } } augment { mixup { } }",
        "augment { normalize { } }",
        "augment { normalize { std: 0 } }",
        "augment { random_resized_crop { } }",
        "augment { random_resized_crop { size: 3 min_area: 2 } }",
        "augment { random_resized_crop { size: 3 min_ratio: 0 } }",
        "augment { rotation { degrees: -1 } }",
        "augment { color_jitter { brightness: -1 } }",
        "augment { color_jitter { hue: 1 } }",
    ],
)
@pytest.mark.parametrize("train", [True, False])
def test_wrong_options(text, train):
    with pytest.raises(DemitasseError, match="wrong transform_param.augment"):
        plan(text, train)


def test_draws_are_spread_evenly():
    draws = Draws(3)
    values = np.array([draws.uniform() for _ in range(4000)])
    assert abs(values.mean() - 0.5) < 0.02 and abs(values.var() - 1 / 12) < 0.01
    assert set(np.bincount([draws.integer(5) for _ in range(2000)]) // 300) == {1}
    shares = np.array([Draws(n).beta(0.5) for n in range(2000)])
    assert abs(shares.mean() - 0.5) < 0.03 and abs(shares.var() - 0.125) < 0.01


def test_draws_never_change():
    draws = Draws(1, 2, 3)
    assert [draws.integer(1000) for _ in range(4)] == [130, 437, 954, 275]
