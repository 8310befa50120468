"""The digits that configs/mnist trains on, and the two forms of its LeNet."""

from pathlib import Path

import numpy as np
import pytest

from engine.data.array_file import read_array
from engine.schema import SolverParameter
from engine.spec import read_net, read_solver
from tools.upkeep.make_digits import main, split_digits

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "configs" / "mnist" / "digits"
TABLE = ROOT.parent / "shared" / "data" / "small" / "mnist_5k.csv.gz"


def read(part, folder=DIGITS):
    images = read_array(folder / f"{part}-images-idx3-ubyte.gz")
    return images, read_array(folder / f"{part}-labels-idx1-ubyte.gz")


@pytest.mark.parametrize("part, each", [("train", 400), ("t10k", 100)])
def test_counts_and_classes(part, each):
    images, labels = read(part)
    assert images.shape == (10 * each, 28, 28) and images.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(labels), [each] * 10)
    assert images.max() == 255 and (images == 0).mean() > 0.7


def test_batches_mix_the_classes():
    labels = read("train")[1]
    for start in range(0, 3968, 64):
        assert len(set(labels[start : start + 64].tolist())) >= 8


def test_no_digit_is_both_trained_on_and_held_out():
    trained, held_out = ({image.tobytes() for image in read(part)[0]} for part in ("train", "t10k"))
    assert len(trained) == 4000 and len(held_out) == 1000
    assert not trained & held_out


def test_splitting_holds_out_a_hundred_of_each_class():
    table = np.column_stack([np.arange(1000), np.arange(1000) // 250])
    train, test = split_digits(table)
    np.testing.assert_array_equal(np.bincount(test[:, -1]), [100] * 4)
    np.testing.assert_array_equal(np.sort([*train[:, 0], *test[:, 0]]), np.arange(1000))
    assert (np.diff(train[:, 0]) < 0).any()


def test_making_them_again_gives_the_same(tmp_path):
    if not TABLE.is_file():
        pytest.skip("the table they were made from is not here")
    main([str(TABLE), str(tmp_path)])
    for part in ("train", "t10k"):
        for made, shipped in zip(read(part, tmp_path), read(part), strict=True):
            np.testing.assert_array_equal(made, shipped)


def test_yaml_and_prototxt_are_the_same_net_and_solver():
    yaml = read_solver(DIGITS.parent / "lenet.yaml")
    prototxt = read_solver(DIGITS.parent / "lenet_solver.prototxt").param
    net = read_net(ROOT / prototxt.net).param
    for layer in net.layer[:2]:
        # Caffe's files name paths as seen from the project's folder, ours from their own.
        for field in ("source", "label_source"):
            path = Path(getattr(layer.array_data_param, field))
            setattr(layer.array_data_param, field, str(path.relative_to("configs/mnist")))
    assert yaml.net is not None and yaml.net.param == net
    expected = SolverParameter()
    expected.CopyFrom(prototxt)
    expected.ClearField("net")
    assert yaml.param == expected
