"""Which layers a net has in a given state: the include and exclude rules."""

from __future__ import annotations

from engine.schema import LayerParameter, NetParameter, NetState, NetStateRule, Phase
from layers.errors import DemitasseError


def filter_layers(net: NetParameter) -> NetParameter:
    """A copy of the net with only the layers that its own state includes.

    Raises:
        DemitasseError: a layer has both include and exclude rules.
    """
    filtered = NetParameter()
    filtered.CopyFrom(net)
    del filtered.layer[:]
    filtered.layer.extend(layer for layer in net.layer if is_included(layer, net.state))
    return filtered


def is_included(layer: LayerParameter, state: NetState, strict: bool = True) -> bool:
    """Whether the state meets one of the include rules, or none of the exclude rules.

    Raises:
        DemitasseError: the layer has both; without ``strict`` only the include rules count then.
    """
    if strict and layer.include and layer.exclude:
        raise DemitasseError(
            "include and exclude rules cannot be mixed",
            f'layer "{layer.name}"',
            f"{len(layer.include)} include and {len(layer.exclude)} exclude",
            "only one of the two",
            id="DM207",
        )
    if layer.include:
        return any(meets(state, rule) for rule in layer.include)
    return not any(meets(state, rule) for rule in layer.exclude)


def meets(state: NetState, rule: NetStateRule) -> bool:
    """Whether every condition that the rule sets holds in the state."""
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and set(rule.stage) <= set(state.stage)
        and not set(rule.not_stage) & set(state.stage)
    )


def state_words(state: NetState) -> str:
    """The state as a person would say it: ``TEST, level 1, stages deploy``."""
    words = [Phase.Name(state.phase)]
    if state.level:
        words.append(f"level {state.level}")
    if state.stage:
        words.append("stages " + " ".join(state.stage))
    return ", ".join(words)
