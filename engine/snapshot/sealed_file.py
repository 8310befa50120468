"""Reading binary messages, sealed by us or written by Caffe."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from engine.errors import SnapshotError
from engine.snapshot.seal import check_seal
from engine.spec.binary import decode_message
from engine.spec.files import read_bytes

_SEAL_FIELDS = ("writer", "digest")

MessageType = TypeVar("MessageType", bound=Message)


def read_sealed(path: Path, kind: type[MessageType]) -> tuple[MessageType, bytes | None]:
    """The message in a binary file, and its digest where it is sealed.

    Raises:
        DemitasseError: the file is missing, empty, cut short, altered or something else.
    """
    raw = read_bytes(path)
    digest = check_seal(raw, path)
    message = decode_message(raw, kind, str(path))
    if digest is None and any(message.HasField(name) for name in _SEAL_FIELDS):
        raise SnapshotError(
            "the file was altered or damaged: its checksum is not where it was written",
            str(path),
            hint="use an earlier snapshot; `--resume auto` takes the newest good one",
        )
    return message, digest
