"""The contract of update rules, and their registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

import numpy as np

from engine.kernels.onednn.elementwise import Passes
from engine.net.params import Segment
from engine.schema import SolverParameter
from engine.solver.updates.run import Run
from engine.solver.updates.whole.block import Block
from layers.blob import Array
from layers.errors import DemitasseError, did_you_mean
from layers.kernels.combine import combine

_rules: dict[str, type[UpdateRule]] = {}

RuleClass = TypeVar("RuleClass", bound="type[UpdateRule]")


class UpdateRule:
    """Turns gradients into steps.

    All the state of a rule is in its slots: arrays laid out like the parameters, that the
    solver keeps, snapshots (in this order, as Caffe does) and restores.

    A rule says ``decoupled = True`` when weights decay on their own, whatever the config says,
    and ``whole_runs = True`` when it needs its parameters whole, for their norms. What it computes
    may be said again, for the fast engine: for large nets by ``loop``, the name of its slots'
    class in :mod:`engine.kernels.loops.update_steps`, for others by ``passes``. Both take
    ``factors``, which differ from update to update and from segment to segment, the first of them
    what the weights' own decay leaves; loops take ``constants``, fields of the settings, before
    them.

    Args:
        param: the solver's settings.

    Raises:
        DemitasseError: a setting does not suit the rule.
    """

    type: ClassVar[str] = ""
    slots: ClassVar[tuple[str, ...]] = ()
    decoupled: ClassVar[bool] = False
    whole_runs: ClassVar[bool] = False
    loop: ClassVar[str] = ""
    factors: ClassVar[tuple[str, ...]] = ("keep", "share", "decay", "rate")
    constants: ClassVar[tuple[str, ...]] = ()

    def __init__(self, param: SolverParameter):
        self.param = param

    def regularise(self, run: Run, decay: float) -> None:
        """Adds the gradient of the penalty on large parameters, where there is one.

        g <- g + decay * w   (L2),   g <- g + decay * sign(w)   (L1)
        """
        if decay:
            add_penalty(run, self.param.regularization_type, decay, run.gradient)

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        """The step to be subtracted from the parameters.

        Args:
            run: a run of the parameters, its gradient regularised; its state is updated, and
                its gradient is the rule's to compute in.
            rate: the learning rate, lr_mult included.
            iteration: updates done before this one.

        Returns:
            the run's gradient, overwritten, or a part of its state.
        """
        raise NotImplementedError

    def passes(self, to: Passes, block: Block) -> None:
        """Adds the passes that update a block, L2 decay and the weights' own decay included.

        A rule without them is updated run by run, and so is one derived from a rule with them.
        """
        raise NotImplementedError

    def told(self, rate: float, share: float, decay: float, iteration: int) -> tuple[float, ...]:
        """The values of all ``factors`` but the first for an update.

        Args:
            rate: the learning rate, lr_mult included.
            share: of the gradient that counts.
            decay: of the weights, as a part of the gradient, which is share * g + decay * w.
            iteration: updates done before this one.
        """
        return share, decay, rate

    def factor_values(
        self, segment: Segment, rate: float, share: float, iteration: int
    ) -> tuple[float, ...]:
        """The values of ``factors`` for an update of a segment; ``rate`` without lr_mult."""
        pace = rate * segment.lr_mult
        decay = self.param.weight_decay * segment.decay_mult
        apart = self.param.decoupled_decay or self.decoupled
        told = self.told(pace, share, 0.0 if apart else decay, iteration)
        return 1 - pace * decay if apart else 1.0, *told

    def refuse(self, field: str, expected: str, hint: str = "") -> DemitasseError:
        """The error for a setting that does not suit the rule; the caller raises it."""
        value = getattr(self.param, field)
        shown = value if isinstance(value, str) else f"{value:g}"
        what = f"{self.type} cannot use {field}"
        return DemitasseError(what, field, shown, expected, hint, id="DM406")

    def check_share(self, field: str) -> None:
        """Checks that a setting which says how much to keep is below 1.

        Raises:
            DemitasseError: it is not.
        """
        if not 0 <= getattr(self.param, field) < 1:
            raise self.refuse(field, "a number from 0 up to, not including, 1")


def add_penalty(run: Run, kind: str, factor: float, target: Array) -> None:
    """target <- target + factor * w (L2), or + factor * sign(w) (L1)."""
    if kind == "L1":
        combine(factor, np.sign(run.values, out=run.scratch), 1, target)
    else:
        combine(factor, run.values, 1, target)


def register_solver(type_name: str) -> Callable[[RuleClass], RuleClass]:
    """Class decorator: makes the rule available as ``type: "type_name"`` of a solver."""

    def register(cls: RuleClass) -> RuleClass:
        cls.type = type_name
        _rules[type_name] = cls
        return cls

    return register


def find_rule(type_name: str) -> type[UpdateRule]:
    """The update rule of a name.

    Raises:
        DemitasseError: the type is unknown; the nearest known name is given.
    """
    rule = _rules.get(type_name)
    if rule is None:
        raise DemitasseError(
            f'unknown solver type "{type_name}"',
            "type",
            expected=", ".join(solver_types()),
            hint=did_you_mean(type_name, _rules),
            id="DM405",
        )
    return rule


def create_rule(param: SolverParameter) -> UpdateRule:
    """Makes the update rule that the solver's ``type`` names.

    Raises:
        DemitasseError: the type is unknown, or a setting does not suit it.
    """
    return find_rule(param.type)(param)


def solver_types() -> list[str]:
    """The names of all update rules, sorted."""
    return sorted(_rules)
