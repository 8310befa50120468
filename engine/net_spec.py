"""Nets written in Python, as with pycaffe's NetSpec.

>>> from engine import NetSpec, layers as L, params as P
>>> n = NetSpec()
>>> n.data, n.label = L.DummyData(shape=[dict(dim=[8, 1, 28, 28]), dict(dim=[8])], ntop=2)
>>> n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
>>> n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
>>> n.relu1 = L.ReLU(n.pool1, in_place=True)
>>> n.loss = L.SoftmaxWithLoss(n.relu1, n.label)
>>> print(n.to_proto())                     # prototxt; Net(n) builds it

``engine.layers`` and ``engine.params`` are the two factories below, named as in pycaffe; the
package ``layers`` with the layers' code is another thing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping as Named
from typing import Any

import numpy as np

from engine import schema
from engine.errors import ConfigError, DemitasseError, did_you_mean
from engine.spec.bind import bind
from engine.spec.fields import fields_of, own_param
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence

__all__ = ["NetSpec", "Top", "layers", "params", "to_proto"]


class Top:
    """A blob that a layer makes: what other layers are given.

    Args:
        made_by: the layer.
        index: which of its tops.
    """

    def __init__(self, made_by: Call, index: int):
        self.made_by, self.index = made_by, index

    @property
    def fn(self) -> Call:
        """The layer, by pycaffe's name."""
        return self.made_by

    @property
    def n(self) -> int:
        """Which of its tops, by pycaffe's name."""
        return self.index

    def to_proto(self) -> schema.NetParameter:
        """The net that makes this blob, its layers named by their types."""
        return to_proto(self)


class Call:
    """One layer as written: ``L.Convolution(bottom, kernel_size=5)``.

    Args:
        type_name: the layer's type.
        inputs: its bottoms.
        options: its parameters; ``ntop`` and ``in_place`` among them are for the spec.
        where: the line of Python that says so.
    """

    def __init__(
        self, type_name: str, inputs: tuple[Any, ...], options: dict[str, Any], where: str
    ):
        self.type_name, self.inputs, self.where = type_name, inputs, where
        self.in_place = bool(options.pop("in_place", False))
        count = options.pop("ntop", 1)
        self.options = self.params = options  # the second is pycaffe's name
        for position, given in enumerate(inputs):
            if not isinstance(given, Top):
                raise DemitasseError(
                    f"bottom {position + 1} of L.{type_name} is not the top of a layer",
                    where,
                    got=f"{given!r} ({type(given).__name__})",
                    expected="such as n.conv1; a layer of several tops gives a tuple of them",
                )
        if self.in_place and (count != 1 or not inputs):
            raise DemitasseError(
                f"L.{type_name} cannot run in place",
                where,
                got=f"{len(inputs)} bottoms and {count} tops",
                expected="a bottom, which is the one top as well",
            )
        self.tops = tuple(Top(self, index) for index in range(count))


class NetSpec:
    """A net by its blobs: ``n.conv1 = L.Convolution(...)`` names a top, and so its layer."""

    def __init__(self) -> None:
        super().__setattr__("tops", {})

    tops: dict[str, Top | Call]

    def __setattr__(self, name: str, top: Top | Call) -> None:
        if not isinstance(top, Top | Call):
            raise DemitasseError(
                f'"{name}" of a NetSpec is to be a layer\'s top',
                got=f"{top!r} ({type(top).__name__})",
                expected="such as L.ReLU(n.conv1)",
                hint=f"n.a, n.b = ... names {len(top)} tops" if isinstance(top, tuple) else "",
            )
        self.tops[name] = top

    def __getattr__(self, name: str) -> Any:
        if name in self.tops:
            return self.tops[name]
        raise AttributeError(
            f'the net has no "{name}" yet. {did_you_mean(name, self.tops)}'.strip()
        )

    def __delattr__(self, name: str) -> None:
        del self.tops[name]

    def update(self, *tops: Any, **named: Top | Call) -> None:
        """Names several tops at once, as a dictionary takes entries: ``n.update({"a": top})``."""
        for name, top in dict(*tops, **named).items():
            setattr(self, name, top)

    def __setitem__(self, name: str, top: Top | Call) -> None:
        setattr(self, name, top)

    def __getitem__(self, name: str) -> Any:
        return self.tops[name]

    def __delitem__(self, name: str) -> None:
        del self.tops[name]

    def __contains__(self, name: str) -> bool:
        return name in self.tops

    def to_proto(self) -> schema.NetParameter:
        """The net as a message.

        Raises:
            ConfigError: everything that does not fit the schema.
        """
        return _Writer({top: name for name, top in self.tops.items()}).net(self.tops.values())


def to_proto(*tops: Top) -> schema.NetParameter:
    """The net that makes these blobs; names come from types: Convolution1, Convolution2, ..."""
    return _Writer({}).net(tops)


