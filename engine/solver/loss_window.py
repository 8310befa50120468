"""The smoothed loss: a mean over the last ``average_loss`` iterations."""

from __future__ import annotations


class LossWindow:
    """Running mean of the last ``size`` losses.

    Args:
        size: how many losses to average, at least 1.
    """

    def __init__(self, size: int):
        self._size = size
        self._recent: list[float] = []
        self._steps = 0

    def add(self, loss: float) -> float:
        """Takes in a loss and returns the mean of the window."""
        if len(self._recent) < self._size:
            self._recent.append(loss)
        else:
            self._recent[self._steps % self._size] = loss
        self._steps += 1
        return sum(self._recent) / len(self._recent)

    def get_state(self) -> tuple[list[float], int]:
        """The losses in the window and the number taken in so far."""
        return list(self._recent), self._steps

    def set_state(self, recent: list[float], steps: int) -> None:
        """Takes back what :meth:`get_state` gave; another window size keeps what fits."""
        self._recent, self._steps = recent[-self._size :], steps
        if len(recent) != self._size:
            self._steps = len(self._recent)
