"""What a snapshot was made with: config, data, versions, threads; and what has changed since."""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Iterator
from functools import cache, cached_property
from importlib import metadata

import google.protobuf
import numpy as np

from engine.net import Net
from engine.schema import SolverParameter, SolverProgress
from engine.snapshot.config_diff import differences
from engine.snapshot.fingerprint import fingerprints
from layers.kernels.threads import thread_count

log = logging.getLogger("demitasse")

_SHOWN = 12  # differences told one by one


class Provenance:
    """Of a run.

    Args:
        config: the resolved solver, its nets inside.
        net: the net that is trained.
    """

    def __init__(self, config: SolverParameter, net: Net):
        self.config = config
        self._net = net

    @cached_property
    def config_digest(self) -> str:
        """SHA-256 of the config."""
        raw = self.config.SerializeToString(deterministic=True)
        return hashlib.sha256(raw).hexdigest()

    @cached_property
    def fingerprints(self) -> list[str]:
        """Of each data source of the net that is trained."""
        return fingerprints(self._net)

    def record(self, progress: SolverProgress) -> None:
        """Puts all of it into the state that a snapshot keeps."""
        progress.config.CopyFrom(self.config)
        progress.config_digest = self.config_digest
        progress.data_fingerprint.extend(self.fingerprints)
        progress.versions = versions()
        progress.threads = thread_count()

    def tell_changes(self, stored: SolverProgress) -> list[str]:
        """Says in the log what has changed since the snapshot; returns the lines."""
        changes = list(self._changes(stored))
        for line in changes[:_SHOWN]:
            log.warning("since the snapshot, %s", line)
        if len(changes) > _SHOWN:
            log.warning("since the snapshot, %d more changes", len(changes) - _SHOWN)
        return changes

    def _changes(self, stored: SolverProgress) -> Iterator[str]:
        if stored.HasField("config"):
            for line in differences(stored.config, self.config):
                yield f"the config has changed: {line}"
        elif stored.config_digest not in ("", self.config_digest):
            yield "the config has changed"
        # Snapshots of before there were fingerprints have none.
        if stored.config_digest and list(stored.data_fingerprint) != self.fingerprints:
            yield from _data_changes(list(stored.data_fingerprint), self.fingerprints)
        if stored.versions not in ("", versions()):
            yield f"{_version_changes(stored.versions)}; the last digits may differ"
        threads = thread_count()
        if stored.threads and stored.threads != threads:
            yield (
                f"the number of threads has changed: {stored.threads} -> {threads}; "
                "the last digits may differ"
            )


def versions() -> str:
    """The programs that compute, and on what."""
    return (
        f"demitasse {_demitasse()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{_matrix_library()}, protobuf {google.protobuf.__version__}, "
        f"{platform.system()} {platform.machine()}"
    )


@cache
def _demitasse() -> str:
    try:
        return metadata.version("demitasse")
    except metadata.PackageNotFoundError:  # run from a folder, without having been installed
        return "(not installed)"


@cache
def _matrix_library() -> str:
    config = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}) if config else {}
    return f"{blas.get('name', 'BLAS')} {blas.get('version', '')}".strip()


def _version_changes(stored: str) -> str:
    was, now = stored.split(", "), versions().split(", ")
    if len(was) != len(now):
        return f"versions have changed: {stored} -> {versions()}"
    pairs = [f"{a} -> {b}" for a, b in zip(was, now, strict=True) if a != b]
    return f"versions have changed: {', '.join(pairs)}"


def _data_changes(was: list[str], now: list[str]) -> Iterator[str]:
    old = dict(line.split(": ", 1) for line in was)
    new = dict(line.split(": ", 1) for line in now)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield (
                f'the data of layer "{name}" has changed: '
                f"{old.get(name, 'none')} -> {new.get(name, 'none')}"
            )
