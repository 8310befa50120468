"""Makes the digits of configs/mnist from a table: python -m tools.upkeep.make_digits CSV OUTDIR."""

from __future__ import annotations

import argparse
import gzip
import struct
from pathlib import Path

import numpy as np

from engine.data.order import permutation
from layers.blob import Array

HELD_OUT = 100  # digits of each class that training does not see
SEED = 0


def split_digits(table: Array) -> tuple[Array, Array]:
    """The rows to train on and the rows held out, each in a random order that mixes the classes.

    Args:
        table: a digit a row: 784 pixels, then the label.
    """
    table = table[permutation(len(table), SEED)]
    labels = table[:, -1]
    held_out = np.zeros(len(table), bool)
    for label in np.unique(labels):
        held_out[np.flatnonzero(labels == label)[:HELD_OUT]] = True
    return table[~held_out], table[held_out]


def write_idx_gz(path: Path, values: Array) -> None:
    """Writes bytes as gzipped idx; the same values always give the same file."""
    header = struct.pack(f">2xBB{values.ndim}I", 0x08, values.ndim, *values.shape)
    # No file name and no time in the gzip header: either would change the file from run to run.
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(header + np.ascontiguousarray(values, np.uint8).tobytes())


def main(arguments: list[str] | None = None) -> None:
    """Reads the table and writes the four files."""
    parser = argparse.ArgumentParser(prog="make_digits", description=__doc__)
    parser.add_argument("csv", type=Path, help="784 pixels and a label a row; may be gzipped")
    parser.add_argument("outdir", type=Path, help="folder for the four idx.gz files")
    options = parser.parse_args(arguments)
    table = np.loadtxt(options.csv, np.uint8, delimiter=",")
    options.outdir.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(("train", "t10k"), split_digits(table), strict=True):
        images = rows[:, :-1].reshape(-1, 28, 28)
        write_idx_gz(options.outdir / f"{name}-images-idx3-ubyte.gz", images)
        write_idx_gz(options.outdir / f"{name}-labels-idx1-ubyte.gz", rows[:, -1])
        print(f"{name}: {len(rows)} digits")


if __name__ == "__main__":
    main()
