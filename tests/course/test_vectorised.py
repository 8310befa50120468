"""Topic 10: the Jacobian of ReLU, the gradients of a product, and the shapes of gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.topics.desk import Desk
from tools.topics.vectorised import (
    UPSTREAM,
    X_OF_RELU,
    X,
    product_gradients,
    relu_jacobian,
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(10, tmp_path)


def test_jacobian_of_relu(desk: Desk) -> None:
    jacobian = relu_jacobian(desk.net("relu"))
    np.testing.assert_array_equal(jacobian, np.diag((X_OF_RELU[0] > 0).astype(float)))


def test_product(desk: Desk) -> None:
    net = desk.net("product")
    w = net.params["Y"][0].data
    dx, dw = product_gradients(net)
    np.testing.assert_allclose(net.blobs["Y"].data, X @ w)
    np.testing.assert_allclose(dx, UPSTREAM @ w.T)
    np.testing.assert_allclose(dw, X.T @ UPSTREAM)


@pytest.mark.parametrize("name", ["relu", "product"])
def test_a_gradient_has_the_shape_of_its_variable(desk: Desk, name: str) -> None:
    net = desk.net(name)
    net.forward()
    net.backward()
    for blob in [*net.blobs.values(), *(b for blobs in net.params.values() for b in blobs)]:
        assert blob.diff.shape == blob.data.shape == blob.shape
