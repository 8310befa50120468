"""What tests of snapshots share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.tiny_run import write_data


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with a small net and its data."""
    write_data(tmp_path)
    return tmp_path
