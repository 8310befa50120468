"""Central differences, and how they compare with the derivatives that backward computed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from layers.blob import Array

STEP = 1e-5
FAR, NEAR = 1e-3, 1e-6  # of a second look: less round-off, or fewer kinks in between
TOLERANCE = 1e-6
ROUND_OFF = 1e-9  # of a central difference, where the tops are of size 1

Objective = Callable[[], float]


def numerical_gradient(
    objective: Objective, values: Array, places: Array | None = None, step: float = STEP
) -> Array:
    """Central differences of the objective by elements of ``values``.

    Args:
        objective: what is differentiated; reads ``values``.
        values: the variable, a contiguous array; left as it was.
        places: flat indices of the elements, all of them without it.
        step: how far each element is moved, up and down.

    Returns:
        the derivatives, one for each place; in the shape of ``values`` without places.
    """
    flat = values.reshape(-1)
    wanted = np.arange(flat.size) if places is None else places
    out = np.zeros(len(wanted))
    for index, place in enumerate(wanted):
        above, below = (_moved(objective, flat, place, side) for side in (step, -step))
        out[index] = (above - below) / (2 * step)
    return out.reshape(values.shape) if places is None else out


def _moved(objective: Objective, flat: Array, place: int, by: float) -> float:
    value = flat[place]
    flat[place] = value + by
    result = objective()
    flat[place] = value
    return result


@dataclass
class Variable:
    """Something to differentiate by.

    Args:
        name: what to call it, such as ``bottom "data"``.
        values: the array that the objective reads.
        analytic: the gradient by it that backward computed.
    """

    name: str
    values: Array
    analytic: Array


@dataclass
class Comparison:
    """The two gradients by some elements of one variable.

    Args:
        layer, type: the layer's name and type.
        variable: what was differentiated by.
        places: flat indices of the elements.
        numeric: the numerical derivatives there.
        tolerance: on the relative error.
        noise: the round-off in the numerical derivatives.
        kinks: which elements sit at a kink, where every slope between left and right will do.
        seconds: what the numerical derivatives took.
    """

    layer: str
    type: str
    variable: Variable
    places: Array
    numeric: Array
    tolerance: float
    noise: float
    kinks: Array
    seconds: float = 0.0

    @property
    def analytic(self) -> Array:
        """What backward computed for the elements."""
        return self.variable.analytic.reshape(-1)[self.places]

    @property
    def errors(self) -> Array:
        """The differences relative to the largest derivative (of all elements of the variable).

        Where all derivatives vanish in the round-off, relative to what is above it.
        """
        largest = float(np.abs(self.numeric).max(initial=0))
        scale = max(largest, self.noise / self.tolerance)
        errors: Array = np.abs(self.analytic - self.numeric) / scale
        errors[self.kinks] = 0
        # A derivative that is no number is wrong however large the others are.
        errors[np.isnan(errors)] = np.inf
        return errors

    @property
    def worst(self) -> int:
        """Which of the elements differs most."""
        return int(np.argmax(self.errors))

    @property
    def error(self) -> float:
        """The largest relative error."""
        return float(self.errors[self.worst]) if len(self.places) else 0.0

    @property
    def passed(self) -> bool:
        """Whether the derivatives agree."""
        return self.error <= self.tolerance

    @property
    def worst_place(self) -> tuple[int, ...]:
        """The indices of the element that differs most."""
        place = np.unravel_index(self.places[self.worst], self.variable.values.shape)
        return tuple(int(index) for index in place)


def choose_places(count: int, most: int | None) -> Array:
    """The flat indices of all elements, or of ``most`` of them, drawn at random."""
    if most is None or count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(count).choice(count, most, replace=False))


def compare_variable(
    objective: Objective,
    variable: Variable,
    places: Array,
    tolerance: float,
    noise: float,
    many_kinks: bool = False,
) -> Comparison:
    """Differentiates numerically, and looks again where the two disagree.

    From further away, as large tops summed over many elements may leave more round-off than the
    noise allows for; and from closer, as there may be a kink nearby.

    Args:
        objective: what is differentiated; reads the variable's values.
        variable: by what.
        places: flat indices of the elements.
        tolerance: on the relative error.
        noise: the round-off in the numerical derivatives.
        many_kinks: whether kinks may meet at one place, some bent up and some down, as in a
            whole net: the right slope need not lie between left and right one there.
    """
    start = time.perf_counter()
    numeric = numerical_gradient(objective, variable.values, places)
    seconds = time.perf_counter() - start
    kinks = np.zeros(len(places), bool)
    found = Comparison("", "", variable, places, numeric, tolerance, noise, kinks, seconds)
    for index in np.flatnonzero(found.errors > tolerance):
        place, first = places[index : index + 1], numeric[index]
        for step in (FAR, NEAR):
            numeric[index] = numerical_gradient(objective, variable.values, place, step)[0]
            if found.errors[index] <= tolerance:
                break
        else:
            numeric[index] = first
            kinks[index] = _at_kink(objective, variable, places[index], noise, many_kinks)
    return found


def _at_kink(
    objective: Objective, variable: Variable, place: int, noise: float, many_kinks: bool
) -> bool:
    """Whether the slopes on the two sides differ, with the analytic derivative among them."""
    flat, here = variable.values.reshape(-1), objective()

    def slopes(step: float) -> tuple[float, float]:
        left = (here - _moved(objective, flat, place, -step)) / step
        right = (_moved(objective, flat, place, step) - here) / step
        return min(left, right), max(left, right)

    if many_kinks:
        # A kink bends from close by as much as from afar, a smooth curve in proportion.
        far, near = (high - low for low, high in map(slopes, (STEP, NEAR)))
        return near > max(0.5 * far, 2 * noise * STEP / NEAR)
    for step in (STEP, STEP / 100):
        low, high = slopes(step)
        # On a smooth curve the two differ by the step times the curvature.
        slack = noise * STEP / step + 1e-3 * (high - low)
        bent = high - low > 1e-3 * max(abs(low), abs(high)) + 100 * slack
        if bent and low - slack <= variable.analytic.reshape(-1)[place] <= high + slack:
            return True
    return False
