"""HDF5Data: batches from the datasets of a list of HDF5 files."""

from __future__ import annotations

import os.path
from pathlib import Path

from engine.data.hdf5_file import import_h5py
from engine.data.options import SourceOptions
from engine.data.order import DataOrder, GroupedOrder
from engine.data.places import read_list
from engine.data.readers import Reader
from engine.data.readers.hdf5 import HDF5Reader
from engine.data.source_layer import SourceLayer
from engine.data.transformer import Transformer
from layers.blob import Array
from layers.errors import LayerError
from layers.registry import register_layer


@register_layer("HDF5Data")
class HDF5Data(SourceLayer):
    """Gives the rows of HDF5 datasets, a top for each dataset, named as the dataset.

    Formula: top[k] = the next batch_size rows of the dataset that has top k's name, those of
    top 0 transformed as transform_param, where there is one, says

    Files: ``source`` is a text file that lists HDF5 files, by paths as seen from the working
    directory or from the list's folder. Each holds all the datasets, of integers or floats, with
    samples along the first axis. One file is in memory at a time.

    Shapes: each top (batch_size, ...) as its dataset. Batches run on from file to file, in the
    order of the list, and from the last file to the first.

    Parameters (hdf5_data_param): source; batch_size; shuffle (false), which each epoch shuffles
    the files and the rows in each file, in an order that is the same in every run.
    (transform_param), which Caffe's has not, for top 0: scale, mirror, crop_size, mean_file,
    mean_value, augment. (source_param): as all sources.

    Example::

        layer {
          name: "data" type: "HDF5Data" top: "data" top: "label"
          hdf5_data_param { source: "train.txt" batch_size: 10 }
        }

    Source: Caffe's HDF5Data.
    """

    param_field = "hdf5_data_param"

    def make_transformer(self, mean: Array | None) -> Transformer | None:
        given = self.layer_param.HasField("transform_param")
        return super().make_transformer(mean) if given else None

    def open_reader(self, options: SourceOptions, tops: int) -> HDF5Reader:
        import_h5py()
        files, missing = self._find_files(options.source)
        reader = HDF5Reader(files, list(self.layer_param.top), self.context.dtype)
        reader.left_out = [*missing, *reader.left_out]
        return reader

    def make_order(self, reader: Reader, options: SourceOptions) -> DataOrder:
        assert isinstance(reader, HDF5Reader)
        return GroupedOrder(
            reader.counts, options.batch_size, options.shuffle, options.seed,
            options.last_batch, options.skip,
        )  # fmt: skip

    def _find_files(self, source: str) -> tuple[list[Path], list[LayerError]]:
        """The files of the list, separated, as in Caffe, by any white space, and what is missing.

        Raises:
            LayerError: there is no list, or not one of its files.
        """
        path = self.find_file(source)
        names = " ".join(read_list(path, source)).split()
        if not names:
            raise self.error(f'source "{source}" lists no files')
        files, missing = [], []
        for name in names:
            try:
                files.append(self._find_listed(name, path))
            except LayerError as problem:
                missing.append(problem)
        if not files:
            raise missing[0]
        return files, missing

    def _find_listed(self, name: str, list_path: Path) -> Path:
        """A file of the list: as seen from here, else from the list, else from the config."""
        for path in (Path(name), list_path.parent / name):
            if os.path.isfile(path):
                return path
        return self.find_file(name)
