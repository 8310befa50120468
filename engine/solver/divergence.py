"""What to say when a loss is no number any more."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from engine.errors import DemitasseError, DivergedError
from engine.net import Net
from layers.blob import Array, Blob

_HINT = "lower base_lr, or set clip_gradients; look for such values in the data"


def check_loss(net: Net, iteration: int, loss: float) -> None:
    """Costs nothing while the loss is a number.

    Raises:
        DivergedError: it is not; the message names the first layer that went wrong.
    """
    if math.isfinite(loss):
        return
    raise DivergedError(
        f"the loss of iteration {iteration} is {loss:g}: training has diverged",
        got=_first_top(net) or _first_gradient(net) or "every layer's top is finite",
        hint=_HINT,
    )


def parameters_diverged(net: Net, iterations: int) -> DivergedError:
    """The error for an update after which parameters are not finite; the caller raises it.

    The loss need not tell: where a ReLU or a maximum takes what is no number for a small one,
    it stays finite.
    """
    what = f"parameters are not finite after {_counted(iterations)}: training has diverged"
    return DivergedError(what, got=_first_top(net) or _first_parameter(net), hint=_HINT)


def check_state(net: Net, history: Iterable[Array], iteration: int) -> None:
    """Checks parameters and the update rule's history before they are saved.

    Raises:
        DivergedError: some are not finite.
    """
    if _finite([net.arena.data, *history]):
        return
    raise DivergedError(
        f"parameters are not finite after {_counted(iteration)}: no snapshot is written",
        got=_first_parameter(net) or "the history",
        hint=_HINT,
    )


def _first_parameter(net: Net) -> str:
    """The first layer in backward order with a bad gradient, or the first with a parameter."""
    # What the gradients were, as the update wrote its steps over them, tells as much.
    first = next((p for p in net.learnable if not _finite([p.blob.data])), None)
    return _first_gradient(net) or (
        f'layer "{first.layer}", parameter {first.index}' if first else ""
    )


def _first_top(net: Net) -> str:
    """The first layer in forward order with a top that is not finite."""
    for node in net.nodes:
        for blob in node.top:
            if not _finite([blob.data]):
                cause = ""
                if not _finite(param.data for param in node.layer.blobs):
                    cause = ", whose parameters are not finite: the update before was too large"
                return f'top "{blob.name}" of layer "{node.layer.name}"{cause}'
    return ""


def _first_gradient(net: Net) -> str:
    """The first layer in backward order with a gradient that is not finite."""
    for node in reversed(net.nodes):
        if not node.need_backward:
            continue
        below = zip(node.bottom, node.propagate_down, strict=True)
        diffs = [diff for blob, wanted in below if wanted for diff in _kept(blob)]
        if not _finite([*diffs, *(param.diff for param in node.layer.blobs)]):
            return f'gradient of layer "{node.layer.name}"'
    return ""


def _kept(blob: Blob) -> list[Array]:
    """The gradient of a blob, unless its memory has been used for others since."""
    try:
        return [blob.diff]
    except DemitasseError:
        return []


def _counted(iterations: int) -> str:
    return "1 iteration" if iterations == 1 else f"{iterations} iterations"


def _finite(arrays: Iterable[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)
