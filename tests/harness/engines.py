"""One net run by both engines, and what they make of it compared."""

from __future__ import annotations

import numpy as np
import pytest

from engine import TRAIN, Net
from engine.kernels.onednn.constants import BF16, F32
from engine.kernels.onednn.library import find_library
from engine.kernels.onednn.precision import has_bf16
from engine.net.fast_passes import VARIABLE
from engine.plan.operations import winograd
from engine.spec import parse_net

needs_onednn = pytest.mark.skipif(find_library() is None, reason="oneDNN is not installed")


needs_bf16 = pytest.mark.skipif(not has_bf16(), reason="the processor lacks AVX512_BF16, or oneDNN")


def pair(
    monkeypatch: pytest.MonkeyPatch, text: str, phase: int = TRAIN, fast_only: str = ""
) -> tuple[Net, Net]:
    """The net by its layers, and compiled, with the same parameters and inputs.

    Args:
        fast_only: goes before the net's text where it is compiled.
    """
    nets = []
    for engine, head in (("numpy", ""), ("onednn", fast_only)):
        monkeypatch.setenv(VARIABLE, engine)
        nets.append(Net(parse_net(head + text), phase=phase, seed=7))
    reference, fast = nets
    rng = np.random.default_rng(3)
    for name in reference.inputs:
        values = rng.normal(size=reference.blobs[name].shape)
        for net in nets:
            net.blobs[name].data = values
    fast.arena.data[...] = reference.arena.data
    return reference, fast


def always_winograd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the smallest convolutions go by Winograd's transforms, where their kernels allow it."""
    for name in ("_LEAST_WORK", "_FEWEST_MAPS", "_FEWEST_TILES"):
        monkeypatch.setattr(winograd, name, 0)
    monkeypatch.setattr(winograd, "_LARGEST_SHARE", np.inf)
    kinds = {(kernel, dtype): np.inf for kernel in (3, 5) for dtype in (F32, BF16)}
    monkeypatch.setattr(winograd, "_MOST_PAIRS", kinds)


def compared(reference: Net, fast: Net, noise: float = 1e-6) -> list[str]:
    """What differs by more than rounding: names of blobs and parameters.

    Args:
        noise: what an element may differ by, however small the array's values are.
    """
    shown = ("data", "diff") if fast.keep_gradients else ("data",)
    arrays = [
        (f"{name} {what}", getattr(reference.blobs[name], what), getattr(fast.blobs[name], what))
        for name in reference.blobs
        for what in shown
    ] + [
        (f"{layer}[{index}] {what}", getattr(blob, what), getattr(other, what))
        for layer, blobs in reference.params.items()
        for index, (blob, other) in enumerate(zip(blobs, fast.params[layer], strict=True))
        for what in ("data", "diff")
    ]
    return [name for name, one, other in arrays if not close(one, other, noise)]


def close(one: np.ndarray, other: np.ndarray, noise: float = 1e-6) -> bool:
    """Whether arrays agree but for the rounding of sums taken in another order."""
    scale = float(np.abs(one).max(initial=0))
    return bool(np.abs(one - other).max(initial=0) <= noise + 2e-4 * scale)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Of two arrays, relative to the first one's length."""
    return float(np.linalg.norm(one - other) / max(1e-3, np.linalg.norm(one)))


def kinds(fast: Net) -> list[str]:
    """The operations of the compiled net, by the names of their classes."""
    plan = fast.passes.fast.plan
    return [] if plan is None else [type(operation).__name__ for operation in plan.operations]
