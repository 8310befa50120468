"""ArrayData: shapes, order, transforms, exact resumes, and an error for every wrong config."""

import numpy as np
import pytest
from google.protobuf import text_format

from engine.data.source_layer import SourceLayer
from engine.schema import LayerParameter
from layers.base import LayerContext
from layers.blob import Blob
from layers.errors import LayerError
from layers.registry import create_layer


class Source:
    """A source layer with its tops, set up from text."""

    def __init__(self, folder, text, tops=("data", "label"), dtype=np.float32):
        param = LayerParameter(name="source", type="ArrayData", top=tops)
        text_format.Parse(text, param)
        context = LayerContext(dtype=dtype, find_file=lambda name: folder / name)
        self.layer = create_layer(param, context)
        self.tops = [Blob((), name, dtype) for name in tops]
        self.layer.check_blob_counts(0, len(tops))
        self.layer.setup([], self.tops)

    def forward(self):
        self.layer.reshape([], self.tops)
        self.layer.forward([], self.tops)
        return [top.data.copy() for top in self.tops]


IMAGES = np.random.default_rng(0).integers(0, 256, (10, 6, 5), np.uint8)
LABELS = np.arange(10)
BOTH = 'source: "x.npy" label_source: "y.npy"'


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "x.npy", IMAGES)
    np.save(tmp_path / "y.npy", LABELS)
    return tmp_path


def test_batches_wrap_around_the_data(folder):
    source = Source(folder, f"array_data_param {{ {BOTH} batch_size: 4 }}")
    assert isinstance(source.layer, SourceLayer)
    assert (source.layer.sample_count, source.layer.batch_size) == (10, 4)
    for start in range(0, 24, 4):
        rows = np.arange(start, start + 4) % 10
        data, label = source.forward()
        np.testing.assert_array_equal(data, IMAGES[rows, np.newaxis].astype("f4"), strict=True)
        np.testing.assert_array_equal(label, rows.astype("f4"), strict=True)


@pytest.mark.parametrize(
    "shape, top",
    [
        ((7,), (3,)),
        ((7, 2), (3, 2)),
        ((7, 4, 5), (3, 1, 4, 5)),
        ((7, 2, 4, 5), (3, 2, 4, 5)),
        ((7, 1, 2, 3, 4), (3, 1, 2, 3, 4)),
    ],
)
@pytest.mark.parametrize("dtype", ["u1", ">i2", "<f8", "?"])
def test_shapes_and_types(tmp_path, shape, top, dtype):
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    np.save(tmp_path / "x.npy", values)
    text = 'array_data_param { source: "x.npy" batch_size: 3 }'
    (data,) = Source(tmp_path, text, ["data"]).forward()
    np.testing.assert_array_equal(data, values[:3].reshape(top).astype("f4"), strict=True)


def test_shuffled_epochs_hold_every_sample_once(folder):
    text = f"array_data_param {{ {BOTH} batch_size: 5 shuffle: true seed: 3 }}"
    source = Source(folder, text)
    epochs = [np.concatenate([source.forward()[1] for _ in range(2)]) for _ in range(3)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(10))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_images_stay_with_their_labels(folder):
    source = Source(folder, f"array_data_param {{ {BOTH} batch_size: 7 shuffle: true }}")
    for _ in range(5):
        data, label = source.forward()
        np.testing.assert_array_equal(data[:, 0], IMAGES[label.astype(int)])


def test_without_a_seed_the_order_is_that_of_seed_zero(folder):
    plain = Source(folder, f"array_data_param {{ {BOTH} batch_size: 7 shuffle: true }}")
    zero = Source(folder, f"array_data_param {{ {BOTH} batch_size: 7 shuffle: true seed: 0 }}")
    one = Source(folder, f"array_data_param {{ {BOTH} batch_size: 7 shuffle: true seed: 1 }}")
    labels = plain.forward()[1]
    np.testing.assert_array_equal(labels, zero.forward()[1])
    assert (labels != one.forward()[1]).any()


