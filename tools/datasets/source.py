"""Opens whatever the engine reads, told apart by what is there."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.data.array_file import npz_keys, read_array
from engine.data.hdf5_file import dataset_names
from engine.data.labels import is_number
from engine.data.places import is_text, read_list
from engine.data.readers import Reader
from engine.data.readers.arrays import ArrayReader
from engine.data.readers.csv import CSVReader
from engine.data.readers.datum import DatumReader
from engine.data.readers.hdf5 import HDF5Reader
from engine.data.readers.image_folder import SUFFIXES, ImageFolderReader
from engine.data.readers.image_list import ImageListReader
from engine.data.readers.leveldb import open_leveldb
from engine.data.readers.lmdb import open_lmdb
from engine.data.readers.windows import WindowReader
from engine.spec.binary import HDF5_MAGIC
from layers.blob import Array
from layers.errors import DemitasseError

# Names under which files of several arrays commonly have samples and labels.
_DATA_NAMES = ("data", "images", "image", "x", "X", "x_train", "X_train", "features")
_LABEL_NAMES = ("label", "labels", "y", "Y", "y_train", "Y_train", "target", "targets")


@dataclass(frozen=True)
class Choices:
    """What a source does not say itself.

    Args:
        key: the array or dataset of samples, in files of several.
        label_key: that of the labels.
        labels: a file of labels, for one of arrays.
        label_column: of a table, by name or number.
        root: put before the paths of a list.
        label_count: numbers that end a line of it.
    """

    key: str = ""
    label_key: str = ""
    labels: str = ""
    label_column: str = ""
    root: str = ""
    label_count: int = 1


@dataclass
class Source:
    """An open source.

    Args:
        kind: what it is, in words.
        reader: of its records.
        classes: the names of the labels 0, 1, ..., where it has them.
        bgr: whether three channels are known to be blue, green and red.
    """

    kind: str
    reader: Reader
    classes: Sequence[str] = field(default_factory=list)
    bgr: bool = False


def open_source(name: str, choices: Choices | None = None) -> Source:
    """The source at a path.

    Raises:
        DemitasseError: there is nothing, it is damaged, or none that the engine reads.
        MissingDependency: the package that reads it is not installed.
    """
    path, choices = Path(name), choices or Choices()
    if path.name == "data.mdb":
        path = path.parent
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise DemitasseError("there is no such source of data", name)
    with open(path, "rb") as file:
        start = file.read(4096)
    if not start:
        raise DemitasseError("the file is empty", name)
    return _opener(path, start)(path, choices)


def _folder(path: Path) -> Source:
    if (path / "data.mdb").is_file():
        return Source("LMDB", DatumReader(open_lmdb(path), str(path)))
    if (path / "CURRENT").is_file():
        return Source("LevelDB", DatumReader(open_leveldb(path), str(path)))
    reader = ImageFolderReader(path)
    return Source("images in folders of classes", reader, reader.classes, bgr=True)


def _opener(path: Path, start: bytes) -> Callable[[Path, Choices], Source]:
    """What opens a file that starts with these bytes."""
    if start.startswith(HDF5_MAGIC):
        return _hdf5
    if start.startswith((b"\x93NUMPY", b"PK", b"\0\0")):
        return _arrays
    if start.startswith(b"\x1f\x8b"):
        return _arrays if _unzipped_start(path).startswith(b"\0\0") else _table
    if path.suffix.lower() in (".csv", ".tsv"):
        return _table
    if path.suffix.lower() in SUFFIXES:
        raise DemitasseError(
            "this is one image, not a set of them", str(path), hint="name a list, or a folder"
        )
    lines = read_list(path, str(path)) if is_text(start) else []
    line = next((line for line in lines if line.strip()), "")
    words = line.split()
    if words[:1] == ["#"]:
        return _windows
    if words and _is_hdf5(_beside(words[0], path)):
        return _hdf5_list
    if "," in line and all(is_number(word) for word in line.split(",")):
        return _table
    if len(words) > 1 and is_number(words[-1]) and "." in line.removesuffix(words[-1]):
        return _list
    raise DemitasseError(
        "this is no source of data",
        str(path),
        expected="LMDB, LevelDB, HDF5 or a list of HDF5 files, a list of images, a window file, "
        "a folder of class folders, .csv, .npy, .npz or idx",
    )


def _arrays(path: Path, choices: Choices) -> Source:
    keys = npz_keys(path)
    key, label_key = choices.key, choices.label_key
    if len(keys) > 1:
        key = key or _first(_DATA_NAMES, keys)
        label_key = label_key or ("" if choices.labels else _first(_LABEL_NAMES, keys))
    arrays, kind = [_samples(path, key)], "arrays"
    labels = Path(choices.labels) if choices.labels else _labels_beside(path)
    if label_key and not choices.labels:
        labels = path
    if labels is not None:
        arrays.append(np.asarray(read_array(labels, label_key)))
        beside = f"labels from {labels.name}" if labels != path else f'labels "{label_key}"'
        kind = f'arrays: samples "{key}", {beside}' if key else f"arrays, {beside}"
        if len(arrays[0]) != len(arrays[1]):
            raise DemitasseError(
                "must have as many labels as samples",
                str(path),
                f"{len(arrays[0])} samples, {len(arrays[1])} in {labels}",
            )
    return Source(kind, ArrayReader(*arrays, source=str(path)))


def _samples(path: Path, key: str) -> Array:
    try:
        array = read_array(path, key)
    except DemitasseError as problem:
        problem.hint = problem.hint or ("--key NAME" if "several" in problem.what else "")
        raise
    if array.ndim == 0 or array.size == 0:
        raise DemitasseError("there are no samples", str(path), f"shape {array.shape}")
    return array[:, np.newaxis] if array.ndim == 3 else array


def _labels_beside(path: Path) -> Path | None:
    """The file of labels that belongs to a file of images, as MNIST's are named."""
    labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    return labels if labels != path and labels.is_file() else None


