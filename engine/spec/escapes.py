"""C-style escapes of protobuf text format, both ways."""

from __future__ import annotations

import re

_SIMPLE = {
    "a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v",
    "\\": b"\\", "'": b"'", '"': b'"', "?": b"?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9a-fA-F]{1,2})|u(?P<u4>[0-9a-fA-F]{4})"
    r"|U(?P<u8>[0-9a-fA-F]{8})|(?P<simple>.))",
    re.DOTALL,
)
_NAMED = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}


def unescape(text: str) -> bytes:
    """The bytes that the inside of a quoted string stands for.

    Raises:
        ValueError: an escape that text format does not know.
    """
    if "\\" not in text:
        return text.encode("utf-8", "surrogatepass")
    out, position, high = bytearray(), 0, 0
    for found in _ESCAPE.finditer(text):
        if high and (found.start() != position or not found["u4"]):
            break
        out += text[position : found.start()].encode("utf-8", "surrogatepass")
        position = found.end()
        code = int(found["u4"] or found["u8"] or "0", 16)
        if 0xD800 <= code < 0xDC00 and not high:
            high = code
            continue
        if high:
            if not 0xDC00 <= code < 0xE000:
                break
            code, high = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0
            out += chr(code).encode()
        else:
            out += _one(found, code)
    if high:
        raise ValueError(f"\\u{high:04x} is half of a surrogate pair; the other half must follow")
    return bytes(out + text[position:].encode("utf-8", "surrogatepass"))


def _one(found: re.Match[str], code: int) -> bytes:
    if found["octal"]:
        value = int(found["octal"], 8)
        if value > 255:
            raise ValueError(f"escape {found.group()} is more than one byte")
        return bytes([value])
    if found["hex"]:
        return bytes([int(found["hex"], 16)])
    if found["u4"] or found["u8"]:
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ValueError(f"escape {found.group()} is no Unicode character")
        return chr(code).encode()
    simple = _SIMPLE.get(found["simple"])
    if simple is None:
        raise ValueError(f"unknown escape {found.group()}")
    return simple


def escape_bytes(data: bytes) -> str:
    """The inside of a double-quoted string, every byte outside printable ASCII escaped."""
    return "".join(
        _NAMED.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in data
    )


def escape_text(text: str, octal: bool) -> str:
    """The inside of a double-quoted string, printable characters left as they are.

    Args:
        text: what to escape.
        octal: write control characters as text format does (\\001), else as YAML does (\\x01).
    """
    out = []
    for character in text:
        code = ord(character)
        if code in _NAMED:
            out.append(_NAMED[code])
        elif character.isprintable():
            out.append(character)
        elif octal:
            out.append(escape_bytes(character.encode()))
        else:
            out.append(f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}")
    return "".join(out)
