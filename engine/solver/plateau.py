"""When the policy ``plateau`` lowers the learning rate: by test scores, or by the loss."""

from __future__ import annotations

import math

from engine.schema import SolverParameter
from engine.solver.parts import exact
from layers.base import State


class Plateau:
    """Counts the drops of the learning rate (PyTorch's and Keras' ReduceLROnPlateau).

    A drop after ``patience`` tests in a row without a better score; then the count begins
    again. With ``plateau_winsize``, SSD's form, tests do not count: the drop number k comes
    ``plateau_winsize[k]`` iterations after the last new minimum of the averaged loss, or
    after the last drop.

    Args:
        param: the solver's settings.
    """

    def __init__(self, param: SolverParameter):
        self._windows = list(param.plateau_winsize)
        self._patience = param.patience
        self.drops: int
        self._waited: int
        self._lowest: float
        self._event: int
        self.set_state({})

    def tested(self, better: bool) -> bool:
        """Takes in whether a test found a better score; returns whether the rate drops."""
        if self._windows:
            return False
        self._waited = 0 if better else self._waited + 1
        if self._waited < self._patience:
            return False
        self._waited = 0
        self.drops += 1
        return True

    def stepped(self, iteration: int, smoothed_loss: float) -> None:
        """Takes in the averaged loss of an iteration; before its learning rate is asked for."""
        if self.drops >= len(self._windows):
            return
        if smoothed_loss < self._lowest:
            self._lowest, self._event = smoothed_loss, iteration
        if iteration >= self._event + self._windows[self.drops]:
            self._event = iteration
            self.drops += 1

    def get_state(self) -> State:
        return {
            "drops": self.drops,
            "waited": self._waited,
            "lowest": exact(self._lowest),
            "event": self._event,
        }

    def set_state(self, state: State) -> None:
        self.drops = int(state.get("drops", 0))
        self._waited = int(state.get("waited", 0))
        self._lowest = float(state.get("lowest", math.inf))
        self._event = int(state.get("event", 0))
