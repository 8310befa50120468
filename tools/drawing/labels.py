"""Where to write what stands at arrows: beside them, clear of boxes, arrows and other labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from layers.blob import Array
from tools.drawing.graph import Arrow
from tools.drawing.layout import SMALL, Point
from tools.drawing.shapes import GRADIENT, VALUE, Curve, Rectangle, Text

_GAP = 6.0  # between an arrow and what is beside it
_SIDE = 5.0  # width of a figure or an x, beside which half a letter is left free
_ROOM = 3.0  # between the lines of two labels
_SHARES = (0.5, 0.35, 0.65, 0.25, 0.75, 0.15, 0.85)  # of the way along an arrow, best first
_ON_BOX, _ON_TEXT, _ON_ARROW, _LATER = 60.0, 40.0, 4.0, 0.5  # what an overlap counts


def place_labels(
    arrows: Sequence[Arrow], curves: Sequence[Curve], boxes: Iterable[Rectangle]
) -> list[Text]:
    """The labels of all arrows, each where it covers least.

    Args:
        arrows: what to write.
        curves: the arrows as they are drawn.
        boxes: the boxes as they are drawn.
    """
    sheet = _Sheet(curves, boxes)
    leaving = Counter(arrow.source for arrow in arrows)
    coming = Counter(arrow.target for arrow in arrows)
    for arrow, curve in zip(arrows, curves, strict=True):
        if curve.sideways:
            # First at the end with fewer arrows: there they are furthest apart.
            more = coming[arrow.target] - leaving[arrow.source]
            choices = list(_over_and_under(arrow, curve, 0.2 if more > 0 else 0.8 if more else 0.5))
        else:
            choices = list(_beside(arrow, curve))
        costs = [
            sum(map(sheet.cost, texts)) + _LATER * index for index, texts in enumerate(choices)
        ]
        if choices:
            sheet.texts += choices[int(np.argmin(costs))]
    return sheet.texts


class _Sheet:
    """What is on the paper already."""

    def __init__(self, curves: Sequence[Curve], boxes: Iterable[Rectangle]):
        pieces = [sampled(curve) for curve in curves]
        self.dots: Array = np.concatenate(pieces) if pieces else np.empty((0, 2))
        self.boxes = [
            (b.x - b.width / 2, b.y - b.height / 2, b.x + b.width / 2, b.y + b.height / 2)
            for b in boxes
        ]
        self.texts: list[Text] = []

    def cost(self, text: Text) -> float:
        """How much a text would cover."""
        left, top, right, bottom = area = extent(text)
        x, y = self.dots.T
        dots = ((x > left) & (x < right) & (y > top) & (y < bottom)).sum()
        on_boxes = sum(overlap(area, box) for box in self.boxes)
        room = (left, top - _ROOM, right, bottom + _ROOM)
        on_texts = sum(overlap(room, extent(other)) for other in self.texts)
        outside = left < 0
        return float(_ON_ARROW * dots + _ON_BOX * (on_boxes + outside) + _ON_TEXT * on_texts)


Area = tuple[float, float, float, float]


def extent(text: Text) -> Area:
    """Left, top, right and bottom of a text, as wide as most fonts make it."""
    width, half = len(text.text) * text.size * 0.6, text.size * 0.55
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return left, text.y - half, left + width, text.y + half


def overlap(one: Area, other: Area) -> bool:
    """Whether two areas have a part in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def sampled(curve: Curve) -> Array:
    """Points along an arrow, (N, 2), close enough that none slips through a letter."""
    shares = np.linspace(0, 1, 41)
    found = [
        np.stack(_along(start, end, shares, curve.sideways), axis=-1)
        for start, end in zip(curve.points, curve.points[1:], strict=False)
    ]
    return np.concatenate(found)


def _along(start: Point, end: Point, shares: Array, sideways: bool) -> tuple[Array, Array]:
    """Places of a piece of an arrow: it starts and ends straight, and eases across."""
    eased = shares * shares * (3 - 2 * shares)
    even = shares * (1.5 - 1.5 * shares + shares * shares)  # as a cubic with controls half way
    across, down = (even, eased) if sideways else (eased, even)
    return start[0] + across * (end[0] - start[0]), start[1] + down * (end[1] - start[1])


def _piece(curve: Curve) -> tuple[Point, Point]:
    """Where there is most room: past the boxes of a rank, else all the way."""
    points = curve.points
    return (points[1], points[2]) if len(points) > 2 else (points[0], points[1])


def _beside(arrow: Arrow, curve: Curve) -> Iterator[list[Text]]:
    """Places to the right and the left of an arrow that points down."""
    words = f"{arrow.above}  {arrow.below}".strip()
    if not words:
        return
    start, end = _piece(curve)
    x, y = _along(start, end, np.linspace(0, 1, 41), False)
    for share in _SHARES:
        middle = start[1] + share * (end[1] - start[1])
        near = x[np.abs(y - middle) <= 0.7 * SMALL]
        right = Text(float(near.max()) + _GAP, middle, words, SMALL, VALUE, halo=True)
        right.anchor = "start"
        yield [right]
        yield [replace(right, x=float(near.min()) - _GAP, anchor="end")]


def _over_and_under(arrow: Arrow, curve: Curve, best: float) -> Iterator[list[Text]]:
    """Places over and under an arrow that points to the right, the best share of it first."""
    start, end = _piece(curve)
    x, y = _along(start, end, np.linspace(0, 1, 41), True)
    half = max(len(arrow.above), len(arrow.below)) * SMALL * 0.3
    low, high = start[0] + half + _SIDE, max(end[0] - half - 2 * _SIDE, start[0] + half + _SIDE)
    for part in (1.0, 0.5):  # of the text that must be clear of the arrow
        for share in sorted(_SHARES, key=lambda share: abs(share - best)):
            middle = min(max(start[0] + share * (end[0] - start[0]), low), high)
            near = y[np.abs(x - middle) <= max(part * half, 4.0)]
            over = Text(middle, float(near.min()) - 0.85 * SMALL, arrow.above, SMALL, VALUE)
            under = Text(middle, float(near.max()) + 0.85 * SMALL, arrow.below, SMALL, GRADIENT)
            yield [replace(text, halo=True) for text in (over, under) if text.text]
