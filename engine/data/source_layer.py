"""SourceLayer: what layers that read samples from files have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from layers.base import Layer, State
from layers.blob import Blob
from layers.errors import DemitasseError, LayerError


class SourceLayer(Layer):
    """Gives the net its samples: no bottoms, a batch of samples on the tops.

    The only state is ``position``, the number of samples given so far; which samples a batch
    holds follows from it. A snapshot stores it; one of Caffe's has none, so there the solver
    calls ``seek(iter * iter_size * batch_size)``.

    A subclass sets ``batch_size`` and ``sample_count`` in setup, and adds ``batch_size`` to
    ``position`` in each forward.
    """

    exact_num_bottom = 0
    min_top = 1

    batch_size: int = 0
    sample_count: int = 0
    position: int = 0

    def seek(self, position: int) -> None:
        """The next forward gives the samples from ``position`` on, counted from the start.

        Raises:
            LayerError: the position is negative.
        """
        if position < 0:
            raise self.error("cannot seek to before the first sample", position, "0 or more")
        self.position = int(position)

    def get_state(self) -> State:
        return {"position": self.position}

    def set_state(self, state: State) -> None:
        position = state.get("position")
        if position is None or isinstance(position, str):
            raise self.error(
                "cannot resume: the snapshot has no data position for it",
                got=", ".join(state) or "nothing",
                expected="position",
            )
        self.seek(int(position))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Nothing is below a source, so there is nothing to do."""

    def check_source(self, source: str, batch_size: int, param: str) -> None:
        """Takes over ``batch_size``.

        Raises:
            LayerError: no source is named, or batch_size is 0.
        """
        if not source:
            raise self.error(f"needs {param}.source, the file to read")
        if batch_size < 1:
            raise self.error(f"needs {param}.batch_size above 0", batch_size)
        self.batch_size = batch_size

    def find_file(self, name: str) -> Path:
        """The path of a file that the config names.

        Raises:
            LayerError: there is no such file.
        """
        try:
            path = Path(self.context.find_file(name))
        except DemitasseError as problem:
            raise self.named(problem) from problem
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise self.error(f'source "{name}" {what}', path.absolute())
        return path

    def named(self, problem: DemitasseError) -> LayerError:
        """The same problem as a LayerError that names this layer besides the file."""
        what = f"{problem.where}: {problem.what}" if problem.where else problem.what
        return self.error(what, problem.got, problem.expected, problem.hint)