@pytest.mark.parametrize("shuffle", ["false", "true"])
@pytest.mark.parametrize("batches", [0, 1, 7])
def test_a_resumed_run_sees_the_same_batches(folder, shuffle, batches):
    text = f"array_data_param {{ {BOTH} batch_size: 3 shuffle: {shuffle} seed: 5 }}"
    first, resumed, sought = (Source(folder, text) for _ in range(3))
    for _ in range(batches):
        first.forward()
    resumed.forward()
    resumed.layer.set_state(first.layer.get_state())
    sought.layer.seek(batches * 3)
    for _ in range(8):
        for a, b, c in zip(first.forward(), resumed.forward(), sought.forward(), strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(a, c)


def test_state_that_cannot_be_taken_back(folder):
    layer = Source(folder, f"array_data_param {{ {BOTH} batch_size: 3 }}").layer
    with pytest.raises(LayerError, match="no data position"):
        layer.set_state({"seed": 1})
    with pytest.raises(LayerError, match="before the first sample"):
        layer.seek(-1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mean_is_subtracted_before_scaling(folder, dtype):
    text = "transform_param { scale: 0.00390625 mean_value: 33.5 }"
    text += 'array_data_param { source: "x.npy" batch_size: 4 }'
    (data,) = Source(folder, text, ["data"], dtype).forward()
    expected = (IMAGES[:4, np.newaxis].astype(dtype) - dtype(33.5)) * dtype(0.00390625)
    np.testing.assert_array_equal(data, expected, strict=True)


def test_a_mean_for_each_channel(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 2, 2), np.uint8)
    np.save(tmp_path / "x.npy", images)
    text = 'array_data_param { source: "x.npy" batch_size: 4 } transform_param { %s }'
    means = "mean_value: 104 mean_value: 117 mean_value: 123"
    (data,) = Source(tmp_path, text % means, ["data"]).forward()
    mean = np.array([104, 117, 123]).reshape(3, 1, 1)
    np.testing.assert_array_equal(data, images - mean.astype("f4"))
    with pytest.raises(LayerError, match="got: 2\n  expected: 1, or 3: one a channel"):
        Source(tmp_path, text % "mean_value: 1 mean_value: 2", ["data"])


def test_data_and_labels_in_one_npz(tmp_path):
    np.savez(tmp_path / "both.npz", x=IMAGES, y=LABELS)
    text = """array_data_param { source: "both.npz" source_key: "x"
        label_source: "both.npz" label_key: "y" batch_size: 4 }"""
    data, label = Source(tmp_path, text).forward()
    np.testing.assert_array_equal(data[:, 0], IMAGES[:4])
    np.testing.assert_array_equal(label, LABELS[:4])


@pytest.mark.parametrize("field", ["noise_param { }", "resize_param { }"])
def test_other_transforms_are_refused_by_name(folder, field):
    text = f'transform_param {{ {field} }} array_data_param {{ source: "x.npy" batch_size: 4 }}'
    with pytest.raises(LayerError, match=f"transform_param.{field.split()[0]}"):
        Source(folder, text, ["data"])


def test_transforms_at_their_defaults_are_no_transforms(folder):
    text = "transform_param { mirror: false crop_size: 0 }"
    text += 'array_data_param { source: "x.npy" batch_size: 4 }'
    Source(folder, text, ["data"]).forward()


@pytest.mark.parametrize(
    "text, message",
    [
        ("batch_size: 4", "needs array_data_param.source"),
        ('source: "x.npy"', "batch_size above 0"),
        ('source: "x.npy" batch_size: 0', "batch_size above 0"),
        ('source: "x.npy" batch_size: 4', 'top "label" needs array_data_param.label_source'),
        ('source: "z.npy" label_source: "y.npy" batch_size: 4', '"z.npy" does not exist'),
        ('source: "x.npy" label_source: "z.npy" batch_size: 4', '"z.npy" does not exist'),
        ('source: "." label_source: "y.npy" batch_size: 4', "is not a file"),
        ('source: "x.npy" label_source: "9.npy" batch_size: 4', "10 samples .* 9 in"),
        ('source: "0.npy" label_source: "0.npy" batch_size: 4', "holds no samples"),
        ('source: "s.npy" label_source: "y.npy" batch_size: 4', "holds no samples"),
        ('source: "t.npy" label_source: "y.npy" batch_size: 4', "t.npy: this is not a file of"),
    ],
)
def test_wrong_configs(folder, text, message):
    np.save(folder / "9.npy", np.zeros(9))
    np.save(folder / "0.npy", np.zeros((0, 3)))
    np.save(folder / "s.npy", np.array(3.0))
    (folder / "t.npy").write_text("1, 2, 3")
    with pytest.raises(LayerError, match=message) as caught:
        Source(folder, f"array_data_param {{ {text} }}")
    assert 'layer "source" (ArrayData)' in str(caught.value)


def test_it_takes_no_bottoms_and_at_most_two_tops(folder):
    with pytest.raises(LayerError, match="wrong number of tops"):
        Source(folder, f"array_data_param {{ {BOTH} batch_size: 4 }}", ("a", "b", "c"))
    layer = Source(folder, f"array_data_param {{ {BOTH} batch_size: 4 }}").layer
    with pytest.raises(LayerError, match="wrong number of bottoms"):
        layer.check_blob_counts(1, 2)
