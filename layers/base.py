"""The layer contract, in Caffe's words: setup, reshape, forward, backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from layers.blob import Array, Blob
from layers.errors import LayerError
from layers.fillers import fill

TRAIN, TEST = 0, 1

State = Mapping[str, "int | str | Array"]


def _no_reader(name: str) -> Array:
    raise LayerError(f'cannot read "{name}": this net was built without a reader of blobs')


@dataclass
class LayerContext:
    """What a layer may know of the world outside it.

    Args:
        phase: TRAIN or TEST.
        dtype: of all blobs; float64 for gradient checks.
        rng: the net's random generator (fillers, dropout).
        find_file: turns a file name written in a config into a path.
        allow_code: whether a config may name Python code to run.
        read_blob: reads the array in a binaryproto file that a config names.
        folder: of the config; None where it did not come from a file.
        draws: whether parameters get their first values; to see shapes alone none are needed.
    """

    phase: int = TEST
    dtype: DTypeLike = np.float32
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    find_file: Callable[[str], Path] = Path
    allow_code: bool = False
    read_blob: Callable[[str], Array] = _no_reader
    folder: Path | None = None
    draws: bool = True


class Layer:
    """One node of a net: computes its tops from its bottoms, and gradients the other way.

    A subclass declares how many blobs it takes and makes, and defines the four methods.
    ``forward`` overwrites ``top.data``. ``backward`` overwrites ``bottom.diff`` where
    ``propagate_down`` says so, and *adds to* the diffs of its parameters (``self.blobs``)
    where ``param_propagate_down`` says so, so that gradients of shared parameters and of
    several passes add up. A layer with ``runs_in_place`` may get one Blob as bottom and top.
    """

    type: ClassVar[str] = ""
    engine: ClassVar[str] = "NUMPY"
    exact_num_bottom: ClassVar[int | None] = None
    min_bottom: ClassVar[int | None] = None
    max_bottom: ClassVar[int | None] = None
    exact_num_top: ClassVar[int | None] = None
    min_top: ClassVar[int | None] = None
    max_top: ClassVar[int | None] = None
    equal_num_bottom_top: ClassVar[bool] = False
    auto_top: ClassVar[bool] = False
    runs_in_place: ClassVar[bool] = False

    def __init__(self, layer_param: Any, context: LayerContext):
        self.layer_param = layer_param
        self.context = context
        self.name: str = layer_param.name
        self.phase = context.phase
        self.blobs: list[Blob] = []
        self.param_propagate_down: list[bool] = []

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Checks the parameters and makes ``self.blobs``. Runs once."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Gives the tops their shapes. Runs after setup and whenever a bottom changes shape."""
        raise NotImplementedError

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Computes ``top.data`` from ``bottom.data``."""
        raise NotImplementedError

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Computes ``bottom.diff`` and adds to the parameters' diffs, from ``top.diff``."""
        if any(propagate_down):
            raise self.error("has no derivative, so nothing below it can be trained")

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Whether ``force_backward`` applies to this bottom (not to labels and indices)."""
        return True

    def default_loss_weight(self, top_index: int) -> float:
        """The loss weight of a top for which the config gives none."""
        return 0.0

    def close(self) -> None:
        """Completes what it writes, and lets go of files and threads."""

    def get_state(self) -> State:
        """What, besides the parameters, an exact resume needs to carry on from here."""
        return {}

    def set_state(self, state: State) -> None:
        """Takes back what :meth:`get_state` gave."""

    def add_blob(self, shape: tuple[int, ...], filler: Any = None) -> Blob:
        """Appends a parameter, filled as the FillerParameter says (zeros without one)."""
        blob = Blob(shape, f"{self.name}[{len(self.blobs)}]", self.context.dtype)
        if filler is not None:
            # Where no values are wanted, a corner tells as well whether the filler suits the shape.
            corner = tuple(min(length, 8) for length in shape)
            values = blob.data if self.context.draws else np.zeros(corner, blob.dtype)
            try:
                fill(values, filler, self.context.rng)
            except ValueError as problem:
                field = self._field_of(filler)
                raise self.error(f"{field}: {problem}" if field else str(problem)) from problem
        self.blobs.append(blob)
        self.param_propagate_down.append(True)
        return blob

    def _field_of(self, filler: Any) -> str:
        """Where the config gives a filler, such as ``convolution_param.weight_filler``."""
        for group, options in self.layer_param.ListFields():
            for option, value in options.ListFields() if hasattr(options, "ListFields") else ():
                if value is filler or value == filler:
                    return f"{group.name}.{option.name}"
        return ""

    def error(
        self, what: str, got: object = "", expected: object = "", hint: str = "", id: str = ""
    ) -> LayerError:
        """A LayerError that names this layer; the caller raises it."""
        where = f'layer "{self.name}" ({self.type})'
        return LayerError(what, where, str(got), str(expected), hint, id)

    def axis(self, blob: Blob, axis: int, field: str = "axis") -> int:
        """The axis counted from the front; a negative one counts from the end.

        Raises:
            LayerError: the blob has no such axis.
        """
        if not -blob.num_axes <= axis < blob.num_axes:
            raise self.error(
                f'bottom "{blob.name}" of shape {blob.shape} has no {field} {axis}',
                expected=f"{-blob.num_axes} to {blob.num_axes - 1}",
            )
        return axis % blob.num_axes

    def refuse_in_place(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Raises a LayerError when a top is also a bottom."""
        for blob in top:
            if any(blob is other for other in bottom):
                raise self.error(
                    f'cannot run in place on "{blob.name}"',
                    hint="give its top another name",
                    id="DM206",
                )

    def check_blob_counts(self, num_bottom: int, num_top: int) -> None:
        """Compares the numbers of bottoms and tops with what the class declares.

        Raises:
            LayerError: too few or too many.
        """
        for kind, found in (("bottom", num_bottom), ("top", num_top)):
            exact = getattr(self, f"exact_num_{kind}")
            least, most = getattr(self, f"min_{kind}"), getattr(self, f"max_{kind}")
            if exact is not None:
                least = most = exact
            if (least is not None and found < least) or (most is not None and found > most):
                what = f"has the wrong number of {kind}s"
                hint = f"`demitasse layers {self.type}` says what it takes and makes"
                raise self.error(what, found, count_words(least, most), hint, "DM205")
        if self.equal_num_bottom_top and num_bottom != num_top:
            given = f"{num_bottom} bottoms, {num_top} tops"
            raise self.error("must have one top for each bottom", given, id="DM205")


def count_words(least: int | None, most: int | None) -> str:
    """A count range in words: ``2``, ``at least 1``, ``at most 2`` or ``1 to 3``."""
    if least == most:
        return str(least)
    if most is None:
        return f"at least {least}"
    return f"{least} to {most}" if least is not None else f"at most {most}"


class NeuronLayer(Layer):
    """Works element by element: one bottom, one top of the same shape, in place if wished."""

    exact_num_bottom = 1
    exact_num_top = 1
    runs_in_place = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape(*bottom[0].shape)


class LossLayer(Layer):
    """Compares predictions (bottom 0) with targets (bottom 1); its first top is the loss.

    As in Caffe the config may leave the top out: the loss then counts without a name.
    """

    exact_num_bottom = 2
    exact_num_top = 1
    auto_top = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].shape[:1] != bottom[1].shape[:1]:
            raise self.error(
                f'"{bottom[0].name}" and "{bottom[1].name}" must agree in the first axis',
                got=f"{bottom[0].shape} and {bottom[1].shape}",
            )
        top[0].reshape()

    def default_loss_weight(self, top_index: int) -> float:
        return 1.0 if top_index == 0 else 0.0

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != 1
