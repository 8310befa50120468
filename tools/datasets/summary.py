"""What is in a source: how many records, of which shapes, values and labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from layers.blob import Array
from layers.errors import DemitasseError
from tools.datasets.samples import BadSample, Sample

_TOGETHER = 64  # samples of one shape that are looked at in one go
_MOST_CHANNELS = 16  # more are features, not colours
_MOST_LABELS = 1000  # more are no classes


@dataclass
class Values:
    """Running figures over numbers; those that are infinite or NaN are only counted."""

    count: int = 0
    min: float = math.inf
    max: float = -math.inf
    total: float = 0.0
    squares: float = 0.0
    not_finite: int = 0

    def add(self, numbers: Array) -> None:
        """Takes in any number of numbers."""
        if numbers.dtype.kind == "f":
            good = np.isfinite(numbers)
            if not good.all():
                self.not_finite += int(numbers.size - np.count_nonzero(good))
                numbers = numbers[good]
        if not numbers.size:
            return
        wide = numbers.astype(np.float64).ravel()
        self.count += wide.size
        self.min = min(self.min, float(wide.min()))
        self.max = max(self.max, float(wide.max()))
        self.total += float(wide.sum())
        self.squares += float(np.square(wide, out=wide).sum())

    @property
    def mean(self) -> float:
        """The mean; NaN of no numbers."""
        return self.total / self.count if self.count else math.nan

    @property
    def std(self) -> float:
        """The standard deviation, of the whole and not of a sample."""
        if not self.count:
            return math.nan
        return math.sqrt(max(0.0, self.squares / self.count - self.mean**2))

    def facts(self) -> dict[str, Any]:
        """Its figures by name; None where there are no numbers."""
        found: dict[str, Any] = {
            name: getattr(self, name) if self.count else None
            for name in ("min", "max", "mean", "std")
        }
        return {**found, "not_finite": self.not_finite}


@dataclass
class Summary:
    """Figures over samples.

    Args:
        records: good ones.
        bad: those that are not, and why.
        shapes, dtypes, stored: how many samples have each.
        values: over all numbers.
        channels: over those of each channel of images, by the number of channels.
        labels: how many samples have each class; None where labels are no classes.
        label_values: over all labels.
        label_shapes: how many labels have each shape.
    """

    records: int = 0
    bad: list[BadSample] = field(default_factory=list)
    shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)
    dtypes: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    values: Values = field(default_factory=Values)
    channels: dict[int, list[Values]] = field(default_factory=dict)
    labels: Counter[float] | None = field(default_factory=Counter)
    label_values: Values = field(default_factory=Values)
    label_shapes: Counter[tuple[int, ...]] = field(default_factory=Counter)

    def take(self, samples: Iterable[Sample | BadSample]) -> Iterator[Sample | BadSample]:
        """Takes samples in and passes them on; complete when all have passed."""
        waiting: list[Array] = []
        for sample in samples:
            if isinstance(sample, BadSample):
                self.bad.append(sample)
            else:
                if waiting and (len(waiting) == _TOGETHER or _differ(waiting[0], sample.data)):
                    self._add(np.stack(waiting))
                    waiting = []
                waiting.append(sample.data)
                self._count(sample)
            yield sample
        if waiting:
            self._add(np.stack(waiting))

    def _count(self, sample: Sample) -> None:
        self.records += 1
        self.shapes[sample.data.shape] += 1
        self.dtypes[sample.data.dtype.name] += 1
        if sample.stored:
            self.stored[sample.stored] += 1
        if sample.label is None:
            return
        label = np.asarray(sample.label)
        self.label_shapes[label.shape] += 1
        self.label_values.add(label)
        if self.labels is not None and label.ndim == 0 and float(label).is_integer():
            self.labels[float(label)] += 1
            if len(self.labels) <= _MOST_LABELS:
                return
        self.labels = None

    def _add(self, stack: Array) -> None:
        if stack.ndim != 4 or stack.shape[1] > _MOST_CHANNELS:
            self.values.add(stack)
            return
        found = self.channels.setdefault(stack.shape[1], [Values() for _ in stack[0]])
        for number, values in enumerate(found):
            values.add(stack[:, number])

    def all_values(self) -> Values:
        """The figures over all numbers, those in channels included."""
        parts = [self.values, *(values for found in self.channels.values() for values in found)]
        return Values(
            sum(part.count for part in parts),
            min(part.min for part in parts),
            max(part.max for part in parts),
            sum(part.total for part in parts),
            sum(part.squares for part in parts),
            sum(part.not_finite for part in parts),
        )

    def facts(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {
            "records": self.records,
            "bad_records": [
                {"record": bad.record, "error": error_text(bad.problem)} for bad in self.bad
            ],
            "shapes": _counts(self.shapes, list),
            "dtypes": dict(self.dtypes),
            "stored": dict(self.stored),
            "values": self.all_values().facts(),
            "channels": {
                str(count): [values.facts() for values in found]
                for count, found in self.channels.items()
            },
            "labels": _histogram(self.labels) if self.label_shapes else None,
            "label_shapes": _counts(self.label_shapes, list),
            "label_values": self.label_values.facts() if self.label_shapes else None,
        }


def error_text(problem: DemitasseError) -> str:
    """An error in one line."""
    return str(problem).replace("\n ", ";")


def _differ(one: Array, other: Array) -> bool:
    return one.shape != other.shape or one.dtype != other.dtype


def _counts(counter: Mapping[Any, int], kind: Any) -> list[dict[str, Any]]:
    return [{"shape": kind(shape), "count": count} for shape, count in counter.items()]


def _histogram(labels: Counter[float] | None) -> dict[str, int] | None:
    return None if labels is None else {f"{label:.0f}": labels[label] for label in sorted(labels)}
