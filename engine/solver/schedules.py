"""Learning-rate policies (``lr_policy``), each a function of the iteration (Caffe's)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from engine.schema import SolverParameter
from layers.errors import DemitasseError, did_you_mean

Policy = Callable[[SolverParameter, int], float]

# Caffe computes rates in single precision. Where numbers near each other are subtracted, a rate
# differs in the sixth digit unless it is rounded at the same places.
_single = np.float32


def learning_rate(param: SolverParameter, iteration: int) -> float:
    """The learning rate of the update after ``iteration`` updates."""
    return POLICIES[param.lr_policy](param, iteration)


def current_step(param: SolverParameter, iteration: int) -> int:
    """How many drops of a step or multistep policy lie behind (0 for the other policies)."""
    if param.lr_policy == "step":
        return iteration // param.stepsize
    if param.lr_policy == "multistep":
        return sum(iteration >= value for value in param.stepvalue)
    return 0


def fixed(p: SolverParameter, iteration: int) -> float:
    """base_lr"""
    return p.base_lr


def step(p: SolverParameter, iteration: int) -> float:
    """base_lr * gamma ^ floor(iter / stepsize)"""
    return p.base_lr * p.gamma ** current_step(p, iteration)


def exp(p: SolverParameter, iteration: int) -> float:
    """base_lr * gamma ^ iter"""
    return p.base_lr * p.gamma**iteration


def inv(p: SolverParameter, iteration: int) -> float:
    """base_lr * (1 + gamma * iter) ^ -power"""
    return p.base_lr * float(_single(1 + p.gamma * iteration)) ** -p.power


def multistep(p: SolverParameter, iteration: int) -> float:
    """base_lr * gamma ^ (how many of the stepvalues are reached)"""
    return p.base_lr * p.gamma ** current_step(p, iteration)


def poly(p: SolverParameter, iteration: int) -> float:
    """base_lr * (1 - iter / max_iter) ^ power"""
    rest = 1 - _single(_single(iteration) / _single(p.max_iter))
    return p.base_lr * max(0.0, float(rest)) ** p.power


def sigmoid(p: SolverParameter, iteration: int) -> float:
    """base_lr / (1 + exp(-gamma * (iter - stepsize)))"""
    exponent = -p.gamma * (iteration - p.stepsize)
    return p.base_lr / (1 + math.exp(min(exponent, 700.0)))


POLICIES: dict[str, Policy] = {
    function.__name__: function for function in (fixed, step, exp, inv, multistep, poly, sigmoid)
}


def check_policy(param: SolverParameter) -> None:
    """Checks that the policy exists and has the settings it needs.

    Raises:
        DemitasseError: it does not.
    """
    policy = param.lr_policy
    if policy not in POLICIES:
        raise DemitasseError(
            f'unknown lr_policy "{policy}"' if policy else "lr_policy is missing",
            "solver",
            expected=", ".join(POLICIES),
            hint=did_you_mean(policy, POLICIES),
        )
    positive = {"step": "stepsize", "sigmoid": "stepsize", "poly": "max_iter"}.get(policy)
    if positive and getattr(param, positive) <= 0:
        raise DemitasseError(
            f'lr_policy "{policy}" needs {positive} above 0',
            "solver",
            str(getattr(param, positive)),
            hint=f'"{policy}" is {POLICIES[policy].__doc__}',
        )
    if policy != "fixed" and param.gamma < 0:
        raise DemitasseError(
            f'lr_policy "{policy}" needs gamma of 0 or more', "solver", f"{param.gamma:g}"
        )
    if list(param.stepvalue) != sorted(param.stepvalue):
        raise DemitasseError(
            "stepvalue must not decrease", "solver", ", ".join(map(str, param.stepvalue))
        )
