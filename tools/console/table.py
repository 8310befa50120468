"""Rows of words as text in columns."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """The rows under a heading, columns aligned.

    Args:
        head: the titles of the columns.
        rows: the cells, as many in each row as titles.
        right: which columns are aligned on the right, as numbers are.
    """
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def text(line: Sequence[str]) -> str:
        cells = (
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(line)
        )
        return "  ".join(cells).rstrip() + "\n"

    return "".join(map(text, lines))
