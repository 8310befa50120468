"""Downloads that go on where they stopped, and are checked before they get their name."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.snapshot.atomic import named_errors, sync, sync_folder
from layers.errors import DemitasseError
from tools.console.bar import bar
from tools.datasets.catalogue import PublishedFile

log = logging.getLogger("demitasse")

_TRIES = 5  # connections to one mirror that break and bring something
_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 16

_FAILURES = (urllib.error.URLError, http.client.HTTPException, OSError, ValueError)


def download(file: PublishedFile, mirrors: Sequence[str], target: Path) -> None:
    """Fetches a file from the first mirror that has it.

    Until it is complete and checked it is ``target.part``, from where the next run goes on.

    Raises:
        DemitasseError: no mirror gives it, or the disk is full.
    """
    part = target.with_name(f"{target.name}.part")
    causes = []
    for mirror in mirrors:
        cause = _from_mirror(file, mirror + file.name, part)
        if not cause:
            with named_errors(target):
                sync(part, os.O_RDWR)
                os.replace(part, target)
                sync_folder(target.parent)
            return
        causes.append(f"{mirror}: {cause}")
        if len(causes) < len(mirrors):
            log.warning("%s; trying the next mirror", causes[-1])
    raise DemitasseError(f"{file.name} cannot be downloaded", got="\n       ".join(causes))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_mirror(file: PublishedFile, url: str, part: Path) -> str:
    """Fetches what the part lacks; "" when it is whole and good, else why it is not."""
    cause, resumed = "", part.exists()
    for _ in range(_TRIES):
        had = _size(part)
        if had < file.size:
            cause = _fetch_rest(url, part, file.size)
        got = _size(part)
        if got >= file.size:
            cause = _wrong(file, part)
            if not cause or not resumed:
                return cause
            resumed = False  # what was there may have been of another file: from the start
        elif got <= had:
            return cause or f"the connection ended after {got:,} of {file.size:,} bytes"
    return cause or f"the connection broke {_TRIES} times"


def _wrong(file: PublishedFile, part: Path) -> str:
    """What is wrong with a complete part, which is then removed; "" where nothing is."""
    found = sha256_of(part)
    if found == file.sha256:
        return ""
    part.unlink()
    return f"wrong checksum: SHA-256 {found}, expected {file.sha256}"


def _fetch_rest(url: str, part: Path, size: int) -> str:
    """Appends to the part what one connection brings; why it ended early, or ""."""
    had = _size(part)
    headers = {"User-Agent": "demitasse"} | ({"Range": f"bytes={had}-"} if had else {})
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            start = had if answer.status == http.client.PARTIAL_CONTENT else 0
            told = answer.headers.get("Content-Length", "")
            if told.isdigit() and start + int(told) != size:
                return f"another file is there: {start + int(told):,} bytes, expected {size:,}"
            _append(answer, part, start, size)
    except _FullDisk as problem:
        raise DemitasseError(
            f"cannot write the file: {problem}", str(part), hint="check that the disk has room"
        ) from problem
    except urllib.error.HTTPError as problem:
        if problem.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # it is of another file
        return f"HTTP {problem.code} {problem.reason}"
    except _FAILURES as problem:
        reason = getattr(problem, "reason", problem)
        return str(getattr(reason, "strerror", None) or reason)
    return ""


class _FullDisk(Exception):
    """The part cannot be written, whatever the network does."""


def _append(answer: Any, part: Path, start: int, size: int) -> None:
    """Writes the answer from a place on, not beyond the size."""
    try:
        file = open(part, "r+b" if start else "wb")  # noqa: SIM115
    except OSError as problem:
        raise _FullDisk(problem.strerror) from problem
    with file, bar(size, "B", unit_scale=True, initial=start, desc=part.stem) as progress:
        file.seek(start)
        while start < size + 1 and (chunk := answer.read(min(_CHUNK, size + 1 - start))):
            try:
                file.write(chunk)
                file.flush()
            except OSError as problem:
                raise _FullDisk(problem.strerror) from problem
            start += len(chunk)
            progress.update(len(chunk))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
