"""Where boxes and arrows go: ranks by longest path, few crossings, short arrows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tools.drawing.graph import Arrow, Graph

FONT, SMALL = 14.0, 12.0  # sizes of letters: titles, all other text
LINE = 1.3  # from one line to the next, in letters
LETTER = 0.62  # the width of a letter, in sizes: that of a wide font, to be safe
_PAD, _BESIDE, _PORTS = 9.0, 26.0, 30.0
_SWEEPS, _SETTLE = 16, 120  # to find an order; to find places, more as they move by small steps

Point = tuple[float, float]


@dataclass
class Spot:
    """A box in its place, or a bend of an arrow that passes a rank by.

    Args:
        box: which box of the graph; None for a bend.
        rank: how many arrows it is from the start.
        width, height: its size.
        x, y: its centre.
        room: how much of its rank it needs, with what is written beside it.
        before, after: the spots that it has arrows from and to.
    """

    box: int | None
    rank: int
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0
    room: float = 0.0
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)


@dataclass
class Layout:
    """The places of a graph's boxes and arrows.

    Args:
        spots: first one for each box, then the bends.
        paths: for each arrow its spots, from source to target.
        width, height: of the picture.
        sideways: whether arrows point to the right, and not down.
    """

    spots: list[Spot]
    paths: list[list[int]]
    width: float
    height: float
    sideways: bool

    def points(self, number: int) -> list[Point]:
        """The corners of an arrow, from the edge of one box to the edge of the other."""
        path = self.paths[number]
        first, last = self.spots[path[0]], self.spots[path[-1]]
        leaving, coming = self._port(number, 0), self._port(number, -1)
        if self.sideways:
            start = (first.x + first.width / 2, first.y + leaving)
            end = (last.x - last.width / 2, last.y + coming)
        else:
            start = (first.x + leaving, first.y + first.height / 2)
            end = (last.x + coming, last.y - last.height / 2)
        # Straight past the boxes of each rank in between: the curves lie in the gaps.
        bends = [point for index in path[1:-1] for point in self._passage(self.spots[index])]
        return [start, *bends, end]

    def _passage(self, bend: Spot) -> list[Point]:
        across, down = (bend.width / 2, 0.0) if self.sideways else (0.0, bend.height / 2)
        return [(bend.x - across, bend.y - down), (bend.x + across, bend.y + down)]

    def _port(self, number: int, end: int) -> float:
        """How far from the middle of its box an arrow ends, so that no two end in one point."""
        box, inner = self.paths[number][end], 1 if end == 0 else -2
        same = [i for i, path in enumerate(self.paths) if path[end] == box]
        same.sort(key=lambda i: self._across(self.paths[i][inner]))
        size = self.spots[box].height if self.sideways else self.spots[box].width
        step = min(_PORTS, size / (len(same) + 1))
        return (same.index(number) - (len(same) - 1) / 2) * step

    def _across(self, index: int) -> float:
        return self.spots[index].y if self.sideways else self.spots[index].x


def lay_out(graph: Graph, sideways: bool = False) -> Layout:
    """Finds a place for everything; sideways runs from left to right instead of down."""
    ranks = _ranks(graph)
    spots = [
        Spot(index, rank, *box_size(graph.boxes[index].lines)) for index, rank in enumerate(ranks)
    ]
    paths = [_path(spots, arrow.source, arrow.target) for arrow in graph.arrows]
    for path in paths:
        for one, next_one in zip(path, path[1:], strict=False):
            spots[one].after.append(next_one)
            spots[next_one].before.append(one)
    _reserve(graph, spots, paths, sideways)
    rows = _ordered(spots)
    across = _place_across(spots, rows, sideways)
    along = _place_along(graph, spots, rows, paths, sideways)
    size = (along, across) if sideways else (across, along)
    return Layout(spots, paths, *size, sideways)


def box_size(lines: list[str]) -> tuple[float, float]:
    """Width and height of a box around its text."""
    widths = [text_width(line, SMALL if i else FONT * 1.08) for i, line in enumerate(lines)]
    return max(widths, default=0) + 2 * _PAD, FONT * LINE * len(lines) + 1.2 * _PAD


def text_width(text: str, size: float) -> float:
    """How wide a line of text will be, or a little less than that."""
    return LETTER * size * len(text)


def _ranks(graph: Graph) -> list[int]:
    """The longest way from a start to each box; a start stands right before its first reader."""
    count = len(graph.boxes)
    ranks = [0] * count
    # Boxes come in the order in which layers run: every arrow leads to a later box.
    for arrow in sorted(graph.arrows, key=lambda arrow: arrow.target):
        ranks[arrow.target] = max(ranks[arrow.target], ranks[arrow.source] + 1)
    targets = {arrow.target for arrow in graph.arrows}
    for index in range(count):
        readers = [ranks[arrow.target] for arrow in graph.arrows if arrow.source == index]
        if index not in targets and readers:
            ranks[index] = min(readers) - 1
    return ranks


def _path(spots: list[Spot], source: int, target: int) -> list[int]:
    """The spots that an arrow runs through, new bends among them."""
    path = [source]
    for rank in range(spots[source].rank + 1, spots[target].rank):
        path.append(len(spots))
        spots.append(Spot(None, rank))
    return [*path, target]


def _reserve(graph: Graph, spots: list[Spot], paths: list[list[int]], sideways: bool) -> None:
    """Room in the ranks for the boxes and for what is written at the arrows."""
    for spot in spots:
        spot.room = spot.height if sideways else spot.width
    for arrow, path in zip(graph.arrows, paths, strict=True):
        if sideways:
            room = 4.0 * SMALL if arrow.below else 2.0 * SMALL
            if _is_steep(arrow, path, spots):
                room += 3.0 * SMALL
        else:
            room = 2 * text_width(arrow.above, SMALL)
        for index in path[:2] if sideways else path[1:2]:
            spots[index].room = max(spots[index].room, room)


def _is_steep(arrow: Arrow, path: list[int], spots: list[Spot]) -> bool:
    """Whether an arrow to the right rises or falls under a long text, beside those of others."""
    text = max(text_width(arrow.above, SMALL), text_width(arrow.below, SMALL))
    return text > 80 and max(len(spots[path[0]].after), len(spots[path[-1]].before)) > 1


def _ordered(spots: list[Spot]) -> list[list[int]]:
    """The spots of each rank in an order with few crossings (barycentres, up and down)."""
    rows: dict[int, list[int]] = defaultdict(list)
    for index, spot in enumerate(spots):
        rows[spot.rank].append(index)
    order = [rows[rank] for rank in sorted(rows)]
    best, fewest = order, _crossings(spots, order)
    for sweep in range(_SWEEPS):
        place = {index: i / len(row) for row in order for i, index in enumerate(row)}
        new = []
        for row in order if sweep % 2 == 0 else reversed(order):

            def middle(index: int, sweep: int = sweep, place: dict[int, float] = place) -> float:
                spot = spots[index]
                near = spot.before if sweep % 2 == 0 else spot.after
                return sum(place[other] for other in near) / len(near) if near else place[index]

            row = sorted(row, key=middle)
            place.update({index: i / len(row) for i, index in enumerate(row)})
            new.append(row)
        order = new if sweep % 2 == 0 else new[::-1]
        crossings = _crossings(spots, order)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _crossings(spots: list[Spot], rows: list[list[int]]) -> int:
    place = {index: i for row in rows for i, index in enumerate(row)}
    count = 0
    for row in rows:
        ends = [(place[index], place[other]) for index in row for other in spots[index].after]
        count += sum(
            (a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(ends) for b in ends[:i]
        )
    return count


def _place_across(spots: list[Spot], rows: list[list[int]], sideways: bool) -> float:
    """Places along each rank: near the neighbours' middle, never overlapping."""
    size = [spot.room for spot in spots]
    at = [0.0] * len(spots)
    for row in rows:
        for index, place in zip(row, _spread(row, [0.0] * len(row), size), strict=True):
            at[index] = place
    for sweep in range(_SETTLE):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [_wanted(spots, at, index, sweep) for index in row]
            for index, place in zip(row, _spread(row, wanted, size), strict=True):
                at[index] = place
    low = min(at[i] - size[i] / 2 for i in range(len(spots)))
    high = max(at[i] + size[i] / 2 for i in range(len(spots)))
    for index, spot in enumerate(spots):
        setattr(spot, "y" if sideways else "x", at[index] - low)
    return high - low


