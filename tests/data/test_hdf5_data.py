"""HDF5Data: real Caffe's batches, its own shuffle, exact resumes, and clear errors."""

import sys
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from engine.errors import MissingDependency
from engine.schema import LayerParameter, NetParameter
from layers.base import TRAIN, LayerContext
from layers.blob import Blob
from layers.errors import LayerError
from layers.registry import create_layer
from tests.harness.sources import Source as PlainSource

h5py = pytest.importorskip("h5py")

GOLDEN = Path(__file__).parents[3] / "shared" / "caffe_golden"
CASES = ["hdf5data_two_files", "hdf5data_three_tops_gz"]


class Source:
    """A source layer with its tops, set up from a LayerParameter."""

    def __init__(self, param, find_file=Path):
        self.layer = create_layer(param, LayerContext(find_file=find_file))
        self.tops = [Blob((), name) for name in param.top]
        self.layer.check_blob_counts(0, len(self.tops))
        self.layer.setup([], self.tops)

    def forward(self):
        self.layer.reshape([], self.tops)
        self.layer.forward([], self.tops)
        return [top.data.copy() for top in self.tops]


def source(text="", tops=("data", "label"), batch_size=4):
    param = LayerParameter(name="h", type="HDF5Data", top=tops)
    param.hdf5_data_param.batch_size = batch_size
    param.hdf5_data_param.source = "list.txt"
    return Source(text_format.Merge(text, param))