def _table(path: Path, choices: Choices) -> Source:
    columns = [choices.label_column] if choices.label_column else []
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    reader = CSVReader(path, columns, delimiter=delimiter)
    told = f', labels from column "{columns[0]}"' if columns else ", no label column named"
    return Source(f"table{told}", reader if columns else _Unlabelled(reader))


class _Unlabelled(Reader):
    """The records of a table without labels; the reader gives empty ones."""

    workers = 0

    def __init__(self, reader: CSVReader):
        self._reader, self.known_bad = reader, reader.known_bad

    def __len__(self) -> int:
        return len(self._reader)

    def read(self, record: int) -> tuple[Array, ...]:
        return self._reader.read(record)[:1]


def _list(path: Path, choices: Choices) -> Source:
    root = f"{choices.root.rstrip('/')}/" if choices.root else ""
    reader = ImageListReader(path, str(path), Path, root, choices.label_count)
    return Source("images in a list", reader, bgr=True)


def _windows(path: Path, choices: Choices) -> Source:
    root = f"{choices.root.rstrip('/')}/" if choices.root else ""
    reader = _Windows(path, str(path), Path, root, (0.5, 0.5))
    if reader.left_out:
        raise reader.left_out[0]
    return Source("windows in images, label 0 the background", reader, bgr=True)


class _Windows(WindowReader):
    """What the windows show, in the place of their images."""

    def read(self, record: int) -> tuple[Array, ...]:
        image, label, (x1, y1, x2, y2) = super().read(record)
        shown = image[:, y1 : y2 + 1, x1 : x2 + 1]
        if min(x1, y1) < 0 or shown.shape[1:] != (y2 - y1 + 1, x2 - x1 + 1):
            raise DemitasseError(
                "the window does not lie in its image", self.where(record), f"{image.shape[1:]}"
            )
        return shown, label


def _hdf5(path: Path, choices: Choices) -> Source:
    return _hdf5_files([path], choices)


def _hdf5_list(path: Path, choices: Choices) -> Source:
    names = " ".join(read_list(path, str(path))).split()
    return _hdf5_files([_beside(name, path) for name in names], choices)


def _hdf5_files(files: list[Path], choices: Choices) -> Source:
    known = dataset_names(files[0])
    key = choices.key or _first(_DATA_NAMES, known) or (known[0] if known else "data")
    label = choices.label_key or _first(_LABEL_NAMES, known)
    chosen = [key] + [label] * (label not in ("", key))
    told = " and ".join(f'"{name}"' for name in chosen)
    of = f" of {len(files):,} files" if len(files) > 1 else ""
    others = [name for name in known if name not in chosen]
    more = f" (also there: {', '.join(others)})" if others else ""
    reader = HDF5Reader(files, chosen, np.float32)
    if reader.left_out:
        raise reader.left_out[0]
    return Source(f"HDF5: datasets {told}{of}{more}", reader)


def _beside(name: str, path: Path) -> Path:
    """A file of a list, as seen from here, else from the list's folder."""
    return Path(name) if Path(name).is_file() else path.parent / name


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(8) == HDF5_MAGIC


def _unzipped_start(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(2)
    except (OSError, EOFError, zlib.error) as problem:
        raise DemitasseError(f"the gzip file is damaged: {problem}", str(path)) from problem


def _first(names: Sequence[str], known: Sequence[str]) -> str:
    return next((name for name in names if name in known), "")
