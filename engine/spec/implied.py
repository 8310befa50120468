"""What a YAML net may leave out: the bottom that continues the chain, the top of its own name."""

from __future__ import annotations

from engine.spec.node import Entry, Kind, Mapping, Node, Scalar, Sequence, text_of

_NETS_OF_SOLVER = ("net_param", "train_net_param", "test_net_param")


def add_implied(net: Mapping) -> Mapping:
    """A copy of a net's tree with the bottoms and tops that its layers leave out.

    ``bottom`` left out means the first top of the layer before; ``top`` left out means the
    layer's own name. A layer type that takes no bottom or makes no top gets none, and one that
    takes several bottoms must name them. ``bottom: []`` says that there is none.
    """
    last_top: str | None = None
    entries = []
    for entry in net.entries:
        if entry.key != "layer":
            entries.append(entry)
            continue
        layers = entry.value.items if isinstance(entry.value, Sequence) else [entry.value]
        done: list[Node] = []
        for layer in layers:
            if isinstance(layer, Mapping):
                layer = complete(layer, last_top)
                last_top = next((text_of(top) for top in layer.get_all("top")), None) or last_top
            done.append(layer)
        entries.append(entry._replace(value=Sequence(done, entry.value.location)))
    return Mapping(entries, net.location)


def add_implied_to_solver(solver: Mapping) -> Mapping:
    """The same for the nets written inside a solver."""
    entries = []
    for entry in solver.entries:
        value = entry.value
        if entry.key in _NETS_OF_SOLVER:
            if isinstance(value, Mapping):
                value = add_implied(value)
            elif isinstance(value, Sequence):
                nets = [add_implied(n) if isinstance(n, Mapping) else n for n in value.items]
                value = Sequence(nets, value.location)
        entries.append(entry._replace(value=value))
    return Mapping(entries, solver.location, refused=solver.refused)


def implies(type_name: str) -> tuple[bool, bool]:
    """Whether a layer of this type gets a bottom, and a top, where they are left out."""
    from layers.registry import find_layer  # on use: the registry loads every layer

    cls = find_layer(type_name)
    if cls is None:  # another package's: a source, where its name says so
        return not type_name.endswith("Data"), True
    bottoms = (cls.exact_num_bottom, cls.max_bottom, cls.min_bottom)
    tops = (cls.exact_num_top, cls.max_top, cls.min_top)
    return _takes_one(*bottoms), _takes_one(*tops)


def _takes_one(exact: int | None, most: int | None, least: int | None) -> bool:
    return exact in (None, 1) and (most is None or most >= 1) and (least is None or least <= 1)


def complete(layer: Mapping, last_top: str | None) -> Mapping:
    """A layer with the bottom and top that it leaves out.

    Args:
        layer: the layer's tree, which is not changed.
        last_top: the blob that a missing bottom means.
    """
    keys = layer.keys()
    if "bottom" in keys and "top" in keys:
        return layer
    takes_bottom, makes_top = implies(text_of(layer.get("type")) or "")
    name = text_of(layer.get("name"))
    # A copy, because a YAML alias may stand for the same tree in several places.
    entries = list(layer.entries)
    if "bottom" not in keys and takes_bottom and last_top:
        entries.append(_entry("bottom", last_top, layer))
    if "top" not in keys and makes_top and name:
        entries.append(_entry("top", name, layer))
    return Mapping(entries, layer.location, layer.flawed)


def _entry(key: str, text: str, layer: Mapping) -> Entry:
    where = layer.location
    return Entry(key, where, Scalar(Kind.TEXT, text, text, where))
