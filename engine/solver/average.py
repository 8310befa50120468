"""Average: an exponential moving average of all parameters (``ema_decay``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.errors import SnapshotError
from engine.net import Net, weights
from engine.snapshot.atomic import Transaction
from layers.base import State
from layers.blob import Array


class Average:
    """Averages the parameters over the updates.

    e <- d e + (1 - d) w  after every update;  e begins as the weights before the first

    d: ``ema_decay``, such as 0.999: a mean over some 1 / (1 - d) updates (Polyak & Juditsky
    1992; Tarvainen & Valpola, NeurIPS 2017). Statistics that are parameters, such as
    BatchNorm's, are averaged with the rest.

    Args:
        net: the net that is trained.
        decay: from 0 up to 1.
    """

    def __init__(self, net: Net, decay: float):
        self._net, self._decay = net, decay
        self._arena = net.arena
        self._values: Array | None = None
        self._scratch = self._arena.empty_slot()

    @property
    def begun(self) -> bool:
        """Whether there is an average yet; before the first update there is none."""
        return self._values is not None

    def begin(self) -> None:
        """Starts from the weights as they are, unless there is an average already."""
        if self._values is None:
            self._values = self._arena.data.copy()

    def update(self) -> None:
        """Takes in the weights after an update: one pass over the arena."""
        assert self._values is not None, "begin() comes first"
        np.subtract(self._arena.data, self._values, out=self._scratch)
        np.multiply(self._scratch, 1 - self._decay, out=self._scratch)
        self._values += self._scratch

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The net has the average for its parameters meanwhile."""
        if self._values is None:
            yield
            return
        np.copyto(self._scratch, self._arena.data)
        np.copyto(self._arena.data, self._values)
        try:
            yield
        finally:
            np.copyto(self._arena.data, self._scratch)

    def save(self, path: Path, files: Transaction | None = None) -> None:
        """Writes the net with the average as its parameters, as part of a transaction or alone."""
        with self.installed():
            weights.save(self._net, path, files=files)

    def get_state(self) -> State:
        if self._values is None:
            return {}
        # By parameter, as the place of each in the arena depends on the multipliers.
        views = self._arena.views(self._values, self._net.learnable)
        return {str(index): view for index, view in enumerate(views)}

    def set_state(self, state: State) -> None:
        if not state:
            self._values = None
            return
        values = self._arena.empty_slot()
        views = self._arena.views(values, self._net.learnable)
        if len(views) != len(state):
            raise SnapshotError(
                "it is of another net", got=f"{len(state)} arrays", expected=f"{len(views)}"
            )
        for index, view in enumerate(views):
            stored = np.asarray(state[str(index)])
            if stored.shape != view.shape:
                raise SnapshotError("it is of another net", got=f"shape {stored.shape}")
            view[...] = stored
        self._values = values
