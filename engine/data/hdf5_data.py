"""HDF5Data: batches from the datasets of a list of HDF5 files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.hdf5_file import dataset_shapes, import_h5py, read_datasets
from engine.data.order import DataOrder
from engine.data.source_layer import SourceLayer
from layers.blob import Array, Blob
from layers.errors import DemitasseError
from layers.registry import register_layer


@register_layer("HDF5Data")
class HDF5Data(SourceLayer):
    """Gives the rows of HDF5 datasets, a top for each dataset, named as the dataset.

    Formula: top[k] = the next batch_size rows of the dataset that has top k's name

    Files: ``source`` is a text file that lists HDF5 files, by paths as seen from the working
    directory or from the list's folder. Each holds all the datasets, of integers or floats, with
    samples along the first axis. One file is in memory at a time.

    Shapes: each top (batch_size, ...) as its dataset. Batches run on from file to file, in the
    order of the list, and from the last file to the first.

    Parameters (hdf5_data_param): source; batch_size; shuffle (false), which each epoch shuffles
    the files and the rows in each file, in an order that is the same in every run. There is no
    transform_param: store the values as the net is to see them.

    Example::

        layer {
          name: "data" type: "HDF5Data" top: "data" top: "label"
          hdf5_data_param { source: "train.txt" batch_size: 10 }
        }

    Source: Caffe's HDF5Data.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.hdf5_data_param
        if self.layer_param.HasField("transform_param"):
            raise self.error(
                "does not transform data, so it takes no transform_param",
                hint="store the values as the net is to see them",
            )
        self.check_source(p.source, p.batch_size, "hdf5_data_param")
        import_h5py()
        self._names = list(self.layer_param.top)
        self._files = self._read_list(p.source)
        self._shapes = self._read_shapes()
        self._loaded: tuple[int, list[Array]] | None = None
        self._file_orders = DataOrder(len(self._files), p.batch_size, p.shuffle, 0)
        # Each file has an order of its own; empty files are never asked for one.
        self._row_orders = [
            DataOrder(max(int(count), 1), p.batch_size, p.shuffle, seed)
            for seed, count in enumerate(self._counts, start=1)
        ]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob, shape in zip(top, self._shapes, strict=True):
            blob.reshape(self.batch_size, *shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        done = 0
        while done < self.batch_size:
            epoch, index = divmod(self.position + done, self.sample_count)
            number, row = self._place(epoch, index)
            arrays = self._load(number)
            rows = self._row_orders[number].epoch_order(epoch)[row : row + self.batch_size - done]
            for blob, array in zip(top, arrays, strict=True):
                np.take(array, rows, axis=0, out=blob.data[done : done + len(rows)], mode="clip")
            done += len(rows)
        self.position += self.batch_size

    def _read_list(self, source: str) -> list[Path]:
        """The paths in the list of files, separated, as in Caffe, by any white space."""
        path = self.find_file(source)
        try:
            names = path.read_text(encoding="utf-8-sig").split()
        except (OSError, UnicodeDecodeError) as problem:
            raise self.error(
                f'source "{source}" is not a text file',
                hint="it must list HDF5 files, one a line",
            ) from problem
        if not names:
            raise self.error(f'source "{source}" lists no files')
        return [self._find_listed(name, path) for name in names]

    def _find_listed(self, name: str, list_path: Path) -> Path:
        """A file of the list: as seen from here, else from the list, else from the config."""
        for path in (Path(name), list_path.parent / name):
            if path.is_file():
                return path
        return self.find_file(name)

    def _read_shapes(self) -> list[tuple[int, ...]]:
        """The shapes of a row of each dataset; also counts the rows of each file."""
        found = []
        for path in self._files:
            try:
                found.append(dataset_shapes(path, self._names))
            except DemitasseError as problem:
                raise self.named(problem) from problem
            for name, first, shape in zip(self._names, found[0], found[-1], strict=True):
                if shape[1:] != first[1:]:
                    raise self.error(
                        f'dataset "{name}" has another shape in {path} than in {self._files[0]}',
                        got=f"{shape}, after {first}",
                        expected="the same but for the first axis",
                    )
        self._counts = np.array([shapes[0][0] for shapes in found], np.int64)
        self.sample_count = int(self._counts.sum())
        if self.sample_count == 0:
            raise self.error(f'source "{self.layer_param.hdf5_data_param.source}" holds no samples')
        return [shape[1:] for shape in found[0]]

    def _place(self, epoch: int, index: int) -> tuple[int, int]:
        """The file, and the place in it, of a sample of an epoch."""
        order = self._file_orders.epoch_order(epoch)
        ends = np.cumsum(self._counts[order])
        turn = int(np.searchsorted(ends, index, side="right"))
        number = int(order[turn])
        return number, index - int(ends[turn] - self._counts[number])

    def _load(self, number: int) -> list[Array]:
        """The datasets of a file, which stay in memory until another file is needed."""
        if self._loaded is None or self._loaded[0] != number:
            self._loaded = None  # let the old file go before the new one comes in
            try:
                arrays = read_datasets(self._files[number], self._names, self.context.dtype)
            except DemitasseError as problem:
                raise self.named(problem) from problem
            self._loaded = number, arrays
        return self._loaded[1]
