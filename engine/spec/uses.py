"""Uses of blocks in a list of layers: their bodies put in place, under names of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Named
from dataclasses import dataclass, replace

from engine.errors import ConfigError, DemitasseError, did_you_mean
from engine.spec.blocks import LOOP_NAMES, USE_KEYS, Block
from engine.spec.expression import names_in
from engine.spec.implied import complete
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence, text_of
from engine.spec.room import Room, local_name, numbered, resolve, texts
from engine.spec.variables import Scope, Substituter

MAX_LAYERS = 100_000  # layers and uses that the blocks of one net make


@dataclass(frozen=True)
class _Turn:
    """One repetition of a use: its scope holds ``i`` and ``item``."""

    scope: Scope
    suffix: str
    first: bool
    last: bool


class LayerExpander:
    """Makes plain layers of a list that uses blocks.

    Args:
        substituter: for the values, and for noting problems.
        blocks: the definitions by name, None for a wrong one.
        scope: the variables.
    """

    def __init__(self, substituter: Substituter, blocks: Named[str, Block | None], scope: Scope):
        self.substituter, self.blocks, self.scope = substituter, blocks, scope
        self.report = substituter.report
        self.made = 0

    def net(self, items: Iterable[Node]) -> list[Node]:
        """The layers of a net, with the bottoms and tops that they leave out."""
        room = Room(self.scope)
        self.fill(items, room)
        return room.layers

    def fill(self, items: Iterable[Node], room: Room) -> None:
        for item in items:
            if isinstance(item, Mapping) and item.get("block") is not None:
                self.use(item, room)
            else:
                self.layer(item, room)

    def count(self, where: Location) -> None:
        self.made += 1
        if self.made > MAX_LAYERS:
            what = f"the blocks make more than {MAX_LAYERS:,} layers"
            excess = DemitasseError(what, str(where), id="DM003")
            raise ConfigError([*self.substituter.problems, excess])

    def layer(self, item: Node, room: Room) -> None:
        before = self.substituter.failures
        node = self.substituter.node(item, room.scope)
        if not isinstance(node, Mapping) or not isinstance(item, Mapping):
            room.layers += [node] if node is not None else []
            return
        self.count(node.location)
        named = Mapping([self.named(e, item, room) for e in node.entries], node.location)
        done = complete(named, room.chain)
        done.flawed = self.substituter.failures > before
        tops = [text for text in map(text_of, done.get_all("top")) if text is not None]
        room.names.made.update(tops)
        room.chain = tops[0] if tops else room.chain
        room.layers.append(done)

    def named(self, entry: Entry, written: Mapping, room: Room) -> Entry:
        """A layer's field with the names that count outside its block."""
        raw = written.get(entry.key)
        if raw is None or entry.key not in ("name", "bottom", "top"):
            return entry
        values: list[Node] = []
        for node, text, own in texts(entry.value, raw):
            if entry.key == "bottom":
                name = resolve(text, own, room, node.location, self.report)
            elif entry.key == "top" and text == "out" and room.inside:
                room.wrote_out = True
                name = room.out or text
                if not room.out:
                    what = f'block "{room.inside}" makes "out" and is used without a name'
                    self.report(what, node.location, hint="give the use a `name:` or a `top:`")
            else:
                name = local_name(text, own, room)
            values.append(_text(name, node.location) if text is not None else node)
        if isinstance(entry.value, Sequence):
            return entry._replace(value=Sequence(values, entry.value.location))
        return entry._replace(value=values[0])

    def use(self, item: Mapping, room: Room) -> None:
        """The layers of a block in the place of its use."""
        block = self.block(item, room)
        if block is None or not self.arguments_fit(item, block, room):
            return
        if block.name in room.blocks:
            chain = " -> ".join([*room.blocks[room.blocks.index(block.name) :], block.name])
            self.report("a block uses itself", _at(item, room), got=chain)
            return
        for turn in self.turns(item, room):
            self.count(_at(item, room))
            inner = self.enter(item, block, turn, room)
            self.fill(block.body, inner)
            self.leave(item, inner, room)

    def block(self, item: Mapping, room: Room) -> Block | None:
        """The block that a use names."""
        written = item.get("block")
        node = self.substituter.node(written, room.scope) if written is not None else None
        if node is None:
            return None
        name = text_of(node)
        if name is not None and name in self.blocks:
            return self.blocks[name]
        shown = f'unknown block "{name}"' if name else "a use names its block"
        self.report(
            shown,
            node.location,
            got="" if name else node.describe(),
            expected=", ".join(self.blocks) if name else "- block: NAME",
            hint=did_you_mean(name or "", self.blocks)
            or ("" if self.blocks else "define it under `blocks:`"),
        )
        return None

    def arguments_fit(self, item: Mapping, block: Block, room: Room) -> bool:
        """Whether a use gives the block's parameters, and nothing else."""
        defined = f'block "{block.name}", defined at {block.location.spot}'
        fits = True
        given = set(item.keys())
        for entry in item.entries:
            if entry.key not in block.params and entry.key not in USE_KEYS:
                fits = False
                known = [*block.params, *USE_KEYS[1:]]
                self.report(
                    f'unknown argument "{entry.key}" of {defined}',
                    entry.location._replace(via=room.scope.via),
                    expected=block.signature() or "no arguments",
                    hint=did_you_mean(entry.key, known),
                )
        missing = [n for n, default in block.params.items() if default is None and n not in given]
        for name in missing:
            self.report(
                f'{defined}, needs "{name}"',
                _at(item, room),
                expected=f"{name}: VALUE",
                hint=f"the parameter is defined at {block.places[name].spot}",
            )
        return fits and not missing

    def turns(self, item: Mapping, room: Room) -> Iterator[_Turn]:
        """The repetitions of a use, one without ``repeat:``."""
        written = item.get("repeat")
        if written is None:
            yield _Turn(room.scope, "", True, True)
            return
        times = self.substituter.node(written, room.scope)
        values: list[Node] = []
        if isinstance(times, Sequence):
            values = times.items
        elif isinstance(times, Scalar) and times.kind is Kind.INT and int(times.value or 0) >= 0:
            count = min(int(times.value or 0), MAX_LAYERS + 1)
            values = [numbered(number, times.location) for number in range(1, count + 1)]
        elif times is not None:
            expected = "how many times, or a list with an item for each time"
            got = times.describe()
            self.report("wrong value for repeat", times.location, got=got, expected=expected)
        for number, value in enumerate(values, 1):
            scope = Scope("a loop variable", room.scope, room.scope.via)
            scope.define("i", numbered(number, value.location), value.location)
            scope.define("item", value, value.location)
            suffix = value.text if isinstance(value, Scalar) else str(number)
            yield _Turn(scope, suffix, number == 1, number == len(values))

    def enter(self, item: Mapping, block: Block, turn: _Turn, room: Room) -> Room:
        """The room for a block's body: its parameters, inputs and output."""
        outer = replace(room, scope=turn.scope)
        name = self.name_of(item, turn, outer)
        use = f'block "{block.name}" used at {item.location.spot}'
        scope = Scope(f'a parameter of block "{block.name}"', self.scope, (use, *room.scope.via))
        for param, default in block.params.items():
            given = item.get(param)
            if given is not None:
                scope.define(param, given, given.location, turn.scope)
            elif default is not None:
                scope.define(param, default, default.location)
        if name:
            scope.define("name", _text(name, item.location), item.location)
        bottoms = self.blobs(item, "bottom", turn, outer)
        ins = [resolve(t, own, outer, n.location, self.report) for n, t, own in bottoms]
        tops = self.blobs(item, "top", turn, outer)
        out = local_name(tops[0][1] or "", tops[0][2], outer) if tops else name
        return Room(
            scope,
            names=room.names,
            name=name,
            inside=block.name,
            blocks=(*room.blocks, block.name),
            inputs=ins or ([room.chain] if room.chain else []),
            chain=ins[0] if ins else room.chain,
            out=out,
            named_top=bool(tops),
            layers=room.layers,
        )

    def leave(self, item: Mapping, inner: Room, room: Room) -> None:
        """Goes on after a block: its output is what follows in the chain, and its name."""
        output = inner.out if inner.wrote_out else inner.chain
        if inner.named_top and not inner.wrote_out:
            self.report(
                f'block "{inner.inside}" has no top "out" that the given top could name',
                _at(item, room),
                hint="let a layer of it say `top: out`, or leave the top of the use out",
            )
        room.chain = output
        if inner.name != room.name and output:
            room.names.outputs[inner.name] = output

    def name_of(self, item: Mapping, turn: _Turn, room: Room) -> str:
        """The full name of a use: ``item`` or the number is added where it says neither."""
        written = item.get("name")
        if written is None:
            own = turn.suffix
            return local_name(own, set(), room) if own else room.name
        node = self.substituter.node(written, turn.scope)
        text = text_of(node) or (node.text if isinstance(node, Scalar) else "")
        mentioned = names_in(text_of(written) or "")
        if turn.suffix and not mentioned & set(LOOP_NAMES):
            text += turn.suffix
        return local_name(text, mentioned, room)

    def blobs(
        self, item: Mapping, key: str, turn: _Turn, room: Room
    ) -> list[tuple[Node, str | None, set[str]]]:
        """The blobs that a use names; in a repetition the ends of the chain, unless by item."""
        written = item.get(key)
        if written is None:
            return []
        node = self.substituter.node(written, turn.scope)
        found = list(texts(node, written)) if node is not None else []
        by_item = any(own & set(LOOP_NAMES) for _, _, own in found)
        return found if by_item or (turn.first if key == "bottom" else turn.last) else []


def _at(item: Mapping, room: Room) -> Location:
    return item.location._replace(via=room.scope.via)


def _text(text: str, where: Location) -> Scalar:
    return Scalar(Kind.TEXT, text, text, where)
