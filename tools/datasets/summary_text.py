"""A source's figures as a page of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tools.console.table import table
from tools.datasets.source import Source
from tools.datasets.summary import Summary, Values, error_text

_SHOWN = 5  # shapes, and bad records, that are told one by one
_CLASSES = 100  # told one by one
_BAR = 40  # characters of the longest bar


def summary_text(name: str, source: Source, summary: Summary) -> str:
    """The page: what it is, its records, values, labels, and what is wrong with it."""
    total = len(source.reader)
    part = f" looked at, of {total:,}" if summary.records + len(summary.bad) < total else ""
    rows = [
        ("source", f"{name}: {source.kind}"),
        ("records", f"{summary.records:,}{part}"),
        ("shape", _counted({_by(shape): count for shape, count in summary.shapes.items()})),
        ("type", _counted(summary.dtypes)),
    ]
    if summary.stored:
        rows.append(("stored", _counted(summary.stored)))
    lines = "".join(f"{label:<9}{value}\n" for label, value in rows)
    return lines + "\n" + _values(source, summary) + _labels(source, summary) + _bad(summary)


def _values(source: Source, summary: Summary) -> str:
    rows = [["all", *_figures(summary.all_values())]]
    for count, found in sorted(summary.channels.items()):
        if count > 1 or len(summary.channels) > 1:
            letters = "BGR" if source.bgr and count == 3 else ""
            of = f" of {count}" if len(summary.channels) > 1 else ""
            for number, values in enumerate(found):
                name = f"channel {letters[number] if letters else number}{of}"
                rows.append([name, *_figures(values)])
    text = table(["values", "min", "max", "mean", "std"], rows, right=(1, 2, 3, 4))
    wrong = summary.all_values().not_finite
    return text + (f"{wrong:,} values are infinite or NaN\n" if wrong else "")


def _labels(source: Source, summary: Summary) -> str:
    if not summary.label_shapes:
        return "\nlabels   none\n"
    if summary.labels is None:
        shapes = {_by(shape): count for shape, count in summary.label_shapes.items()}
        low, high, mean, std = _figures(summary.label_values)
        return (
            f"\nlabels   {_counted(shapes)}, from {low} to {high}, mean {mean}, std {std}: "
            "no classes\n"
        )
    shown = sorted(summary.labels)[:_CLASSES]
    most = max(summary.labels.values())
    rows = [_class_row(source.classes, label, summary, most) for label in shown]
    more = len(summary.labels) - len(shown)
    rest = f"... and {more:,} more labels\n" if more else ""
    return "\n" + table(["label", "records", "share", ""], rows, right=(1, 2)) + rest


def _class_row(classes: Sequence[str], label: float, summary: Summary, most: int) -> list[str]:
    assert summary.labels is not None
    count = summary.labels[label]
    name = f" {classes[int(label)]}" if 0 <= label < len(classes) else ""
    bar = "#" * max(1, round(_BAR * count / most))
    return [f"{label:.0f}{name}", f"{count:,}", f"{100 * count / summary.records:.1f} %", bar]


def _bad(summary: Summary) -> str:
    if not summary.bad:
        return ""
    lines = [error_text(bad.problem) for bad in summary.bad[:_SHOWN]]
    more = len(summary.bad) - len(lines)
    rest = [f"... and {more:,} more"] if more else []
    return "\n".join([f"\n{len(summary.bad):,} bad records:", *lines, *rest]) + "\n"


def _figures(values: Values) -> list[str]:
    if not values.count:
        return ["-"] * 4
    return [f"{number:.6g}" for number in (values.min, values.max, values.mean, values.std)]


def _counted(counts: Counter[str] | dict[str, int]) -> str:
    """The only one, or the commonest with their numbers."""
    if len(counts) < 2:
        return next(iter(counts), "-")
    commonest = Counter(counts).most_common(_SHOWN)
    more = len(counts) - len(commonest)
    words = [f"{name} ({count:,})" for name, count in commonest]
    return ", ".join(words + [f"and {more:,} more"] * (more > 0))


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"
