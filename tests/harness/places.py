"""Where the test data is."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
SHARED = ROOT.parent / "shared"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared models and data do not lie beside this checkout"
)


def golden_folders(kind: str) -> list[Path]:
    """The folders of golden cases of a kind: the clone's own, and the shared one."""
    return [path for path in (GOLDEN / kind, SHARED / "caffe_golden" / kind) if path.is_dir()]
