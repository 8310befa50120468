"""caffe.io: images as floats, the Transformer, arrays as messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engine.caffe as caffe
from engine import DemitasseError
from engine.schema import Datum

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Four pixels: red and green above, blue and white below."""
    bgr = np.array([[[0, 0, 255], [0, 255, 0]], [[255, 0, 0], [255, 255, 255]]], np.uint8)
    assert cv2.imwrite(str(tmp_path / "a.png"), bgr)
    return tmp_path / "a.png"


def test_load_image(picture: Path) -> None:
    image = caffe.io.load_image(picture)
    assert image.dtype == np.float32 and image.shape == (2, 2, 3)
    assert image[0, 0].tolist() == [1, 0, 0] and image[1, 0].tolist() == [0, 0, 1]
    gray = caffe.io.load_image(str(picture), color=False)
    assert gray.shape == (2, 2, 1) and gray[1, 1, 0] == 1
    with pytest.raises(DemitasseError, match="the image cannot be read"):
        caffe.io.load_image(picture.with_name("none.png"))


def test_resize_image() -> None:
    ramp = np.arange(8, dtype=np.float32).reshape(2, 4, 1).repeat(5, 2)
    assert caffe.io.resize_image(ramp, (4, 8)).shape == (4, 8, 5)
    halved = caffe.io.resize_image(ramp, (1, 2))
    np.testing.assert_allclose(halved[0, :, 0], [2.5, 4.5])  # the means of four
    assert caffe.io.resize_image(ramp, (2, 2), interp_order=0)[0, :, 0].tolist() == [0, 2]
    with pytest.raises(DemitasseError, match="unknown interp_order"):
        caffe.io.resize_image(ramp, (1, 1), interp_order=7)


def test_oversample() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    crops = caffe.io.oversample([image, -image], (2, 2))
    assert crops.shape == (20, 2, 2, 1)
    assert [crop[0, 0, 0] for crop in crops[:5]] == [0, 2, 4, 6, 1]
    np.testing.assert_array_equal(crops[5:10], crops[:5, :, ::-1])
    np.testing.assert_array_equal(crops[10:], -crops[:10])
    with pytest.raises(DemitasseError, match="the crop is larger"):
        caffe.io.oversample([image], (4, 4))


@pytest.fixture
def transformer() -> caffe.io.Transformer:
    made = caffe.io.Transformer({"data": (1, 3, 2, 2)})
    made.set_transpose("data", (2, 0, 1))
    made.set_channel_swap("data", (2, 1, 0))
    made.set_raw_scale("data", 255)
    made.set_mean("data", np.array([1, 2, 3]))
    made.set_input_scale("data", 0.5)
    return made


def test_preprocess_and_back(transformer: caffe.io.Transformer, picture: Path) -> None:
    image = caffe.io.load_image(picture)
    values = transformer.preprocess("data", image)
    assert values.dtype == np.float32 and values.shape == (3, 2, 2)
    assert values[:, 0, 0].tolist() == [-0.5, -1, 126]  # red: B, G, R less 1, 2, 3, halved
    np.testing.assert_allclose(transformer.deprocess("data", values), image, atol=1e-6)
    assert transformer.preprocess("data", np.zeros((7, 9, 3))).shape == (3, 2, 2)


def test_means(transformer: caffe.io.Transformer) -> None:
    transformer.set_mean("data", np.ones((3, 2, 2)))
    transformer.set_mean("data", np.ones((2, 2)))
    for shape in ((4,), (3, 5, 5), (2, 2, 2)):
        with pytest.raises(DemitasseError, match='the mean does not fit the input "data"'):
            transformer.set_mean("data", np.ones(shape))


def test_wrong_settings(transformer: caffe.io.Transformer) -> None:
    with pytest.raises(DemitasseError, match='no input "dat"') as caught:
        transformer.set_raw_scale("dat", 255)
    assert caught.value.hint == 'did you mean "data"?'
    with pytest.raises(DemitasseError, match="an order names every axis or channel once"):
        transformer.set_transpose("data", (2, 0))
    with pytest.raises(DemitasseError, match="an image has three axes"):
        transformer.preprocess("data", np.zeros((2, 2)))


def test_blobs_and_records_and_back() -> None:
    array = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    blob = caffe.io.array_to_blobproto(array, diff=-array)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob), array)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob, return_diff=True), -array)
    text = caffe.io.arraylist_to_blobprotovector_str([array, array + 1])
    np.testing.assert_array_equal(
        caffe.io.blobprotovector_str_to_arraylist(text), [array, array + 1]
    )
    for values in (array, array.astype(np.uint8)):
        datum = caffe.io.array_to_datum(values, label=3)
        again = Datum.FromString(datum.SerializeToString())
        np.testing.assert_array_equal(caffe.io.datum_to_array(again), values)
        assert again.label == 3 and bool(again.data) == (values.dtype == np.uint8)


def test_records_that_hold_no_array() -> None:
    with pytest.raises(DemitasseError, match="one array of three axes"):
        caffe.io.array_to_datum(np.zeros((2, 2)))
    with pytest.raises(DemitasseError, match="no plain array"):
        caffe.io.datum_to_array(Datum(channels=1, height=2, width=2, data=b"abc"))
    with pytest.raises(DemitasseError, match="no plain array\n  got: an encoded image"):
        caffe.io.datum_to_array(Datum(encoded=True, data=b"\xff\xd8"))
