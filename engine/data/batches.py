"""Batches: reads and transforms the samples that belong to a position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from engine.data.augment.mixup import Mixup
from engine.data.bad_records import BadRecords
from engine.data.draws import Draws
from engine.data.order import DataOrder, Slots
from engine.data.readers import Reader, Record
from engine.data.transformer import Shape, Transformer
from engine.errors import MissingDependency
from layers.blob import Array
from layers.errors import DemitasseError

_MIXUP_KEY = 0x4D49


class Cancelled(Exception):
    """Nobody wants the batch any more."""


class Batch(NamedTuple):
    """What the net takes at once.

    Args:
        arrays: one for each top.
        bad: the records that were passed over to fill it, with what is wrong with each.
    """

    arrays: list[Array]
    bad: dict[int, DemitasseError]


class Batches:
    """Makes the batch that starts at a position: a pure function of it, from any thread.

    Args:
        reader: gives records.
        order: says which records a batch holds.
        transformer: makes samples of them; None gives them as they are.
        dtype: of the batches.
        tops: how many arrays of a record are wanted.
        bad: what to do about bad records.

    Attributes:
        shapes: of a sample and of its labels, by the first good record.
    """

    def __init__(
        self,
        reader: Reader,
        order: DataOrder,
        transformer: Transformer | None,
        dtype: DTypeLike,
        tops: int,
        bad: BadRecords,
    ):
        self._reader, self._order, self._transformer = reader, order, transformer
        self._dtype, self._tops, self._bad = dtype, tops, bad
        self._mixup: Mixup | None = transformer.augmentation.mixup if transformer else None
        self.shapes: list[Shape] = []
        passed_over: dict[int, DemitasseError] = {}
        self.shapes = self._good(0, passed_over)[2]
        bad.count(passed_over)

    def make(
        self,
        position: int,
        recycled: Sequence[Array] = (),
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Batch:
        """The batch whose first sample is at a position.

        Args:
            position: of its first sample.
            recycled: arrays to write into, if they have the right shape.
            unwanted: asked between samples whether to stop.

        Raises:
            DemitasseError: a record is bad and not to be passed over, or too many are.
            Cancelled: the batch is unwanted.
        """
        slots = self._order.slots(position)
        if self._transformer is None or self._transformer.same_for_all:
            many = self._reader.read_many(slots.records)
            if many is not None:
                return Batch(self._at_once(many, recycled), {})
        return self._one_by_one(slots, recycled, unwanted)

    def _at_once(self, many: Record, recycled: Sequence[Array]) -> list[Array]:
        count = len(many[0])
        arrays = self._arrays(count, self.shapes, recycled)
        for number, (array, rows) in enumerate(zip(arrays, many, strict=False)):
            if number == 0 and self._transformer is not None:
                self._transformer.many(rows, array)
            else:
                # Straight into the batch: converts the bytes of a file to floats on the way.
                np.copyto(array, rows, casting="unsafe")
        return arrays

    def _one_by_one(
        self, slots: Slots, recycled: Sequence[Array], unwanted: Callable[[], bool]
    ) -> Batch:
        arrays: list[Array] = []
        bad: dict[int, DemitasseError] = {}
        for place, (epoch, record) in enumerate(zip(*slots, strict=True)):
            if unwanted():
                raise Cancelled
            # A batch of one may have a shape of its own, as in Caffe.
            number, values, shapes = self._good(int(record), bad, len(slots.records) == 1)
            arrays = arrays or self._arrays(len(slots.records), shapes, recycled)
            draws = Draws(self._order.seed, epoch, number)
            self._fill(values, draws, [array[place, ...] for array in arrays])
        if self._mixup is not None:
            keys = zip(*slots, strict=True)
            self._mixup(arrays, [Draws(self._order.seed, *key, _MIXUP_KEY) for key in keys])
        return Batch(arrays, bad)

    def _good(
        self, record: int, bad: dict[int, DemitasseError], any_shape: bool = False
    ) -> tuple[int, Record, list[Shape]]:
        """The number, the arrays and the shapes of a record, or of the next one that is good.

        Those on the way to it are added to ``bad``.

        Raises:
            DemitasseError: the record is bad and not to be passed over, or too many are.
        """
        number = record
        for _ in range(len(self._reader)):
            if (problem := self._bad.problem(number)) is None:
                try:
                    values = self._reader.read(number)
                    shapes = self._shapes_of(values)
                    if self.shapes and not any_shape and shapes != self.shapes:
                        _check_shapes(shapes, self.shapes)
                    return number, values, shapes
                except MissingDependency:
                    raise  # no fault of the record's
                except DemitasseError as found:
                    found.where = found.where or self._reader.where(number)
                    self._bad.keep(number, found)
                    problem = found
            bad[number] = problem
            self._bad.check(bad)
            number = self._reader.after(number)
        raise DemitasseError("no record of the source is good")

    def _shapes_of(self, values: Record) -> list[Shape]:
        """The shapes of a record as it will be in a batch."""
        shapes = [value.shape for value in values[: self._tops]]
        if self._transformer is not None:
            shapes[0] = self._transformer.output_shape(shapes[0])
        if self._mixup is not None:
            for label in values[1 : self._tops]:
                self._mixup.check_label(label)
            shapes[1:] = [self._mixup.label_shape(shape) for shape in shapes[1:]]
        if self.shapes and shapes[0][:1] != self.shapes[0][:1]:
            raise DemitasseError(
                "the record has another number of channels than the first one",
                got=f"shape {shapes[0]}",
                expected=f"shape {self.shapes[0]}",
            )
        return shapes

    def _fill(self, values: Record, draws: Draws, out: Sequence[Array]) -> None:
        """Writes a record as one sample of a batch."""
        if self._transformer is None:
            np.copyto(out[0], values[0], casting="unsafe")
        else:
            self._transformer.sample(values, draws, out[0])
        for label, into in zip(values[1:], out[1:], strict=False):
            if self._mixup is not None:
                self._mixup.spread(label, into)
            else:
                into[...] = label

    def _arrays(
        self, count: int, shapes: Sequence[Shape], recycled: Sequence[Array]
    ) -> list[Array]:
        """Arrays for a batch: those given, where they have the right shape."""
        wanted = [(count, *shape) for shape in shapes]
        if [array.shape for array in recycled] == wanted:
            return list(recycled)
        return [np.empty(shape, self._dtype) for shape in wanted]


def _check_shapes(shapes: Sequence[Shape], expected: Sequence[Shape]) -> None:
    for what, shape, wanted in zip(("record", *["label"] * 9), shapes, expected, strict=False):
        if shape != wanted:
            raise DemitasseError(
                f"the {what} has another shape than the first one",
                got=f"shape {shape}",
                expected=f"shape {wanted}",
                hint="all samples of a batch need one shape" if what == "record" else "",
            )