def _wanted(spots: list[Spot], at: list[float], index: int, sweep: int) -> float:
    """The mean of the neighbours' places: bends in line first, then boxes with boxes."""
    spot = spots[index]
    near = spot.before if sweep % 2 == 0 else spot.after
    if sweep >= _SETTLE // 4:
        near = spot.before + spot.after
    weights = [_pull(spot, spots[other]) for other in near]
    if not near:
        return at[index]
    return sum(w * at[other] for w, other in zip(weights, near, strict=True)) / sum(weights)


def _pull(one: Spot, other: Spot) -> float:
    bends = (one.box is None) + (other.box is None)
    return (1.0, 1.0, 8.0)[bends]


def _spread(row: list[int], wanted: list[float], size: list[float]) -> list[float]:
    """The places nearest to the wanted ones (least squares) that keep order and distance.

    With the needed distances subtracted this is isotonic regression: neighbours that would
    change places are pooled and share their mean.
    """
    offset, offsets = 0.0, []
    for i, index in enumerate(row):
        if i:
            offset += (size[row[i - 1]] + size[index]) / 2 + _BESIDE
        offsets.append(offset)
    pools: list[tuple[float, int]] = []
    for place, shift in zip(wanted, offsets, strict=True):
        mean, count = place - shift, 1
        while pools and pools[-1][0] > mean:
            other, members = pools.pop()
            mean = (mean * count + other * members) / (count + members)
            count += members
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    return [mean + shift for mean, shift in zip(means, offsets, strict=True)]


def _place_along(
    graph: Graph, spots: list[Spot], rows: list[list[int]], paths: list[list[int]], sideways: bool
) -> float:
    """Places of the ranks one after the other, with room for what is written at the arrows."""
    gaps: dict[int, float] = defaultdict(lambda: 38.0)
    for arrow, path in zip(graph.arrows, paths, strict=True):
        rank = spots[path[0]].rank
        if not sideways:
            # Where arrows fan out or in they lie flat: more room for what is beside them.
            fan = max(len(spots[path[0]].after), len(spots[path[-1]].before))
            ends = (rank, spots[path[-1]].rank - 1)
            for gap in ends if fan > 2 and arrow.above else ():
                gaps[gap] = max(gaps[gap], 54.0)
        else:
            text = max(text_width(arrow.above, SMALL), text_width(arrow.below, SMALL))
            wide = 1.7 * text if _is_steep(arrow, path, spots) else text
            gaps[rank] = max(gaps[rank], wide + 46)
    at = 0.0
    for rank, row in enumerate(rows):
        size = max(spots[index].width if sideways else spots[index].height for index in row)
        for index in row:
            setattr(spots[index], "x" if sideways else "y", at + size / 2)
            if spots[index].box is None:
                setattr(spots[index], "width" if sideways else "height", size)
        at += size + (gaps[rank] if rank + 1 < len(rows) else 0)
    return at
