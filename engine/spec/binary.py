"""Reading binary protobuf messages: .caffemodel, .solverstate, .binaryproto."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from engine.errors import DemitasseError
from engine.spec.files import read_bytes
from engine.spec.weight import is_too_heavy

__all__ = ["is_text", "decode_message", "read_bytes", "read_message"]

AnyMessage = TypeVar("AnyMessage", bound=Message)

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*")


def read_message(path: Path, message_class: type[AnyMessage]) -> AnyMessage:
    """Reads a binary message.

    Args:
        path: the file.
        message_class: the type of message it should hold.

    Raises:
        DemitasseError: the file is missing, empty, a folder, text, HDF5, torn, or holds nothing
            of this type.
    """
    return decode_message(read_bytes(path), message_class, path)


def decode_message(data: bytes, message_class: type[AnyMessage], path: str | Path) -> AnyMessage:
    """The same for bytes at hand; ``path`` is where they are from."""
    name = str(path)
    wanted = f"a binary {message_class.DESCRIPTOR.name}"
    if not data:
        raise DemitasseError("the file is empty", name, got="0 bytes", expected=wanted)
    size = f"{len(data):,} bytes"
    if data.startswith(HDF5_MAGIC):
        raise DemitasseError("this is an HDF5 file", name, got=size, expected=wanted)
    if is_too_heavy(data, message_class.DESCRIPTOR):
        raise DemitasseError(f"too many parts for {wanted}", name, got=size)
    try:
        message = message_class.FromString(data)
    except (DecodeError, RecursionError, MemoryError):
        if is_text(data):
            raise _text_given(name, size, wanted) from None
        what = f"not {wanted}, or cut short"
        raise DemitasseError(what, name, got=size, expected=f"{wanted}, complete") from None
    if not message.ListFields():  # whatever was there, nothing of it is known
        if is_text(data):
            raise _text_given(name, size, wanted)
        raise DemitasseError(f"holds nothing of {wanted}", name, got=size)
    if not message.IsInitialized():
        raise DemitasseError(f"{wanted} lacks a required field", name, got=size)
    _decode_strings(message)
    return message


def is_text(data: bytes) -> bool:
    """Whether bytes read like a text file in UTF-8."""
    start = data[:65536]
    if not start.strip() or not _TEXT.fullmatch(start):
        return False
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(data) > len(start) and error.start >= len(start) - 3  # cut inside a character
    return True


def _decode_strings(message: Message) -> None:
    """Makes text of every string that is not UTF-8, which protobuf hands out as bytes.

    Caffe never looked at what is in a string, so names in other encodings are to be met with.
    A byte that means nothing in UTF-8 becomes ``\\xNN``, by which different names stay different.
    """
    for field, value in message.ListFields():
        if isinstance(value, bytes) and field.type == field.TYPE_STRING:
            setattr(message, field.name, _as_text(value))
        elif isinstance(value, Message):
            _decode_strings(value)
        elif field.type == field.TYPE_STRING and not isinstance(value, str):
            for index, item in enumerate(value):
                if isinstance(item, bytes):
                    value[index] = _as_text(item)
        elif field.type == field.TYPE_MESSAGE:
            for item in value:
                _decode_strings(item)


def _as_text(string: bytes) -> str:
    return string.decode(errors="backslashreplace")


def _text_given(name: str, size: str, wanted: str) -> DemitasseError:
    of_net = "a net in text is given as a config; weights are read from .caffemodel files"
    of_blob = f"`demitasse convert --as blob {name} NAME.binaryproto` makes one of it"
    return DemitasseError(
        "this is a text file",
        name,
        got=f"{size} of text",
        expected=wanted,
        hint=of_blob if wanted.endswith("BlobProto") else of_net,
    )
