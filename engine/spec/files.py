"""Finding the files that configs name, and reading them as text."""

from __future__ import annotations

import codecs
import os
import re
from difflib import SequenceMatcher
from pathlib import Path

from engine.errors import DemitasseError, nearest


def find_file(name: str, base: Path | None = None) -> Path:
    """The file that a config means by a name.

    As in Caffe, relative to the working directory; then to the folder of the config; then to
    each folder above that one, so that a config which says ``examples/mnist/net.prototxt`` works
    from anywhere.

    Args:
        name: as written; ``~`` is the home folder.
        base: the folder of the config that names it.

    Raises:
        DemitasseError: there is no such file, it is a folder, or it may not be read.
    """
    if not name or "\0" in name:
        raise DemitasseError(
            "not a file name", got=f"{name!r}", expected="the name of a file", id="DM001"
        )
    folder: Path | None = None
    try:
        places = _places(Path(name).expanduser(), base)
        for place in places:
            if place.is_file():
                return _readable(place)
            folder = folder or (place if place.is_dir() else None)
            if place.exists() and not place.is_dir():
                return place  # a pipe or a device
    except (OSError, RuntimeError) as error:
        raise DemitasseError(f"{_reason(error)}", name, id="DM001") from None
    if folder is not None:
        raise DemitasseError("this is a folder", str(folder), expected="a file", id="DM001")
    raise _not_found(name, places)


def _places(path: Path, base: Path | None) -> list[Path]:
    if path.is_absolute() or base is None:
        return [path]
    folder = base.expanduser().absolute()
    return list(dict.fromkeys([path, *(above / path for above in (folder, *folder.parents))]))


def _readable(path: Path) -> Path:
    if not os.access(path, os.R_OK):
        raise DemitasseError("permission denied: the file may not be read", str(path), id="DM001")
    return path


def _not_found(name: str, places: list[Path]) -> DemitasseError:
    # The folders far above the config are looked at, but tell a reader little.
    looked = [str(place) for place in places[:4]] + (["..."] if len(places) > 4 else [])
    hint = ""
    # A bare name far above is near to something by chance: "train" to a home folder "brain".
    likely = places if len(Path(name).parts) > 1 else places[:2]
    for place in likely:
        try:
            near = nearest(place.name, sorted(os.listdir(place.parent))[:2000])
        except OSError:
            continue
        # An ending in common does not make names near: "net.yaml" is not "log.yaml".
        if near and SequenceMatcher(None, place.stem, Path(near).stem).ratio() >= 0.5:
            hint = f'did you mean "{place.parent / near}"?'
            break
    variable = re.search(r"\$\{?(\w+)", name)
    if variable:
        hint = f"a variable of the environment is written ${{env:{variable[1]}}}"
    what = f'no such file: "{name}"'
    return DemitasseError(what, expected=f"a file at {', '.join(looked)}", hint=hint, id="DM001")


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        DemitasseError: it is missing, a folder, or may not be read.
    """
    try:
        return path.read_bytes()
    except IsADirectoryError:
        what = "this is a folder"
        raise DemitasseError(what, str(path), expected="a file", id="DM001") from None
    except FileNotFoundError:
        raise _not_found(str(path), [path]) from None
    except (OSError, ValueError) as error:
        raise DemitasseError(_reason(error), str(path), id="DM001") from None


def decode_text(data: bytes, name: str) -> str:
    """Bytes to text.

    Raises:
        DemitasseError: UTF-16, NUL bytes or bytes that are not UTF-8; says at which line.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        hint = "save it as UTF-8"
        raise DemitasseError("the text is in UTF-16", name, expected="UTF-8", hint=hint, id="DM002")
    position = data.find(b"\0")
    what = "a NUL byte: this is not a text file"
    if position < 0:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            position = error.start
            what = f"byte 0x{data[position]:02x} is not UTF-8 text"
    line = data.count(b"\n", 0, position) + 1
    column = position - data.rfind(b"\n", 0, position)
    raise DemitasseError(
        what,
        f"{name}:{line}:{column}",
        expected="a text file in UTF-8",
        hint="a binary message is read from files named .caffemodel or .binaryproto",
        id="DM002",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "permission denied"
    return getattr(error, "strerror", None) or str(error)
