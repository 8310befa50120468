"""The names of layers and blobs in and around a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from engine.spec.expression import names_in
from engine.spec.node import Kind, Location, Node, Scalar, Sequence, text_of
from engine.spec.variables import Scope


@dataclass
class Names:
    """What a net has made so far.

    Args:
        made: the blobs.
        outputs: the output of each use of a block, by the use's name.
    """

    made: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Room:
    """Where layers are being put: a net, or the body of a block in one of its uses.

    Args:
        scope: the variables and parameters.
        names: those of the whole net.
        name: the full name of the use, "" in a net itself.
        inside: the block's name.
        blocks: the blocks around, outermost first.
        inputs: the blobs that ``in``, ``in2``, ... stand for.
        chain: the blob that a layer without a bottom reads.
        out: the blob that ``out`` stands for.
        wrote_out: a layer made it.
        named_top: the use says what it is called.
        layers: gets the layers of the whole net.
    """

    scope: Scope
    names: Names = field(default_factory=Names)
    name: str = ""
    inside: str = ""
    blocks: tuple[str, ...] = ()
    inputs: list[str] = field(default_factory=list)
    chain: str | None = None
    out: str = ""
    wrote_out: bool = False
    named_top: bool = False
    layers: list[Node] = field(default_factory=list)


def local_name(text: str | None, mentioned: set[str], room: Room) -> str:
    """The full name of what a body calls so: ``NAME/text``.

    A text that says ``${name}`` itself, or begins with a slash, is a full name.
    """
    if room.inside and text and text[0] == "/":
        return text[1:]
    if not room.name or "name" in mentioned:
        return text or ""
    return f"{room.name}/{text}"


def resolve(
    text: str | None,
    mentioned: set[str],
    room: Room,
    where: Location,
    report: Callable[..., None],
) -> str:
    """The blob that a bottom means.

    In a block ``in`` is its input, ``out`` its output; otherwise what the block itself made
    comes before what was made outside. The name of a use stands for the block's output.
    """
    text = text or ""
    if room.inside:
        if text == "in" or (text[:2] == "in" and text[2:].isdecimal()):
            number = int(text[2:] or 1)
            if 1 <= number <= len(room.inputs):
                return room.inputs[number - 1]
            report(
                f'block "{room.inside}" reads "{text}", which it is not given',
                where,
                got=f"{len(room.inputs)} bottom{'' if len(room.inputs) == 1 else 's'}",
                hint="give the use a `bottom:`",
            )
            return text
        if text == "out" and room.wrote_out:
            return room.out
    for name in (local_name(text, mentioned, room), text):
        if name in room.names.made:
            return name
        if name in room.names.outputs:
            return room.names.outputs[name]
    return text


def texts(node: Node, written: Node) -> Iterator[tuple[Node, str | None, set[str]]]:
    """Each value of a field that takes one or several, its text and the variables it reads."""
    many = isinstance(node, Sequence)
    items = node.items if isinstance(node, Sequence) else [node]
    raws = written.items if isinstance(written, Sequence) else [written]
    for index, item in enumerate(items):
        raw = raws[index] if many and isinstance(written, Sequence) else raws[0]
        text = text_of(item)
        if text is None and isinstance(item, Scalar) and names_in(text_of(raw) or ""):
            text = item.text  # `name: ${number}`: a name may be made of digits
        yield item, text, names_in(text_of(raw) or "")


def numbered(number: int, where: Location) -> Scalar:
    """An integer as a value."""
    return Scalar(Kind.INT, number, str(number), where)
