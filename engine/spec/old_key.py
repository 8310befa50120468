"""``layers:`` written for ``layer:``: the old list's name with layers of today in it."""

from __future__ import annotations

from engine.errors import DemitasseError
from engine.schema import V1LayerParameter
from engine.spec.node import Entry, Mapping, Node, Sequence, text_of

_OLD_TYPES = set(V1LayerParameter.LayerType.keys())


def read_as_layer(net: Mapping, problems: list[DemitasseError]) -> Mapping:
    """A net's tree in which ``layers`` that holds layers of today is called ``layer``.

    Args:
        net: the tree, which is not changed.
        problems: gets an error where the name is the wrong one.
    """
    entries = [_renamed(entry, problems) for entry in net.entries]
    return Mapping(entries, net.location)


def _renamed(entry: Entry, problems: list[DemitasseError]) -> Entry:
    if entry.key != "layers" or not _of_today(entry.value):
        return entry
    if not any(problem.what == _WHAT for problem in problems):  # once is enough in prototxt
        where, hint = str(entry.location), "write `layer`: the types here are those of today"
        problems.append(DemitasseError(_WHAT, where, hint=hint, id="DM101"))
    return entry._replace(key="layer")


_WHAT = '"layers" is the list of the oldest Caffe, with types such as CONVOLUTION'


def _of_today(node: Node) -> bool:
    """Whether a layer in it has a type as they are called today, such as "Convolution"."""
    items = node.items if isinstance(node, Sequence) else [node]
    types = [text_of(item.get("type")) for item in items if isinstance(item, Mapping)]
    return any(kind and kind not in _OLD_TYPES for kind in types)
