"""Checks an LMDB's pages before the library follows them: a damaged one would end the process.

The library maps the file into memory and trusts every number in it; there are no checksums. So a
file that was cut short, or whose pages point to beyond its end, has to be found out before. The
layout is that of LMDB 0.9 on a machine of 64 bits (its ``mdb.c``: MDB_page, MDB_meta, MDB_node).
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from layers.errors import DemitasseError

_MOST = 20_000  # pages of a tree that are looked at, which takes a second: a million records
_MAGIC = 0xBEEFC0DE
_META = 136  # bytes of a meta, which follows a page's header
_HEADER, _NODE, _NUMBER = 16, 8, 8  # bytes of a page's header, of a node's, of a page number
_BRANCH, _LEAF = 1, 2  # flags of pages
_BIG = 1  # flag of a node whose value has pages of its own
_USUAL = 0x4008  # flags of a database that need no more than is done here
_NO_PAGE = 2**64 - 1

_META_FIELDS = np.dtype(
    {
        "names": ["magic", "page_size", "flags", "main_flags", "depth", "root", "last", "number"],
        "formats": ["u4", "u4", "u2", "u2", "u2", "u8", "u8", "u8"],
        "offsets": [0, 24, 28, 76, 78, 112, 120, 128],
        "itemsize": _META,
    }
)


class _Meta(NamedTuple):
    """What one of the two first pages says; the one with the higher number holds."""

    page_size: int
    depth: int
    root: int
    pages: int
    number: int


def check_pages(path: Path) -> None:
    """Checks that a database's tree lies within its file, of the largest ones its upper part.

    Raises:
        DemitasseError: the file is cut short or damaged.
    """
    try:
        with open(path, "rb") as file:
            if path.stat().st_size < _HEADER + _META:
                raise _damaged(path, "it is cut short")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
                _check_tree(path, raw)
    except OSError as problem:
        raise _damaged(path, problem.strerror or str(problem)) from problem


def _damaged(path: Path, what: str) -> DemitasseError:
    return DemitasseError(f"cannot be read as LMDB: {what}", str(path.parent))


def _check_tree(path: Path, raw: mmap.mmap) -> None:
    """Goes through the tree level by level, from the root down."""
    first = _read_meta(path, raw, _HEADER)
    second = _read_meta(path, raw, first.page_size + _HEADER)
    if second.page_size != first.page_size:
        raise _damaged(path, "it declares pages of two sizes")
    meta = second if second.number > first.number else first
    held = len(raw) // meta.page_size
    if meta.pages > held:
        raise _damaged(path, f"it is cut short: {held:,} of {meta.pages:,} pages are there")
    level = [] if meta.root == _NO_PAGE else [meta.root]
    seen = 0
    for depth in range(1, meta.depth + 1):
        below: list[int] = []
        for number in level[: _MOST - seen]:
            if not 2 <= number < held:
                raise _damaged(path, f"page {number} is not in it")
            children = _children(raw, number, meta.page_size, depth == meta.depth)
            if children is None:
                raise _damaged(path, f"page {number} is damaged")
            below += children
        seen += len(level)
        if seen >= _MOST:
            return
        level = below


def _read_meta(path: Path, raw: mmap.mmap, start: int) -> _Meta:
    if start + _META > len(raw):
        raise _damaged(path, "it is cut short")
    fields = np.frombuffer(bytes(raw[start : start + _META]), _META_FIELDS)[0]
    if fields["magic"] != _MAGIC:
        raise _damaged(path, "it does not begin as an LMDB")
    size = int(fields["page_size"])
    if not 256 <= size <= 65536 or size & (size - 1):
        raise _damaged(path, f"it declares pages of {size:,} bytes")
    if int(fields["flags"]) & ~_USUAL or fields["main_flags"]:
        raise _damaged(path, "it is of a kind that holds no Datums, or damaged")
    depth, root, last, number = (int(fields[name]) for name in ("depth", "root", "last", "number"))
    return _Meta(size, depth, root, last + 1, number)


def _children(raw: mmap.mmap, number: int, size: int, leaf: bool) -> list[int] | None:
    """The pages below a branch, none below a leaf; None of a page with numbers that cannot be."""
    page = np.frombuffer(bytes(raw[number * size : (number + 1) * size]), np.uint8)
    flags, lower = (int(value) for value in page[10:14].view(np.uint16))
    # A branch of one page would end the library's assertions.
    least = _HEADER + 2 if leaf else _HEADER + 4
    if flags & (_BRANCH | _LEAF) != (_LEAF if leaf else _BRANCH) or not least <= lower <= size:
        return None
    nodes = page[_HEADER : lower - lower % 2].view(np.uint16).astype(np.int64)
    if nodes.min() < lower or nodes.max() > size - _NODE:
        return None
    low, high, kind, key = (_word(page, nodes + at) for at in (0, 2, 4, 6))
    ends = nodes + _NODE + key
    if not leaf:
        children: list[int] = (low | high << 16 | kind << 32).tolist()
        return children if ends.max() <= size else None
    big = kind == _BIG
    lengths = low | high << 16
    ends += np.where(big, _NUMBER, lengths)
    if ends.max() > size or not np.all(big | (kind == 0)):
        return None
    places = [_long(page, int(end) - _NUMBER) for end in ends[big]]
    for place, length in zip(places, lengths[big], strict=True):
        if not place >= 2 or place * size + _HEADER + int(length) > len(raw):
            return None
    return []


def _word(page: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of 16 bits that begin at these bytes of a page."""
    return (
        np.ascontiguousarray(page[at[:, np.newaxis] + (0, 1)])
        .view(np.uint16)[:, 0]
        .astype(np.int64)
    )


def _long(page: NDArray[np.uint8], at: int) -> int:
    return int(page[at : at + _NUMBER].copy().view(np.uint64)[0])
