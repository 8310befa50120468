"""How a source is to be read: its own options and those that all sources share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.data.draws import Draws
from engine.data.order import DROP, KEEP, WRAP
from layers.errors import DemitasseError, did_you_mean

# Keeps a key of its own, so that what is skipped says nothing about what is cropped.
_SKIP_KEY = 0x5C1B

_LAST_BATCH = {"wrap": WRAP, "drop": DROP, "keep": KEEP}


@dataclass(frozen=True)
class SourceOptions:
    """The reading options of one source.

    Args:
        source: the name of what to read.
        batch_size: samples in a batch.
        shuffle: whether each epoch has an order of its own.
        seed: of everything random.
        skip: samples to pass over at the start.
        last_batch: what becomes of samples that do not fill a batch.
        skip_bad: whether bad records are passed over.
        max_bad: how many may be.
        prefetch: batches to read ahead.
        workers: threads that do so; None where the config does not say.
    """

    source: str
    batch_size: int
    shuffle: bool = False
    seed: int = 0
    skip: int = 0
    last_batch: int = WRAP
    skip_bad: bool = False
    max_bad: int = 100
    prefetch: int = 4
    workers: int | None = None


def read_options(layer_param: Any, own: Any) -> SourceOptions:
    """The options in a LayerParameter.

    Args:
        layer_param: whose ``source_param`` goes first.
        own: the layer's own message, such as ``data_param``.

    Raises:
        DemitasseError: an option has a value that does not exist.
    """
    shared = layer_param.source_param

    def choose(name: str) -> Any:
        given = shared.HasField(name) or name not in own.DESCRIPTOR.fields_by_name
        return getattr(shared if given else own, name)

    seed, rand_skip = choose("seed"), choose("rand_skip")
    last_batch = _one_of(shared.last_batch, "last_batch", _LAST_BATCH)
    on_bad_record = _one_of(shared.on_bad_record, "on_bad_record", ("error", "skip"))
    return SourceOptions(
        source=getattr(own, "source", ""),
        batch_size=own.batch_size,
        shuffle=choose("shuffle"),
        seed=seed,
        skip=Draws(seed, _SKIP_KEY).integer(rand_skip) if rand_skip else 0,
        last_batch=_LAST_BATCH[last_batch],
        skip_bad=on_bad_record == "skip",
        max_bad=shared.max_bad_records,
        prefetch=max(1, choose("prefetch")),
        workers=shared.workers if shared.HasField("workers") else None,
    )


def _one_of(value: str, name: str, known: Iterable[str]) -> str:
    if value not in known:
        raise DemitasseError(
            f"unknown source_param.{name}", "", f'"{value}"', ", ".join(known),
            did_you_mean(value, known),
        )  # fmt: skip
    return value
