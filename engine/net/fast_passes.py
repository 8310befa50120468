"""Which engine runs a net's passes: its layers one by one, or a plan compiled from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.kernels.onednn.library import find_library
from engine.kernels.onednn.precision import has_bf16
from engine.net.gradient_flow import Node
from layers.errors import DemitasseError

if TYPE_CHECKING:
    from engine.plan import Plan

VARIABLE = "DEMITASSE_ENGINE"
ENGINES = ("default", "numpy", "onednn")


def choose_engine(name: str) -> None:
    """Sets ``DEMITASSE_ENGINE``, for this process and those it starts."""
    os.environ[VARIABLE] = name


def fast_engine() -> bool:
    """Whether nets are compiled for oneDNN: as ``DEMITASSE_ENGINE`` says, else if it is there.

    Raises:
        DemitasseError: the variable holds no engine's name, or one that is not installed.
    """
    wanted = os.environ.get(VARIABLE, "").lower() or "default"
    if wanted not in ENGINES:
        raise DemitasseError(f"{VARIABLE} names no engine", got=wanted, expected=", ".join(ENGINES))
    if wanted == "numpy":
        return False
    found = find_library() is not None
    if wanted == "onednn" and not found:
        raise DemitasseError(
            "the engine onednn is asked for, but oneDNN is not installed",
            f"--engine or {VARIABLE}",
            hint="pip install 'demitasse[fast]'",
        )
    return found


def need_bf16() -> None:
    """Returns where nets can compute with bfloat16.

    Raises:
        DemitasseError: that needs oneDNN, and a processor that multiplies such numbers.
    """
    hint = "leave precision out, or --set net.precision=FP32"
    if find_library() is None:
        got, hint = "no oneDNN", f"pip install 'demitasse[fast]'; or {hint}"
    elif not fast_engine():
        got = "the NumPy engine"
    elif not has_bf16():
        got = "a processor without AVX512_BF16"
    else:
        return
    raise DemitasseError(
        "precision: BF16 needs oneDNN and a processor with AVX512_BF16", got=got, hint=hint
    )


class FastPasses:
    """Runs whole passes by a plan, and knows when the layers themselves must take over.

    A plan is compiled for the shapes of the net. Who runs a net in parts needs what each
    layer keeps between its passes, which a plan does not; so the first partial pass ends it,
    and the layers compute once more what the plan has computed.

    Args:
        nodes: of the net, in order.
        dtype: of the blobs; there are plans for float32 only.
        bf16: whether layers are to compute with bfloat16, as the net's ``precision`` asks.

    Attributes:
        keep_gradients: whether the gradients of blobs last after the backward pass (True); set
            before the first pass.
    """

    def __init__(self, nodes: Sequence[Node], dtype: np.dtype, bf16: bool = False):
        self._nodes = nodes
        self._wanted = dtype == np.float32 and fast_engine()
        self._bf16 = bf16 and dtype == np.float32
        self.keep_gradients = True
        self._plan: Plan | None = None
        self._has_run = False

    @property
    def plan(self) -> Plan | None:
        """The plan, once a pass has been compiled."""
        return self._plan

    def forward(self, follow: Callable[[], None]) -> int:
        """Runs the forward pass as far as the plan does.

        Args:
            follow: infers the shapes that have changed, before a plan is compiled for them.

        Returns:
            the position of the layer to go on from; the number of layers when all have run.

        Raises:
            DemitasseError: bfloat16 is wanted, and not to be had here.
        """
        self._has_run = False
        if self._bf16:
            need_bf16()
        if not self._wanted:
            return 0
        from engine.plan import compile_plan
        from engine.plan.operations.reference import ShapeChanged

        if self._plan is None or not self._plan.fits():
            self._leave()
            follow()
            self._plan = compile_plan(self._nodes, self._bf16, self.keep_gradients)
        try:
            self._plan.forward()
        except ShapeChanged as change:
            self._has_run = change.position >= self._plan.tail
            if not self._has_run:
                self._leave(change.position + 1)
            return change.position + 1
        self._has_run = True
        return len(self._nodes)

    def backward(self, fresh: bool) -> bool:
        """Runs the backward pass, if the forward pass before it was the plan's."""
        if self._has_run and self._plan is not None and self._plan.was_forked():
            self._leave(len(self._nodes))
        if not self._has_run or self._plan is None:
            return False
        self._plan.backward(fresh)
        return True

    def stop(self) -> None:
        """From now on the layers run; they catch up on what the plan has computed."""
        # A blob that was reshaped since does not hold what a layer worked on.
        ran = self._has_run and self._plan is not None and self._plan.has_shapes()
        self._has_run = self._wanted = False
        self._leave(len(self._nodes) if ran else 0)

    def _leave(self, ran: int = 0) -> None:
        """Drops the plan; the layers are to go on after so many that have run."""
        if self._plan is not None:
            self._plan.leave(ran)
            self._plan = None
