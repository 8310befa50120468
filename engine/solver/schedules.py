"""Learning-rate policies (``lr_policy``), each a function of the iteration."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from engine.schema import SolverParameter

# Settings, iteration, and the drops of the rate so far.
Policy = Callable[[SolverParameter, int, int], float]

# Caffe computes rates in single precision. Where numbers near each other are subtracted, a rate
# differs in the sixth digit unless it is rounded at the same places.
_single = np.float32


def learning_rate(param: SolverParameter, iteration: int, plateau_drops: int = 0) -> float:
    """The learning rate of the update after ``iteration`` updates.

    In front of any policy, while iter < warmup_iter:
    warmup_start_lr + (policy at warmup_iter - warmup_start_lr) * iter / warmup_iter

    Args:
        param: the solver's settings.
        iteration: updates done before.
        plateau_drops: drops that the scores have led to; of the policy ``plateau``.
    """
    at = max(iteration, param.warmup_iter)
    rate = POLICIES[param.lr_policy](param, at, current_step(param, at, plateau_drops))
    if iteration >= param.warmup_iter:
        return rate
    start = param.warmup_start_lr
    return start + (rate - start) * iteration / param.warmup_iter


def current_step(param: SolverParameter, iteration: int, plateau_drops: int = 0) -> int:
    """How many drops of a step, multistep or plateau policy lie behind (0 for the others)."""
    if param.lr_policy == "step":
        return iteration // param.stepsize
    if param.lr_policy == "multistep":
        return sum(iteration >= value for value in param.stepvalue)
    return plateau_drops if param.lr_policy == "plateau" else 0


def fixed(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr"""
    return p.base_lr


def step(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr * gamma ^ floor(iter / stepsize)"""
    return p.base_lr * p.gamma**drops


def exp(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr * gamma ^ iter"""
    return p.base_lr * p.gamma**iteration


def inv(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr * (1 + gamma * iter) ^ -power"""
    return p.base_lr * float(_single(1 + p.gamma * iteration)) ** -p.power


def multistep(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr * gamma ^ (how many of the stepvalues are reached)"""
    return p.base_lr * p.gamma**drops


def poly(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr * (1 - iter / max_iter) ^ power"""
    rest = 1 - _single(_single(iteration) / _single(p.max_iter))
    return p.base_lr * max(0.0, float(rest)) ** p.power


def sigmoid(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr / (1 + exp(-gamma * (iter - stepsize)))"""
    exponent = -p.gamma * (iteration - p.stepsize)
    return p.base_lr / (1 + math.exp(min(exponent, 700.0)))


def cosine(p: SolverParameter, iteration: int, drops: int) -> float:
    """min_lr + (base_lr - min_lr) * (1 + cos(pi * iter / max_iter)) / 2"""
    return _anneal(p.base_lr, p.min_lr, iteration / p.max_iter)


def onecycle(p: SolverParameter, iteration: int, drops: int) -> float:
    """base_lr / start_divisor up to base_lr, then down to base_lr / start_divisor / final_divisor

    Both ways along half a cosine: up until iteration peak_at * max_iter - 1, down until
    max_iter - 1 (Smith & Topin 2017; PyTorch's OneCycleLR, which moves the momentum too).
    """
    start = p.base_lr / p.start_divisor
    peak, last = p.peak_at * p.max_iter - 1, p.max_iter - 1
    now = min(iteration, last)
    if now <= peak:
        return _anneal(start, p.base_lr, now / peak if peak else 1.0)
    return _anneal(p.base_lr, start / p.final_divisor, (now - peak) / (last - peak))


def plateau(p: SolverParameter, iteration: int, drops: int) -> float:
    """max(min_lr, base_lr * gamma ^ (how often `patience` tests passed without a better score))

    With ``plateau_winsize`` as in SSD's fork: a drop after so many iterations in which the
    averaged loss found no new minimum, one number for each drop.
    """
    return max(p.min_lr, p.base_lr * p.gamma**drops)


def _anneal(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine, ``share`` of the way."""
    return end + (start - end) * (1 + math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2


POLICIES: dict[str, Policy] = {
    function.__name__: function
    for function in (
        fixed,
        step,
        exp,
        inv,
        multistep,
        poly,
        sigmoid,
        cosine,
        onecycle,
        plateau,
    )
}


def formula(policy: str) -> str:
    """The formula of a policy: the first line of its description."""
    return (POLICIES[policy].__doc__ or "").splitlines()[0]
