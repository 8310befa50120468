"""Boxes of a net that is not trained: sizes overflow, and nothing is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from layers.detection.boxes import decode, suppress


@pytest.mark.filterwarnings("error")
def test_sizes_that_overflow() -> None:
    prior = np.array([[0, 0, 1, 1], [0, 0, 2, 2]], np.float32)
    places = np.full((2, 4), 1e4, np.float32)
    boxes = decode(prior, np.ones_like(prior), places, "CENTER_SIZE")
    assert np.isinf(boxes).any()
    kept = suppress(boxes, np.array([0.9, 0.8], np.float32), 0.5, 1.0, -1, 0.0)
    assert kept.tolist() == [0, 1]
