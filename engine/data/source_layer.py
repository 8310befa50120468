"""SourceLayer: what layers that read samples from files have in common."""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.data.bad_records import BadRecords
from engine.data.batches import Batch, Batches
from engine.data.options import SourceOptions, read_options
from engine.data.order import DROP, DataOrder
from engine.data.places import find_folder
from engine.data.prefetch import Prefetcher
from engine.data.readers import Reader
from engine.data.transformer import Transformer
from engine.errors import MissingDependency
from layers.base import Layer, State
from layers.blob import Array, Blob
from layers.errors import DemitasseError, LayerError

_MOST_WORKERS = 4


class SourceLayer(Layer):
    """Gives the net its samples: no bottoms, a batch of samples on the tops.

    The only state is ``position``, the number of samples given so far; which samples a batch
    holds follows from it. A snapshot stores it; one of Caffe's has none, so there the solver
    calls ``seek(iter * iter_size * batch_size)``. What was read ahead is no part of it.

    A subclass names the field of its parameters and opens a reader; it may choose another order
    or transformer.

    Attributes:
        batch_size: samples in a batch.
        sample_count: samples that an epoch gives.
        position: samples given so far.
        waited: seconds that training waited for batches.
    """

    exact_num_bottom = 0
    min_top = 1
    param_field: ClassVar[str] = ""

    batch_size: int = 0
    sample_count: int = 0
    position: int = 0
    waited: float = 0.0

    @abstractmethod
    def open_reader(self, options: SourceOptions, tops: int) -> Reader:
        """The reader of the source; it may raise any DemitasseError."""

    def make_order(self, reader: Reader, options: SourceOptions) -> DataOrder:
        """The order of the records."""
        return DataOrder(
            len(reader), options.batch_size, options.shuffle, options.seed,
            options.last_batch, options.skip,
        )  # fmt: skip

    def make_transformer(self, mean: Array | None) -> Transformer | None:
        """What turns records into samples."""
        return Transformer(self.layer_param.transform_param, self.phase, self.context.dtype, mean)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        with self.naming():
            self.options = options = read_options(self.layer_param, self.own_param)
        if not options.source:
            raise self.error(f"needs {self.param_field}.source, what to read")
        if options.batch_size < 1:
            raise self.error(f"needs {self.param_field}.batch_size above 0", options.batch_size)
        self.batch_size = options.batch_size
        with self.naming():
            transformer = self.make_transformer(self._read_mean())
            self.reader = reader = self.open_reader(options, len(top))
            found = [*reader.left_out, *reader.known_bad.values()]
            if found and not options.skip_bad:
                raise found[0]
            self._check_count(len(reader))
            order = self.make_order(reader, options)
            self.sample_count = order.period if options.last_batch == DROP else order.count
            self._bad = BadRecords(options.skip_bad, options.max_bad, f'layer "{self.name}"')
            self._bad.count(dict(enumerate(reader.left_out, -len(reader.left_out))))
            self._batches = Batches(
                reader, order, transformer, self.context.dtype, len(top), self._bad
            )
        self._threads = self._count_threads(reader, transformer)
        self._prefetcher: Prefetcher | None = None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob, shape in zip(top, self._batches.shapes, strict=True):
            blob.reshape(self.batch_size, *shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        start = time.perf_counter()
        with self.naming():
            arrays, bad = self._next_batch(top)
            self.waited += time.perf_counter() - start
            self._bad.count(bad)
        for blob, array in zip(top, arrays, strict=True):
            if array is not blob.data:
                blob.reshape(*array.shape)
                np.copyto(blob.data, array)
        if self._prefetcher is not None:
            self._prefetcher.give_back(arrays)
        self.position += self.batch_size

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Nothing is below a source, so there is nothing to do."""

    def first_batch(self) -> list[Array]:
        """What the first batch holds, an array for each top; the position stays where it is."""
        with self.naming():
            return self._batches.make(0).arrays

    def seek(self, position: int) -> None:
        """The next forward gives the samples from ``position`` on, counted from the start.

        Raises:
            LayerError: the position is negative.
        """
        if position < 0:
            raise self.error("cannot seek to before the first sample", position, "0 or more")
        self.position = int(position)

    def get_state(self) -> State:
        return {"position": self.position}

    def set_state(self, state: State) -> None:
        position = state.get("position")
        if position is None or isinstance(position, str):
            raise self.error(
                "cannot resume: the snapshot has no data position for it",
                got=", ".join(state) or "nothing",
                expected="position",
            )
        self.seek(int(position))

    def close(self) -> None:
        """Ends reading ahead; also happens when the net is no longer used, and at exit."""
        if self._prefetcher is not None:
            self._prefetcher.close()
            self._prefetcher = None

    @property
    def bad_records(self) -> int:
        """Bad records passed over so far, in the batches that were taken."""
        return len(self._bad)

    @property
    def own_param(self) -> Any:
        """The layer's own parameters."""
        return getattr(self.layer_param, self.param_field)

    def find_file(self, name: str) -> Path:
        """The path of a file that the config names.

        Raises:
            LayerError: there is no such file.
        """
        with self.naming():
            path = Path(self.context.find_file(name))
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise self.error(f'source "{name}" {what}', path.absolute(), id="DM001")
        return path

    def find_folder(self, name: str) -> Path:
        """The path of a folder that the config names.

        Raises:
            LayerError: there is no such folder.
        """
        with self.naming():
            return find_folder(name, self.context.find_file)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Makes any DemitasseError one that names this layer besides the file."""
        try:
            yield
        except (LayerError, MissingDependency):
            raise
        except DemitasseError as problem:
            raise self.named(problem) from problem

    def named(self, problem: DemitasseError) -> LayerError:
        """The same problem as a LayerError that names this layer besides the file."""
        what = f"{problem.where}: {problem.what}" if problem.where else problem.what
        id = problem.id or "DM501"
        return self.error(what, problem.got, problem.expected, problem.hint, id)

    def _next_batch(self, top: Sequence[Blob]) -> Batch:
        if not self._threads:
            return self._batches.make(self.position, [blob.data for blob in top])
        if self._prefetcher is None:
            self._prefetcher = Prefetcher(
                self._batches.make, self.batch_size, self.options.prefetch, self._threads
            )
        return self._prefetcher.take(self.position)

    def _read_mean(self) -> Array | None:
        """The mean image, (C, H, W), if the config names one."""
        param = self.layer_param.transform_param
        if not param.mean_file:
            return None
        mean = self.context.read_blob(param.mean_file)
        if mean.ndim == 4 and len(mean) == 1:
            mean = mean[0]
        if mean.ndim != 3:
            raise self.error(
                f'mean_file "{param.mean_file}" holds no image', f"shape {mean.shape}", "(C, H, W)"
            )
        return mean

    def _check_count(self, count: int) -> None:
        if count < 1:
            raise self.error(f'source "{self.options.source}" holds no samples')
        if self.options.last_batch == DROP and count < self.batch_size:
            raise self.error(
                "last_batch: drop leaves no batch at all",
                f"{count} samples in batches of {self.batch_size}",
            )

    def _count_threads(self, reader: Reader, transformer: Transformer | None) -> int:
        """The threads to read ahead with: as the config says, else as the work makes them pay."""
        threads = self.options.workers
        if threads is None:
            simple = transformer is None or not transformer.augmentation.changes
            threads = reader.workers if simple else None
        if threads is None:
            threads = min(_MOST_WORKERS, processors())
        return threads if reader.most_workers is None else min(threads, reader.most_workers)


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
