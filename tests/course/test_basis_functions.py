"""Topic 2: the fits are good, the output is linear in the hidden units, and x0 = 1 is a bias."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.topics.basis_functions import (
    at,
    class_data,
    fitted,
    regression_data,
    truth,
    with_bias_as_input,
)
from tools.topics.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(2, tmp_path)


def test_regression(desk: Desk) -> None:
    net = fitted(desk, "regression")
    x, t = regression_data(40)
    blobs = at(net, x)
    assert np.sqrt(((blobs["y"][:, 0] - t) ** 2).mean()) < 0.12
    assert np.abs(blobs["y"][:, 0] - truth(x)).mean() < 0.1
    weights, bias = (blob.data for blob in net.params["y"])
    np.testing.assert_allclose(blobs["y"], blobs["basis"] @ weights.T + bias, atol=1e-5)
    np.testing.assert_allclose(with_bias_as_input(desk, net, x), blobs["y"], atol=1e-5)


def test_classification(desk: Desk) -> None:
    net = fitted(desk, "classification")
    x, t = class_data(120)
    prob = at(net, x)["prob"]
    np.testing.assert_allclose(prob.sum(axis=1), 1, atol=1e-6)
    assert ((prob[:, 1] > 0.5) == t).mean() > 0.9