def write(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with three files of 5, 1 and 3 rows."""
    monkeypatch.chdir(tmp_path)
    start = 0
    for number, count in enumerate((5, 1, 3)):
        label = np.arange(start, start + count)
        write(f"{number}.h5", data=label[:, np.newaxis] * [1.0, 0.5], label=label)
        start += count
    Path("list.txt").write_text("0.h5\n1.h5\n2.h5\n")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("variant", ["all", "two"])
def test_the_batches_are_caffes(case, variant, monkeypatch):
    if not (GOLDEN / "files" / case).is_dir():
        pytest.skip("Caffe's golden files are not here")
    monkeypatch.chdir(GOLDEN / "files" / case)
    net = text_format.Parse(Path(f"net_{variant}.prototxt").read_text(), NetParameter())
    layer = Source(net.layer[0])
    golden = np.load(f"golden_{variant}.npz")
    for k in range(1, 7):
        for name, values in zip(net.layer[0].top, layer.forward(), strict=True):
            np.testing.assert_array_equal(values, golden[f"{name}_{k}"], strict=True)


def test_batches_run_over_all_files_in_list_order(folder):
    layer = source()
    assert (layer.layer.sample_count, layer.layer.batch_size) == (9, 4)
    labels = np.concatenate([layer.forward()[1] for _ in range(7)])
    np.testing.assert_array_equal(labels, np.arange(28) % 9)


def test_a_batch_may_be_larger_than_the_data(folder):
    data, label = source(batch_size=30).forward()
    np.testing.assert_array_equal(label, np.arange(30) % 9)
    np.testing.assert_array_equal(data, label[:, np.newaxis] * np.float32([1, 0.5]))


def test_a_file_without_rows_is_passed_over(folder):
    write("1.h5", data=np.zeros((0, 2)), label=np.zeros(0))
    for text in ("", "hdf5_data_param { shuffle: true }"):
        labels = source(text, batch_size=8).forward()[1]
        np.testing.assert_array_equal(np.sort(labels), [0, 1, 2, 3, 4, 6, 7, 8])


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i2", "<f2", ">f8"])
def test_integers_and_floats_become_floats(folder, dtype):
    write("x.h5", x=np.arange(6, dtype=dtype).reshape(3, 2))
    Path("list.txt").write_text("x.h5")
    (values,) = source(tops=["x"], batch_size=3).forward()
    np.testing.assert_array_equal(values, np.arange(6, dtype="f4").reshape(3, 2), strict=True)


def test_datasets_in_groups(folder):
    write("x.h5", **{"a/b": np.arange(3.0)})
    Path("list.txt").write_text("x.h5")
    np.testing.assert_array_equal(source(tops=["a/b"], batch_size=3).forward()[0], [0, 1, 2])


def test_shuffling_mixes_files_and_rows_anew_each_epoch(folder):
    layer = source("hdf5_data_param { shuffle: true }", batch_size=9)
    epochs = [layer.forward()[1] for _ in range(6)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(9))
    assert len({tuple(epoch) for epoch in epochs}) == 6
    files = np.searchsorted([5, 6], epochs, side="right")
    assert len({tuple(dict.fromkeys(order)) for order in files.tolist()}) > 1
    # The rows of a file stay together: one file is in memory at a time.
    assert all(np.count_nonzero(np.diff(order)) == 2 for order in files)


@pytest.mark.parametrize("shuffle", ["false", "true"])
@pytest.mark.parametrize("batches", [0, 1, 8])
def test_a_resumed_run_sees_the_same_batches(folder, shuffle, batches):
    text = f"hdf5_data_param {{ shuffle: {shuffle} }}"
    first, resumed, sought = source(text), source(text), source(text)
    for _ in range(batches):
        first.forward()
    resumed.forward()
    resumed.layer.set_state(first.layer.get_state())
    sought.layer.seek(batches * 4)
    for _ in range(10):
        expected = first.forward()
        for other in (resumed, sought):
            np.testing.assert_array_equal(other.forward()[0], expected[0])


def test_files_are_found_from_the_lists_folder(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    param = LayerParameter(name="h", type="HDF5Data", top=["label"])
    param.hdf5_data_param.source = "list.txt"
    param.hdf5_data_param.batch_size = 2
    labels = Source(param, lambda name: folder / name).forward()[0]
    np.testing.assert_array_equal(labels, [0, 1])


@pytest.mark.parametrize(
    "contents, message",
    [
        ("", "lists no files"),
        ("0.h5 9.h5", '"9.h5" does not exist'),
        (b"\x89HDF\r\n\x1a\n", '"list.txt" is not a text file'),
        ("list.txt", "list.txt: cannot be read as HDF5"),
        (
            b"\x89HDF\r\n\x1a\n\0",
            "got: an HDF5 file itself\n  hint: write its name into a text file",
        ),
    ],
)
def test_wrong_lists(folder, contents, message):
    Path("list.txt").write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    with pytest.raises(LayerError, match=message):
        source()


def test_wrong_parameters(folder):
    with pytest.raises(LayerError, match="crop, mirror and augment need images"):
        source("transform_param { mirror: true }")
    with pytest.raises(LayerError, match="batch_size above 0"):
        source(batch_size=0)
    with pytest.raises(LayerError, match="needs hdf5_data_param.source"):
        source('hdf5_data_param { source: "" }')
    with pytest.raises(LayerError, match='"gone.txt" does not exist'):
        source('hdf5_data_param { source: "gone.txt" }')


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
@pytest.mark.parametrize("workers", [0, 3])
def test_images_are_transformed_as_those_of_arrays(folder, dtype, workers):
    pixels = np.random.default_rng(1).integers(0, 256, (9, 3, 6, 7)).astype(dtype)
    for number, part in enumerate(np.split(pixels, [4, 5])):
        write(f"{number}.h5", data=part, label=np.zeros(len(part)))
    np.save("pixels.npy", pixels)
    param = "transform_param { crop_size: 4 mirror: true mean_value: 9 scale: 0.5 }"
    param += f" source_param {{ seed: 5 workers: {workers} }}"
    mine = PlainSource(
        'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: 4 }' + param, phase=TRAIN
    )
    other = PlainSource(
        'type: "ArrayData" array_data_param { source: "pixels.npy" batch_size: 4 }' + param,
        ("data",), phase=TRAIN,
    )  # fmt: skip
    for _ in range(5):
        np.testing.assert_array_equal(mine.forward()[0], other.forward()[0])


def outside(file):
    write("far.h5", far=np.zeros(2), label=np.zeros(2))
    file["data"] = h5py.ExternalLink("far.h5", "/far")


def outside_group(file):
    write("far.h5", **{"x/data": np.zeros(2)})
    file["group"] = h5py.ExternalLink("far.h5", "/x")
    file["data"] = h5py.SoftLink("/group/data")


def stored_outside(file):
    Path("far.bin").write_bytes(bytes(16))
    file.create_dataset("data", (2,), "f8", external=[("far.bin", 0, 16)])


def virtual(file):
    write("far.h5", far=np.zeros(2))
    layout = h5py.VirtualLayout((2,), "f8")
    layout[:] = h5py.VirtualSource("far.h5", "far", (2,))
    file.create_virtual_dataset("data", layout)


def vast(file):
    file.create_dataset("data", (2, 10**9, 10**3), "f4", chunks=(1, 10, 10))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda file: None, 'no dataset "data"\n  expected: one of dats, label\n  hint: .*"dats"'),
        (lambda file: file.create_group("data"), "is a group"),
        (lambda file: file.__setitem__("data", 3.0), '"data" is a scalar'),
        (lambda file: file.__setitem__("data", np.zeros(3)), '"data" and "label" differ in length'),
        (lambda file: file.__setitem__("data", ["a", "b"]), "does not hold numbers"),
        (lambda file: file.__setitem__("data", h5py.Empty("f4")), "does not hold numbers"),
        (lambda file: file.__setitem__("data", h5py.SoftLink("/gone")), 'no dataset "data"'),
        (outside, "link into another file\n  got: far.h5: /far"),
        (outside_group, "values in another file"),
        (stored_outside, "values in another file"),
        (virtual, "values in another file"),
        (vast, "declares more than the file can hold"),
    ],
)
def test_wrong_datasets(folder, change, message):
    write("x.h5", dats=np.zeros(2), label=np.zeros(2))
    with h5py.File("x.h5", "a") as file:
        change(file)
    Path("list.txt").write_text("x.h5")
    with pytest.raises(LayerError, match=message) as caught:
        source()
    assert 'layer "h" (HDF5Data)' in str(caught.value) and "x.h5" in str(caught.value)


def test_files_that_do_not_fit_each_other(folder):
    write("1.h5", data=np.zeros((1, 3)), label=np.zeros(1))
    with pytest.raises(LayerError, match='"data" has another shape in 1.h5 than in 0.h5'):
        source()


def test_only_empty_files(folder):
    write("0.h5", data=np.zeros((0, 2)), label=np.zeros(0))
    Path("list.txt").write_text("0.h5")
    with pytest.raises(LayerError, match="holds no samples"):
        source()


def test_without_h5py_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingDependency, match=r"h5py(.|\n)*pip install 'demitasse\[data\]'"):
        source()
