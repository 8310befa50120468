"""Every source: order, labels, epochs, what is left over, and wrong configs."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from engine import TRAIN, LayerError
from tests.harness.sources import Source, datums, random_images, write_images, write_lmdb

IMAGES = random_images(10)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_data() -> str:
    write_lmdb(Path("db"), datums(IMAGES))
    return 'type: "Data" data_param { source: "db" batch_size: 4 }'


def make_image_data() -> str:
    pytest.importorskip("cv2")
    names = write_images(Path("i"), IMAGES)
    Path("list.txt").write_text("".join(f"i/{name} {n}\n" for n, name in enumerate(names)))
    return 'type: "ImageData" image_data_param { source: "list.txt" batch_size: 4 }'


def make_image_folder() -> str:
    pytest.importorskip("cv2")
    for number, image in enumerate(IMAGES):
        write_images(Path(f"f/class_{number}/deep"), image[np.newaxis])
    return 'type: "ImageFolder" image_folder_param { source: "f" batch_size: 4 }'


def make_csv() -> str:
    rows = [",".join(map(str, [n, *image.ravel()])) for n, image in enumerate(IMAGES)]
    Path("t.csv").write_text("\n".join(rows))
    return """type: "CSVData" csv_data_param { source: "t.csv" batch_size: 4 label_column: "0"
        shape { dim: [3, 8, 10] } }"""


def make_arrays() -> str:
    np.savez("a.npz", x=IMAGES, y=np.arange(10))
    return """type: "ArrayData" array_data_param { source: "a.npz" source_key: "x"
        label_source: "a.npz" label_key: "y" batch_size: 4 }"""


def make_hdf5() -> str:
    h5py = pytest.importorskip("h5py")
    for name, rows in (("0.h5", slice(0, 7)), ("1.h5", slice(7, 10))):
        with h5py.File(name, "w") as file:
            file["data"], file["label"] = IMAGES[rows], np.arange(10)[rows]
    Path("h.txt").write_text("0.h5 1.h5")
    return 'type: "HDF5Data" hdf5_data_param { source: "h.txt" batch_size: 4 }'


SOURCES = [make_data, make_image_data, make_image_folder, make_csv, make_arrays, make_hdf5]
every = pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__[5:])


def read(make, options: str = "", batches: int = 6) -> list[np.ndarray]:
    """The labels of some batches, once it is seen that each has its own image."""
    source = Source(f"{make()} source_param {{ {options} }}", phase=TRAIN)
    labels = []
    for data, label in source.batches(batches):
        np.testing.assert_array_equal(data, IMAGES[label.astype(int)])
        labels.append(label.astype(int))
    return labels


@every
def test_batches_wrap_around_the_data(make):
    np.testing.assert_array_equal(np.concatenate(read(make)), np.arange(24) % 10)


@every
def test_the_last_batch_is_dropped(make):
    labels = read(make, 'last_batch: "drop"')
    np.testing.assert_array_equal(np.concatenate(labels), [*range(8)] * 3)


@every
def test_the_last_batch_is_kept(make):
    labels = read(make, 'last_batch: "keep"')
    assert [len(label) for label in labels] == [4, 4, 2] * 2
    np.testing.assert_array_equal(np.concatenate(labels), [*range(10)] * 2)


@every
def test_each_epoch_has_an_order_of_its_own(make):
    labels = read(make, 'shuffle: true last_batch: "keep"', 9)
    epochs = [np.concatenate(labels[start : start + 3]) for start in (0, 3, 6)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(10))
    assert len({epoch.tobytes() for epoch in epochs}) == 3


@every
def test_seeds_choose_the_order(make):
    orders = [np.concatenate(read(make, f"shuffle: true seed: {seed}")) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).any()


@every
def test_samples_are_skipped_at_the_start(make):
    labels = read(make, "rand_skip: 9 seed: 4")
    first = labels[0][0]
    assert first > 0
    np.testing.assert_array_equal(np.concatenate(labels), (first + np.arange(24)) % 10)


@every
@pytest.mark.parametrize(
    "transform",
    [
        "crop_size: 6 mirror: true mean_value: 3 scale: 2",
        "mirror: true augment { rotation { degrees: 20 } } augment { cutout { size: 3 } }"
        " augment { random_resized_crop { size: 7 } } augment { normalize { std: 5 } }",
    ],
    ids=["caffe", "augment"],
)
def test_all_are_transformed_alike(make, transform):
    if "augment" in transform:
        pytest.importorskip("cv2")
    options = f" transform_param {{ {transform} }} source_param {{ shuffle: true seed: 3 }}"
    runs = []
    for source in (make, make_arrays):
        # Two batches of the first epoch. HDF5Data keeps the rows of a file together, so it has
        # an order of its own; what is done to a sample does not depend on that.
        batches = Source(source() + options, phase=TRAIN).batches(2)
        runs.append(
            {label: image for batch in batches for image, label in zip(*batch, strict=True)}
        )
    shared = runs[0].keys() & runs[1].keys()
    assert shared
    # A table holds floats, which OpenCV does not round on the way: a grey level is 0.2 of std 5.
    tolerance = 0.21 if make is make_csv and "augment" in transform else 0
    for label in shared:
        np.testing.assert_allclose(runs[0][label], runs[1][label], rtol=0, atol=tolerance)


@every
def test_dropping_all_there_is(make):
    text = make().replace("batch_size: 4", "batch_size: 11")
    with pytest.raises(LayerError, match="drop leaves no batch"):
        Source(text + 'source_param { last_batch: "drop" }')
    assert Source(text + 'source_param { last_batch: "keep" }').forward()[0].shape[0] == 10


def test_caffes_own_options_and_ours():
    text = make_image_data()[:-1] + "shuffle: true rand_skip: 3 } source_param { %s }"
    assert Source(text % "").layer.options.shuffle
    assert not Source(text % "shuffle: false").layer.options.shuffle
    assert Source(text % "rand_skip: 0").layer.options.skip == 0


def test_several_labels_a_line():
    names = write_images(Path("i"), IMAGES) if make_image_data() else []
    Path("list.txt").write_text("".join(f"i/{name} {n} .5 -1e1\n" for n, name in enumerate(names)))
    text = 'type: "ImageData" image_data_param { source: "list.txt" batch_size: 2 label_count: 3 }'
    np.testing.assert_array_equal(Source(text).forward()[1], [[0, 0.5, -10], [1, 0.5, -10]])


def test_images_are_found_from_the_lists_folder(tmp_path, monkeypatch):
    make_image_data()
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    text = f'type: "ImageData" image_data_param {{ source: "{tmp_path}/list.txt" batch_size: 2 }}'
    np.testing.assert_array_equal(Source(text).forward()[0], IMAGES[:2])


def test_lists_in_other_codes():
    text = make_image_data()
    Path("i/img 1.png").rename(os.fsdecode(b"i/caf\xe9 1.png"))  # Latin-1
    lines = Path("list.txt").read_bytes().replace(b"img 1.png", b"caf\xe9 1.png")
    Path("list.txt").write_bytes(lines.replace(b"\n", b"\r\n"))
    data, label = Source(text).forward()
    np.testing.assert_array_equal(data, IMAGES[:4])
    np.testing.assert_array_equal(label, np.arange(4))


def test_resizing_and_grey():
    cv2 = pytest.importorskip("cv2")
    make_image_data()
    text = """type: "ImageData" image_data_param { source: "list.txt" batch_size: 2 new_height: 5
        new_width: 7 is_color: %s }"""
    colour, grey = (Source(text % flag).forward()[0] for flag in ("true", "false"))
    assert colour.shape == (2, 3, 5, 7) and grey.shape == (2, 1, 5, 7)
    pixels = cv2.imread("i/img 0.png")
    np.testing.assert_array_equal(colour[0], cv2.resize(pixels, (7, 5)).transpose(2, 0, 1))


def test_folders_without_labels():
    pytest.importorskip("cv2")
    write_images(Path("f/ant"), IMAGES)
    text = 'type: "ImageFolder" image_folder_param { source: "f" batch_size: 5 }'
    np.testing.assert_array_equal(Source(text, ("data",)).forward()[0], IMAGES[:5])


def test_classes_of_folders_are_in_order():
    source = Source(make_image_folder())
    assert source.layer.reader.classes == [f"class_{n}" for n in range(10)]


TABLE = "height, weight ,kind\n1.5,2,0\n3,-4e1,1\n"


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "options, data, label",
    [
        ('label_column: "kind"', [[1.5, 2], [3, -40]], [0, 1]),
        ('label_column: "-1"', [[1.5, 2], [3, -40]], [0, 1]),
        ('label_column: "weight" column: "kind"', [[0], [1]], [2, -40]),
        ('label_column: ["kind", "0"]', [[2], [-40]], [[0, 1.5], [1, 3]]),
    ],
)
def test_columns(zipped, options, data, label):
    text = TABLE.encode()
    Path("t.csv").write_bytes(gzip.compress(text) if zipped else text)
    source = Source(f'type: "CSVData" csv_data_param {{ source: "t.csv" batch_size: 2 {options} }}')
    for got, wanted in zip(source.forward(), (data, label), strict=True):
        np.testing.assert_array_equal(got, np.float32(wanted), strict=True)


def test_other_delimiters_and_no_header():
    Path("t.csv").write_text("1;2\n\n3;4\n")
    text = 'type: "CSVData" csv_data_param { source: "t.csv" batch_size: 2 delimiter: ";" }'
    np.testing.assert_array_equal(Source(text, ("data",)).forward()[0], [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "options, message",
    [
        ("", 'top "label" needs csv_data_param.label_column'),
        ('label_column: "kin"', 'no column "kin"\n  .*height, weight, kind.*\n.*mean "kind"'),
        ('label_column: "3"', 'no column "3"'),
        ('label_column: "0" delimiter: ""', "delimiter of one character"),
        ('label_column: "0" shape { dim: 3 }', "do not fill csv_data_param.shape"),
    ],
)
def test_wrong_tables(options, message):
    Path("t.csv").write_text(TABLE)
    with pytest.raises(LayerError, match=message):
        Source(f'type: "CSVData" csv_data_param {{ source: "t.csv" batch_size: 2 {options} }}')


@pytest.mark.parametrize("content", [b"\x1f\x8bgarbage", b"\xff\xfe\x00\x01"])
def test_what_is_no_table(content):
    Path("t.csv").write_bytes(content)
    with pytest.raises(LayerError, match="not a readable table"):
        Source('type: "CSVData" csv_data_param { source: "t.csv" batch_size: 2 }', ("data",))


WINDOWS = """# 0
i/img 0.png
3 8 10
3
1 0.9 0 0 4 4
2 0.7 3 1 9 7
0 0.2 1 1 5 6
# 1
i/img 1.png
3 8 10
1
1 0.45 1 1 5 6
""".replace("img ", "img_")


def make_windows(text: str = WINDOWS, options: str = "") -> str:
    names = write_images(Path("i"), IMAGES)
    for name in names:
        Path("i", name).rename(Path("i", name.replace(" ", "_")))
    Path("w.txt").write_text(text)
    return f"""type: "WindowData" transform_param {{ crop_size: 6 mirror: true }}
        window_data_param {{ source: "w.txt" batch_size: 4 fg_fraction: 0.5 {options} }}"""


def test_windows_are_drawn_anew_for_each_batch():
    pytest.importorskip("cv2")
    source, other = Source(make_windows()), Source(make_windows())
    batches = source.batches(12)
    labels = np.array([label for _, label in batches])
    assert (labels[:, :2] == 0).all() and set(labels[:, 2:].ravel()) == {1, 2}
    assert len({data.tobytes() for data, _ in batches}) > 6
    other.layer.seek(4 * 5)
    np.testing.assert_array_equal(other.forward()[0], batches[5][0])


def test_windows_have_no_epochs(caplog):
    pytest.importorskip("cv2")
    plain, skipping = (
        Source(make_windows() + f"source_param {{ {text} }}")
        for text in ("seed: 1", "seed: 1 rand_skip: 1000 shuffle: true last_batch: 'drop'")
    )
    assert caplog.text.count("shuffle and last_batch do nothing") == 1
    one, other = ([data.tobytes() for data, _ in s.batches(3)] for s in (plain, skipping))
    assert not set(one) & set(other)


@pytest.mark.parametrize(
    "text, options, message",
    [
        (WINDOWS.replace("# 1", "1"), "", "w.txt:8: an image must begin with #"),
        (WINDOWS.replace("0.9", "x"), "", "w.txt:5: the value is not a number"),
        (WINDOWS[:-4], "", "ends within an image"),
        (WINDOWS.replace("1 0.9", "0 0.9"), "", "w.txt:5: an object needs a label"),
        (WINDOWS, "fg_threshold: 1", "holds no object windows"),
        (WINDOWS, "bg_threshold: 0", "holds no background windows"),
        (WINDOWS, 'crop_mode: "wrap"', "unknown window_data_param.crop_mode"),
        (WINDOWS, "context_pad: 3", "context_pad leaves nothing"),
        (WINDOWS.replace("1 1 5 6", "1 1 5 8"), "", "window does not lie in its image"),
    ],
)
def test_wrong_windows(text, options, message):
    pytest.importorskip("cv2")
    with pytest.raises(LayerError, match=message):
        Source(make_windows(text, options)).batches(3)


@pytest.mark.parametrize("mark, shown", [(";", ";"), ("\t", r"\\t")])
def test_another_delimiter_is_guessed(mark, shown):
    Path("t.csv").write_text(mark.join("ab") + "\n" + mark.join("12") + "\n")
    text = 'type: "CSVData" csv_data_param { source: "t.csv" batch_size: 1 label_column: "b" }'
    with pytest.raises(LayerError, match=f'set csv_data_param.delimiter: "{shown}"'):
        Source(text)
