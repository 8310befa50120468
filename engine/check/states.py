"""The states a net can be in, as its include rules tell them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.schema import Phase
from engine.spec import NetSpec


def in_state(spec: NetSpec, phase: Phase, stages: Iterable[str] = ()) -> NetSpec:
    """A copy of the net in a phase, and in further stages."""
    copy = spec.copy()
    copy.param.state.phase = phase
    copy.param.state.stage.extend(stages)
    return copy


def has_phase(spec: NetSpec, phase: Phase) -> bool:
    """Whether a layer is included in this phase by name."""
    rules = [rule for layer in spec.param.layer for rule in layer.include]
    return any(rule.HasField("phase") and rule.phase == phase for rule in rules)
