"""Published files that somebody has already: found in a folder, and known by their checksums."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from layers.errors import DemitasseError
from tools.datasets.catalogue import PublishedFile
from tools.datasets.download import sha256_of


def find_local(file: PublishedFile, folder: Path) -> Path:
    """A file in a folder or below it, by its name, gzipped or not; its checksum is good.

    Raises:
        DemitasseError: there is none, or only others of the name.
    """
    names = [file.name] + [file.name.removesuffix(".gz")] * bool(file.content_md5)
    found = [path for name in names for path in sorted(folder.rglob(name)) if path.is_file()]
    for path in found:
        if is_good(file, path):
            return path
    if found:
        raise DemitasseError(
            "the file is damaged, or another one: its checksum is wrong",
            str(found[0]),
            f"SHA-256 {sha256_of(found[0])}",
            file.sha256,
        )
    raise DemitasseError(f"there is no {' or '.join(names)}", str(folder))


def is_good(file: PublishedFile, path: Path) -> bool:
    """Whether a file is the published one, or has the same content."""
    if path.stat().st_size == file.size and sha256_of(path) == file.sha256:
        return True
    try:
        return bool(file.content_md5) and _content_md5(path) == file.content_md5
    except (OSError, EOFError, zlib.error):  # no gzip file, or a damaged one
        return False


def gzipped(path: Path) -> bytes:
    """The bytes of a file, zipped if they are not."""
    data = path.read_bytes()
    return data if path.suffix == ".gz" else gzip.compress(data, mtime=0)


def _content_md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
