"""In-place layers given tops of their own, so that the values below them can be drawn too."""

from __future__ import annotations

from engine.schema import NetParameter, NetState
from engine.spec.filter import is_included


def out_of_place(param: NetParameter, state: NetState) -> None:
    """Renames the tops of in-place layers, and what later layers read with them.

    Args:
        param: the net, changed where it is; every layer names its bottoms and tops.
        state: says which layers take part.

    Raises:
        DemitasseError: a layer has both include and exclude rules.
    """
    taken = {top for layer in param.layer for top in layer.top}
    latest: dict[str, str] = {}  # a blob -> the name of what was made of it last
    for layer in param.layer:
        if not is_included(layer, state):
            continue
        in_place = set(layer.bottom) & set(layer.top)
        layer.bottom[:] = [latest.get(name, name) for name in layer.bottom]
        for index, top in enumerate(layer.top):
            if top in in_place:
                latest[top] = layer.top[index] = _free(layer.name, taken)
            else:
                latest.pop(top, None)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a dash for each blob that has it already."""
    while name in taken:
        name += "'"
    taken.add(name)
    return name
