"""What differs between two snapshots or models."""

from __future__ import annotations

import numpy as np

from engine.blob_io import fit_legacy
from engine.snapshot.config_diff import differences
from layers.blob import Array
from tools.console.table import table
from tools.snapshots.facts import Facts
from tools.snapshots.text import norm

_SHOWN = 60  # characters of a value


def diff_text(first: Facts, second: Facts) -> tuple[str, bool]:
    """The differences as text, and whether there are any."""
    lines = [f"--- {first.path}", f"+++ {second.path}"]
    found = [*_kinds(first, second), *_settings(first, second), *_config(first, second)]
    arrays = _arrays(first, second)
    same = sum(1 for name, array in first.arrays.items() if _equal(array, second.arrays.get(name)))
    if not found and not arrays:
        return f"the same: {same:,} arrays, bit for bit\n", False
    lines += found
    if arrays:
        head = ["arrays", "shape", "largest difference", "relative", "values that differ"]
        lines += ["", *table(head, arrays, range(2, len(head))).splitlines()]
    lines += ["", f"{len(arrays):,} arrays differ, {same:,} are the same"]
    return "".join(f"{line.rstrip()}\n" for line in lines), True


def _kinds(first: Facts, second: Facts) -> list[str]:
    if (first.state is None) == (second.state is None):
        return []
    kinds = ["model" if facts.state is None else "solver state" for facts in (first, second)]
    return [f"kind: {kinds[0]} | {kinds[1]}"]


def _settings(first: Facts, second: Facts) -> list[str]:
    """Single values that differ; where one file is a model, they have nothing to compare with."""
    if first.state is None or second.state is None:
        return []
    lines = []
    for name in dict.fromkeys([*first.settings, *second.settings]):
        pair = [facts.settings.get(name, "none") for facts in (first, second)]
        if pair[0] != pair[1]:
            short = all(len(value) <= _SHOWN for value in pair)
            lines.append(f"{name}: {pair[0]} | {pair[1]}" if short else f"{name}: differs")
    return lines


def _config(first: Facts, second: Facts) -> list[str]:
    old, new = first.progress, second.progress
    if old is None or new is None:
        return []
    lines = [f"config: {line}" for line in differences(old.config, new.config)]
    if old.versions != new.versions:
        lines.append(f"versions: {old.versions}\n        | {new.versions}")
    if list(old.data_fingerprint) != list(new.data_fingerprint):
        lines.append("data: differs")
    return lines


def _arrays(first: Facts, second: Facts) -> list[list[str]]:
    rows = []
    for name in dict.fromkeys([*first.arrays, *second.arrays]):
        old, new = first.arrays.get(name), second.arrays.get(name)
        if old is None or new is None:
            which = second.path.name if old is None else first.path.name
            rows.append([name, _shape(new if old is None else old), f"only in {which}", "", ""])
        elif not _equal(old, new):
            shape = _shape(old) if old.shape == new.shape else f"{_shape(old)} | {_shape(new)}"
            one, other = _aligned(old, new)
            fits = one.shape == other.shape
            found = _difference(one, other) if fits else ["other shape", "", ""]
            rows.append([name, shape, *found])
    return rows


def _aligned(old: Array, new: Array) -> tuple[Array, Array]:
    """The two in one shape, where one of them has the four axes of Caffe's oldest files."""
    return fit_legacy(old, new.shape), fit_legacy(new, old.shape)


def _difference(old: Array, new: Array) -> list[str]:
    gap = np.abs(np.subtract(new, old, dtype=np.float64))
    largest, scale = float(gap.max()), max(norm(old), norm(new))
    relative = norm(gap) / scale if scale else 0.0
    count = np.count_nonzero(old != new)
    return [f"{largest:.3g}", f"{relative:.2g}", f"{count:,} of {old.size:,}"]


def _equal(old: Array, new: Array | None) -> bool:
    """Bit for bit, so that NaN equals NaN and 0 does not equal -0."""
    if new is None:
        return False
    one, other = _aligned(old, new)
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _shape(array: Array | None) -> str:
    return "" if array is None else "x".join(map(str, array.shape)) or "scalar"
