"""The forms of LevelDB's files: records of logs and manifests, blocks of tables.

Numbers are varints; checksums are CRC-32C, rotated and shifted by a constant. Source: LevelDB's
doc/log_format.md and doc/table_format.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

import cramjam
import google_crc32c

from layers.errors import DemitasseError

_LOG_BLOCK, _LOG_HEADER = 32768, 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_FOOTER, _MAGIC = 48, 0xDB4775248B80FB57
_BLOCK_TRAILER = 5  # the kind of compression, then the checksum
_PLAIN, _SNAPPY = 0, 1
_MAX_EXPANSION = 32  # a copy of 64 bytes takes three
_MASK_DELTA = 0xA282EAD8

VALUE, DELETION = 1, 0


class Damaged(DemitasseError):
    """A file is not as LevelDB writes it."""


class Handle(NamedTuple):
    """Where in a table a block is."""

    offset: int
    size: int


class Cursor:
    """Reads numbers and strings one after the other."""

    def __init__(self, data: bytes, at: int = 0):
        self.data, self.at = data, at

    @property
    def ended(self) -> bool:
        """Whether everything was read."""
        return self.at >= len(self.data)

    def varint(self) -> int:
        """The next number."""
        result = shift = 0
        while True:
            (byte,) = self.take(1)
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    def string(self) -> bytes:
        """The next string, its length before it."""
        return self.take(self.varint())

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            Damaged: there are not so many.
        """
        found = self.data[self.at : self.at + count]
        if len(found) < count:
            raise Damaged("a record ends too early")
        self.at += count
        return found


def log_records(data: bytes) -> Iterator[bytes]:
    """The records of a log or a manifest; what a crash left unfinished at its end is passed over.

    Raises:
        Damaged: a checksum is wrong.
    """
    parts: list[bytes] = []
    for start in range(0, len(data), _LOG_BLOCK):
        block = data[start : start + _LOG_BLOCK]
        at = 0
        while at + _LOG_HEADER <= len(block):
            size, kind = int.from_bytes(block[at + 4 : at + 6], "little"), block[at + 6]
            end = at + _LOG_HEADER + size
            if kind == 0 and size == 0:  # room that was reserved, and not written
                break
            if end > len(block):
                if start + _LOG_BLOCK < len(data):
                    raise Damaged("a record runs over the end of its block")
                return
            _check(block[at + 6 : end], block[at : at + 4])
            parts = [] if kind in (_FULL, _FIRST) else parts
            parts.append(block[at + _LOG_HEADER : end])
            if kind in (_FULL, _LAST):
                yield b"".join(parts)
            at = end


def read_block(table: bytes | mmap, handle: Handle) -> bytes:
    """A block of a table, unpacked.

    Raises:
        Damaged: it does not lie in the table, or its checksum is wrong.
    """
    end = handle.offset + handle.size
    trailer = table[end : end + _BLOCK_TRAILER]
    if len(trailer) < _BLOCK_TRAILER:
        raise Damaged("a block lies outside of its table")
    content = table[handle.offset : end]
    _check(content + trailer[:1], trailer[1:])
    if trailer[0] == _PLAIN:
        return content
    if trailer[0] != _SNAPPY:
        raise Damaged("a block is compressed in an unknown way", got=str(trailer[0]))
    if Cursor(content).varint() > _MAX_EXPANSION * len(content):
        raise Damaged("a block declares more than it can hold")
    try:
        return bytes(cramjam.snappy.decompress_raw(content))
    except cramjam.DecompressionError as problem:
        raise Damaged(f"a block cannot be unpacked: {problem}") from problem


def entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a block; a key is stored as what differs from the one before."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise Damaged("a block is too short")
    cursor, key = Cursor(block[:end]), b""
    while not cursor.ended:
        shared, rest, size = cursor.varint(), cursor.varint(), cursor.varint()
        key = key[:shared] + cursor.take(rest)
        yield key, cursor.take(size)


def index_handle(table: bytes | mmap) -> Handle:
    """Where the index of a table is.

    Raises:
        Damaged: it is no table.
    """
    footer = table[-_FOOTER:]
    if len(footer) < _FOOTER or int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise Damaged("this is not a table of LevelDB")
    cursor = Cursor(footer)
    cursor.varint(), cursor.varint()  # of the index of filters
    return Handle(cursor.varint(), cursor.varint())


def handle_of(value: bytes) -> Handle:
    """The handle in a value of an index."""
    cursor = Cursor(value)
    return Handle(cursor.varint(), cursor.varint())


def _check(content: bytes, stored: bytes) -> None:
    crc = google_crc32c.value(content)
    masked = (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF
    if masked != int.from_bytes(stored, "little"):
        raise Damaged("a checksum is wrong")
