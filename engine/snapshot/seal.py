"""The seal of a binary snapshot: our name in front, a SHA-256 of everything at the end.

Both are protobuf fields with numbers that Caffe does not know and skips, so that it reads
the file as its own. A file that has one of the two must have both, and they must match; one
that has neither was written by another program and is taken as it is.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.errors import SnapshotError

WRITER = b"demitasse"
_WRITER_FIELD, _DIGEST_FIELD = 5000, 5001
_DIGEST_SIZE = hashlib.sha256().digest_size


def _tag(field: int) -> bytes:
    key = field << 3 | 2
    return bytes((key & 0x7F | 0x80, key >> 7 & 0x7F | 0x80, key >> 14))


_FRONT = _tag(_WRITER_FIELD) + bytes((len(WRITER),)) + WRITER
_BACK = _tag(_DIGEST_FIELD) + bytes((_DIGEST_SIZE,))


def seal(body: bytes) -> tuple[bytes, bytes, bytes]:
    """The three pieces of a sealed file around a serialised message."""
    return _FRONT, body, _BACK + _digest(body)


def seal_digest(pieces: tuple[bytes, bytes, bytes]) -> bytes:
    """The digest that a sealed file carries."""
    return pieces[2][len(_BACK) :]


def check_seal(raw: bytes, path: Path) -> bytes | None:
    """The digest of a sealed file, None for a file without a seal.

    Raises:
        SnapshotError: the file is sealed and was cut short or altered.
    """
    size = len(_BACK) + _DIGEST_SIZE
    body, back = raw[len(_FRONT) : -size], raw[-size:]
    # Either end tells a sealed file, so that damage to the one does not hide the other.
    if not raw.startswith(_FRONT) and not back.startswith(_BACK):
        return None
    if len(raw) < len(_FRONT) + size or not back.startswith(_BACK):
        raise SnapshotError(
            "the file was cut short: its checksum is missing",
            str(path),
            f"{len(raw)} bytes",
            hint="use an earlier snapshot; `--resume auto` takes the newest good one",
        )
    if not raw.startswith(_FRONT) or back[len(_BACK) :] != _digest(body):
        raise SnapshotError(
            "the file was altered or damaged: its checksum does not match",
            str(path),
            hint="use an earlier snapshot; `--resume auto` takes the newest good one",
        )
    return back[len(_BACK) :]


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(_FRONT + body).digest()
