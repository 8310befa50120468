"""What a Net can be made from: files, messages, and pycaffe's forms of the call."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.blob_io import read_blob
from engine.errors import DemitasseError, did_you_mean
from engine.net_spec import NetSpec as PythonSpec
from engine.schema import BlobProto, NetParameter
from engine.spec import NetSpec, find_file, read_message, read_net
from engine.spec.source import EXTENSIONS, Form
from layers import TEST, TRAIN, Blob
from layers.blob import Array

log = logging.getLogger("demitasse")

Source = str | Path | NetParameter | NetSpec | PythonSpec


def pycaffe_arguments(
    args: tuple[Any, ...], phase: int | None, weights: str | Path | None
) -> tuple[int | None, str | Path | None]:
    """pycaffe's positional forms: ``Net(file, phase)`` and ``Net(file, weights, phase)``."""
    for value in args:
        if value in ("TRAIN", "TEST"):
            raise DemitasseError("a phase is no text", got=f'"{value}"', expected=f"engine.{value}")
        if isinstance(value, int):
            phase = value
        else:
            weights = value
    if phase not in (None, TRAIN, TEST):
        raise DemitasseError("unknown phase", got=str(phase), expected="TRAIN (0) or TEST (1)")
    return phase, weights


def refuse_swapped(source: Source, weights: str | Path | None) -> None:
    """Raises a DemitasseError when a model is given as the net, and a config as its weights."""
    named = isinstance(source, str | Path) and isinstance(weights, str | Path)
    if named and form_by_name(source) == "binary" and form_by_name(weights) in ("prototxt", "yaml"):
        raise DemitasseError(
            "the net and its weights have changed places",
            got=f'Net("{source}", "{weights}")',
            expected=f'Net("{weights}", "{source}")',
        )


def form_by_name(path: Any) -> Form | None:
    """How a file is written, as far as its name tells."""
    name = str(path).removesuffix(".h5")
    return EXTENSIONS.get(Path(name).suffix.lower())


def as_spec(source: Source, overrides: Iterable[str]) -> NetSpec:
    """The specification, as a copy that the net may write its state into."""
    if isinstance(source, str | Path):
        spec = read_net(source, overrides)
        for notice in spec.notices:
            log.info("%s: %s", spec.path, notice)
        return spec
    if isinstance(source, PythonSpec):
        return NetSpec(source.to_proto())
    if not isinstance(source, NetSpec | NetParameter):
        raise DemitasseError(
            "a net is made from a file, a NetParameter or a NetSpec",
            got=f"{source!r:.60} ({type(source).__name__})",
            hint="a config's text goes through engine.spec.parse_net",
        )
    given = source if isinstance(source, NetSpec) else NetSpec(source)
    return given.copy()


def as_path(value: Any, what: str) -> Path:
    """The path that a caller gives.

    Raises:
        DemitasseError: it is none.
    """
    if isinstance(value, str | os.PathLike):
        return Path(value)
    raise DemitasseError(
        "not the name of a file", got=f"{value!r} ({type(value).__name__})", expected=what
    )


def blob_names(names: Any, method: str) -> list[str]:
    """The further blobs that forward or backward is asked for.

    Raises:
        DemitasseError: these are no names; an array belongs to an input.
    """
    if isinstance(names, str):
        return [names]
    try:
        listed = [] if names is None else list(names)
    except TypeError:
        listed = [names]
    wrong = next((each for each in listed if not isinstance(each, str)), None)
    if wrong is None:
        return listed
    raise DemitasseError(
        f"the first argument of {method}() is a list of names of blobs to return",
        got=f"{type(names).__name__} of {type(wrong).__name__}",
        hint=f"values go in by the blob's name: net.{method}(data=values)",
    )


def find_blob(blobs: Mapping[str, Blob], name: str) -> Blob:
    """The blob of a name.

    Raises:
        DemitasseError: there is none.
    """
    if name in blobs:
        return blobs[name]
    raise DemitasseError(
        f'the net has no blob "{name}"',
        expected=f"one of {', '.join(blobs)}",
        hint=did_you_mean(name, blobs),
    )


def read_array(name: str, base: Path | None) -> Array:
    """The array in a binaryproto file that a config names."""
    path = find_file(name, base)
    return read_blob(read_message(path, BlobProto), str(path))
