"""What a Net can be made from: files, messages, and pycaffe's forms of the call."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.blob_io import read_blob
from engine.errors import DemitasseError
from engine.net_spec import NetSpec as PythonSpec
from engine.schema import BlobProto, NetParameter
from engine.spec import NetSpec, find_file, read_message, read_net
from layers import TEST, TRAIN
from layers.blob import Array

log = logging.getLogger("demitasse")

Source = str | Path | NetParameter | NetSpec | PythonSpec


def pycaffe_arguments(
    args: tuple[Any, ...], phase: int | None, weights: str | Path | None
) -> tuple[int | None, str | Path | None]:
    """pycaffe's positional forms: ``Net(file, phase)`` and ``Net(file, weights, phase)``."""
    for value in args:
        if isinstance(value, int):
            phase = value
        else:
            weights = value
    if phase not in (None, TRAIN, TEST):
        raise DemitasseError("unknown phase", got=str(phase), expected="TRAIN (0) or TEST (1)")
    return phase, weights


def as_spec(source: Source, overrides: Iterable[str]) -> NetSpec:
    """The specification, as a copy that the net may write its state into."""
    if isinstance(source, str | Path):
        spec = read_net(source, overrides)
        for notice in spec.notices:
            log.info("%s: %s", spec.path, notice)
        return spec
    if isinstance(source, PythonSpec):
        return NetSpec(source.to_proto())
    given = source if isinstance(source, NetSpec) else NetSpec(source)
    return given.copy()


def read_array(name: str, base: Path | None) -> Array:
    """The array in a binaryproto file that a config names."""
    path = find_file(name, base)
    return read_blob(read_message(path, BlobProto), str(path))
