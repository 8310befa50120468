"""Random numbers that are a pure function of what they are for."""

from __future__ import annotations

_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15  # the golden ratio's fraction: SplitMix64's step


class Draws:
    """A stream of random numbers that belongs to a key, such as (seed, epoch, sample).

    SplitMix64 in Python integers: setting one up costs a microsecond (a NumPy generator twenty),
    and its numbers are the same everywhere and in every version of NumPy.
    """

    __slots__ = ("_key", "_state")

    def __init__(self, *key: int):
        self._key = key
        self._state = -1  # mixed from the key only when something is drawn

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number from low up to, but not including, high."""
        return low + (high - low) * ((self._word() >> 11) * 2.0**-53)

    def integer(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return (self._word() * count) >> 64

    def beta(self, alpha: float) -> float:
        """A number from Beta(alpha, alpha), by Joehnk's method; for alpha up to about 4."""
        while True:
            one, two = (self.uniform() ** (1 / alpha) for _ in range(2))
            if 0 < one + two <= 1:
                return one / (one + two)

    def _word(self) -> int:
        if self._state < 0:
            self._state = 0
            for number in self._key:
                self._state = _mix((self._state + _GAMMA + int(number)) & _MASK)
        self._state = (self._state + _GAMMA) & _MASK
        return _mix(self._state)


def _mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)