class _Writer:
    """Puts layers in order, each after those that make its bottoms."""

    def __init__(self, names: Named[Top | Call, str]):
        self.names: dict[Top | Call, str] = dict(names)
        self.counts: Counter[str] = Counter()
        self.made: dict[Call, schema.LayerParameter] = {}
        self.problems: list[DemitasseError] = []

    def net(self, tops: Any) -> schema.NetParameter:
        for top in tops:
            self.layer(top.made_by if isinstance(top, Top) else top)
        if self.problems:
            raise ConfigError(self.problems)
        net = schema.NetParameter()
        net.layer.extend(self.made.values())
        return net

    def layer(self, last: Call) -> None:
        """Makes a layer and those below it; a deep net must not exhaust the stack."""
        waiting = [last]
        while waiting:
            call = waiting[-1]
            below = [top.made_by for top in call.inputs if top.made_by not in self.made]
            if call in self.made:
                waiting.pop()
            elif below:
                waiting += reversed(below)
            else:
                self.made[waiting.pop()] = self.message(call)

    def name(self, call: Call) -> str:
        if call not in self.names:
            first = self.names.get(call.tops[0]) if call.tops else None
            self.names[call] = first or self.automatic(call)
        return self.names[call]

    def automatic(self, call: Call) -> str:
        self.counts[call.type_name] += 1
        return f"{call.type_name}{self.counts[call.type_name]}"

    def message(self, call: Call) -> schema.LayerParameter:
        where = Location(call.where)
        bottoms = [self.made[top.made_by].top[top.index] for top in call.inputs]
        tops = bottoms[:1] if call.in_place else [self.top(call, top) for top in call.tops]
        fields: dict[str, Any] = {"name": self.name(call), "type": call.type_name}
        fields |= {"bottom": bottoms, "top": tops}
        own = own_param(schema.LayerParameter.DESCRIPTOR, call.type_name)
        for key, value in call.options.items():
            group = fields.setdefault(own, {}) if own and _is_own(own, key) else fields
            group[key] = value
        net = schema.NetParameter()  # around the layer, so that errors name it
        tree = Mapping([Entry("layer", where, node_of(fields, where))], where)
        bind(tree, net, self.problems)
        return net.layer[0]

    def top(self, call: Call, top: Top) -> str:
        if top not in self.names:
            only = top.index == 0 and call in self.names
            self.names[top] = self.names[call] if only else self.automatic(call)
        return self.names[top]


def _is_own(own: str, key: str) -> bool:
    """Whether an option belongs to the type's own message rather than to every layer."""
    if key.endswith("param"):
        return False
    of_layer = fields_of(schema.LayerParameter.DESCRIPTOR)
    message = schema.LayerParameter.DESCRIPTOR.fields_by_name[own].message_type
    return key in fields_of(message) or key not in of_layer


def node_of(value: Any, where: Location) -> Node:
    """A Python value as the tree that a file would give."""
    if isinstance(value, Named):
        return Mapping([Entry(str(k), where, node_of(v, where)) for k, v in value.items()], where)
    if isinstance(value, list | tuple | np.ndarray):
        return Sequence([node_of(item, where) for item in value], where)
    if isinstance(value, bool | np.bool_):
        return Scalar(Kind.BOOL, bool(value), str(value).lower(), where)
    if isinstance(value, int | np.integer):
        return Scalar(Kind.INT, int(value), str(value), where)
    if isinstance(value, float | np.floating):
        return Scalar(Kind.FLOAT, float(value), str(value), where)
    if isinstance(value, bytes):
        return Scalar(Kind.QUOTED, value, repr(value), where)
    if isinstance(value, str):
        return Scalar(Kind.TEXT, value, value, where)
    if value is None:
        return Scalar(Kind.NULL, None, "", where)
    raise DemitasseError(
        "the value cannot be a layer's parameter",
        str(where),
        got=f"{value!r} ({type(value).__name__})",
        expected="a number, text, bool, bytes, or lists and dicts of them",
    )


class _Layers:
    """``L``: a function for each layer type, registered or not."""

    def __getattr__(self, type_name: str) -> Any:
        if type_name.startswith("__"):
            raise AttributeError(type_name)

        def make(*inputs: Any, **options: Any) -> Any:
            caller = sys._getframe(1)
            where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
            call = Call(type_name, inputs, options, where)
            return call if not call.tops else call.tops[0] if len(call.tops) == 1 else call.tops

        return make


class _Params:
    """``P``: the values of enums, as in ``P.Pooling.MAX``."""

    def __getattr__(self, name: str) -> Any:
        message = getattr(schema, f"{name}Parameter", None)
        if message is None:
            known = [each.removesuffix("Parameter") for each in dir(schema)]
            hint = did_you_mean(name, known)
            raise AttributeError(f'no layer has parameters of the name "{name}". {hint}'.strip())
        return message


layers = _Layers()
params = _Params()
