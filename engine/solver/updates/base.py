"""The contract of update rules, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from engine.schema import SolverParameter
from layers.blob import Array
from layers.errors import DemitasseError, did_you_mean

_rules: dict[str, type[UpdateRule]] = {}

RuleClass = TypeVar("RuleClass", bound="type[UpdateRule]")


class UpdateRule:
    """Turns gradients into steps.

    All the state of a rule is in its slots: arrays laid out like the parameters, that the
    solver keeps, snapshots (in this order, as Caffe does) and restores.

    Args:
        param: the solver's settings.

    Raises:
        DemitasseError: a setting does not suit the rule.
    """

    type: ClassVar[str] = ""
    slots: ClassVar[tuple[str, ...]] = ()

    def __init__(self, param: SolverParameter):
        self.param = param

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        """Overwrites ``gradient`` with the step to be subtracted from the parameters.

        Args:
            gradient: a run of the arena, regularised.
            state: the same run of each slot; updated in place.
            rate: the learning rate, lr_mult included.
            iteration: updates done before this one.
        """
        raise NotImplementedError

    def refuse(self, field: str, expected: str, hint: str = "") -> DemitasseError:
        """The error for a setting that does not suit the rule; the caller raises it."""
        value = getattr(self.param, field)
        return DemitasseError(
            f"{self.type} cannot use {field}", "solver", f"{value:g}", expected, hint
        )


def register_solver(type_name: str) -> Callable[[RuleClass], RuleClass]:
    """Class decorator: makes the rule available as ``type: "type_name"`` of a solver."""

    def register(cls: RuleClass) -> RuleClass:
        cls.type = type_name
        _rules[type_name] = cls
        return cls

    return register


def create_rule(param: SolverParameter) -> UpdateRule:
    """Makes the update rule that the solver's ``type`` names.

    Raises:
        DemitasseError: the type is unknown; the nearest known name is given.
    """
    rule = _rules.get(param.type)
    if rule is None:
        raise DemitasseError(
            f'unknown solver type "{param.type}"',
            "solver",
            expected=", ".join(solver_types()),
            hint=did_you_mean(param.type, _rules),
        )
    return rule(param)


def solver_types() -> list[str]:
    """The names of all update rules, sorted."""
    return sorted(_rules)
