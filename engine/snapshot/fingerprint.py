"""Fingerprints of data sources: cheap, and different when the data is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.source_layer import SourceLayer
from engine.net import Net
from engine.spec.fields import is_repeated
from layers.errors import DemitasseError

_END = 1 << 16  # bytes looked at, at each end of a file
_LIST = 1 << 24  # larger files are no lists of files
_FILES = ("source", "label_source", "mean_file")
_ENTRIES = 10_000


def fingerprints(net: Net) -> list[str]:
    """One line for each data source of a net.

    Samples, shapes, and of each file its size and a digest of its first and last bytes; of a
    list of files its first and last. An edit in the middle of a file that keeps its size is
    not seen.
    """
    lines = []
    for node in net.nodes:
        layer = node.layer
        if isinstance(layer, SourceLayer):
            shapes = " ".join("x".join(map(str, blob.shape[1:])) or "1" for blob in node.top)
            files = [f"{name} {_described(layer, text)}" for name, text in _named(layer)]
            parts = [f"{layer.sample_count:,} samples of {shapes}", *files]
            lines.append(f"{layer.name}: {', '.join(parts)}")
    return lines


def _named(layer: SourceLayer) -> Iterator[tuple[str, str]]:
    """The files that the layer's parameters name."""
    for field, value in layer.layer_param.ListFields():
        if field.message_type is None or is_repeated(field):
            continue
        for inner, text in value.ListFields():
            if inner.name in _FILES and isinstance(text, str):
                yield inner.name, text


def _described(layer: SourceLayer, name: str) -> str:
    path = _find(layer, name)
    try:
        if path.is_dir():
            return _of_folder(path)
        size, digest = _of_file(path)
        for member in _listed(layer, path, size):
            digest.update(_of_file(member)[1].digest() if member.is_file() else b"none")
    except OSError as problem:
        return f"unreadable ({problem.strerror})"
    return f"{size:,} bytes {digest.hexdigest()[:16]}"


def _find(layer: SourceLayer, name: str) -> Path:
    try:
        return Path(layer.context.find_file(name))
    except DemitasseError as problem:
        return Path(problem.where or name)  # a folder: the error says which


def _of_folder(path: Path) -> str:
    """A database is a folder with a file or two; a folder of images has one for each class."""
    digest, total, count = hashlib.sha256(), 0, 0
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry, _ in zip(entries, range(_ENTRIES), strict=False))
    for name in names:
        if name == "lock.mdb":  # readers write to it
            continue
        member = path / name
        digest.update(name.encode("utf-8", "surrogateescape"))
        count += 1
        if member.is_file():
            size, inner = _of_file(member)
            total += size
            digest.update(inner.digest())
    return f"{count:,} entries, {total:,} bytes {digest.hexdigest()[:16]}"


def _of_file(path: Path) -> tuple[int, Any]:
    """The size of a file, and a digest of it and of the bytes at both ends."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha256(str(size).encode())
        digest.update(file.read(_END))
        file.seek(max(0, size - _END))
        digest.update(file.read(_END))
    return size, digest


def _listed(layer: SourceLayer, path: Path, size: int) -> list[Path]:
    """The first and the last file of a list of files; none for a file that is no such list."""
    if size > _LIST or path.suffix not in (".txt", ".csv", ".list", ""):
        return []
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    named = [line.split()[0].split(",")[0] for line in lines if line.strip()]
    members = []
    for name in dict.fromkeys([*named[:1], *named[-1:]]):
        try:
            members.append(Path(layer.context.find_file(name)))
        except DemitasseError:
            members.append(path.parent / name)
    return [member for member in members if member.is_file()]
