"""Crop, mirror, mean and scale: as Caffe's formula, random only by (seed, epoch, sample)."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format

from engine import TEST, TRAIN
from engine.data.draws import Draws
from engine.data.transformer import Transformer
from engine.schema import TransformationParameter
from layers.errors import DemitasseError
from tests.harness.sources import random_images

IMAGE = random_images(1)[0]


def transform(text, phase=TRAIN, key=(0,), mean=None, image=IMAGE, dtype=np.float32):
    param = text_format.Parse(text, TransformationParameter())
    transformer = Transformer(param, phase, dtype, mean)
    out = np.full(transformer.output_shape(image.shape), np.nan, dtype)
    transformer.sample((image,), Draws(*key), out)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["u1", "i4", "f4", "f8", "?"])
def test_nothing_to_do(dtype, kind):
    image = IMAGE.astype(kind)
    np.testing.assert_array_equal(transform("", image=image, dtype=dtype), image.astype(dtype))


def test_the_centre_is_cropped_when_testing():
    out = transform("crop_size: 5 mean_value: [1, 2, 3] scale: 0.5", TEST)
    expected = IMAGE[:, 1:6, 2:7] - np.float32([1, 2, 3]).reshape(3, 1, 1)
    np.testing.assert_array_equal(out, expected * np.float32(0.5))


def test_all_places_are_cropped_when_training():
    places = set()
    for number in range(300):
        out = transform("crop_h: 6 crop_w: 8", key=(1, number))
        found = [
            (y, x)
            for y in range(3)
            for x in range(3)
            if (out == IMAGE[:, y : y + 6, x : x + 8]).all()
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) == 9


def layouts(image):
    """The same bytes in other orders of memory: as decoded, as Fortran has them, cut out."""
    yield np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1)
    yield np.asfortranarray(image)
    yield np.repeat(image, 2, axis=2)[:, :, ::2]
    yield image[:, ::-1, ::-1].copy()[:, ::-1, ::-1]
    read_only = image.copy()
    read_only.flags.writeable = False
    yield read_only


@pytest.mark.parametrize("with_opencv", [True, False])
@pytest.mark.parametrize(
    "shape", [(3, 8, 10), (1, 8, 10), (4, 6, 7), (3, 5, 1), (2, 1, 1), (7, 4, 4)]
)
def test_the_order_in_memory_changes_nothing(shape, with_opencv, monkeypatch):
    if not with_opencv:
        monkeypatch.setattr("engine.data.images._opencv", lambda: None)
    image = random_images(1, shape)[0]
    mean = random_images(1, shape, seed=2)[0].astype("f4")
    crop = f"crop_h: {max(1, shape[1] - 2)} crop_w: {max(1, shape[2] - 3)}"
    for key in range(6):
        text = f"mirror: true scale: 0.3 {crop}"
        expected = transform(text, key=(key,), image=image.astype("f4"), mean=mean)
        for view in (image, *layouts(image)):
            np.testing.assert_array_equal(view, image)
            np.testing.assert_array_equal(
                transform(text, key=(key,), image=view, mean=mean), expected
            )


@pytest.mark.parametrize("phase", [TRAIN, TEST])
def test_half_of_the_images_are_mirrored_in_both_phases_as_in_caffe(phase):
    count = sum(
        (transform("mirror: true", phase, (number,)) == IMAGE[..., ::-1]).all()
        for number in range(400)
    )
    assert 150 < count < 250


def test_the_mean_image_is_cropped_and_mirrored_with_the_image():
    mean = random_images(1, seed=1)[0].astype("f4")
    for number in range(20):
        with_mean = transform("crop_size: 4 mirror: true", key=(number,), mean=mean)
        image = transform("crop_size: 4 mirror: true", key=(number,))
        cropped = transform("crop_size: 4 mirror: true", key=(number,), image=mean)
        np.testing.assert_array_equal(with_mean, image - cropped)


def test_the_same_key_gives_the_same_sample():
    text = "crop_size: 3 mirror: true"
    first = [transform(text, key=(5, 1, n)) for n in range(30)]
    second = [transform(text, key=(5, 1, n)) for n in range(30)]
    np.testing.assert_array_equal(first, second)
    assert (np.array(first) != [transform(text, key=(6, 1, n)) for n in range(30)]).any()


def test_many_at_once_are_as_one_by_one():
    images = random_images(6)
    param = text_format.Parse(
        "crop_size: 5 mean_value: 7 scale: 0.3 augment { normalize { std: [2, 3, 4] } }",
        TransformationParameter(),
    )
    transformer = Transformer(param, TEST, np.float32)
    assert transformer.same_for_all
    many = np.empty((6, *transformer.output_shape((3, 8, 10))), np.float32)
    one = np.empty_like(many)
    transformer.many(images, many)
    for image, out in zip(images, one, strict=True):
        transformer.sample((image,), Draws(0), out)
    np.testing.assert_array_equal(one, many)
    expected = (images[..., 1:6, 2:7] - 7.0) * 0.3 / np.array([2, 3, 4]).reshape(3, 1, 1)
    np.testing.assert_allclose(many, expected, 1e-5)


@pytest.mark.parametrize(
    "text, message",
    [
        ("crop_size: 9", "crop is larger than the image\n  got: 9 x 9 of 8 x 10"),
        ("crop_h: 3", "crop_h and crop_w together"),
        ('mean_file: "m" mean_value: 3', "both mean_file and mean_value"),
        ("mean_value: [1, 2]", "wrong number of transform_param.mean_value"),
        ("augment { normalize { std: [1, 2] } }", "wrong number of .*normalize.std"),
        ("expand_param { }", "does not do transform_param.expand_param"),
    ],
)
def test_wrong_parameters(text, message):
    with pytest.raises(DemitasseError, match=message):
        transform(text)


def test_a_mean_image_of_another_shape():
    with pytest.raises(DemitasseError, match="mean image has another shape"):
        transform("", mean=np.zeros((3, 8, 9), "f4"))


@pytest.mark.parametrize("text", ["crop_size: 2", "mirror: true", "augment { cutout { } }"])
def test_only_images_are_cropped(text):
    with pytest.raises(DemitasseError, match="need images"):
        transform(text, image=np.zeros(5))
