"""Our side of the benchmark of data.

``python -m tools.bench.data_ours SOURCE FOLDER BATCH CROP`` gives batches on command.
"""

from __future__ import annotations

import sys

from google.protobuf import text_format

from engine import TRAIN, Net
from engine.schema import NetParameter
from layers.blob import Array
from tools.bench.data_loop import serve_batches

MEAN = (104, 117, 123)

SOURCES = {
    "lmdb_raw": 'type: "Data" data_param { source: "%s/raw_lmdb" %s }',
    "lmdb_jpeg": 'type: "Data" data_param { source: "%s/jpeg_lmdb" %s }',
    "image_list": 'type: "ImageData" image_data_param { source: "%s/list.txt" %s }',
    "hdf5": 'type: "HDF5Data" hdf5_data_param { source: "%s/h5.txt" %s }',
    "arrays": 'type: "ArrayData" array_data_param { source: "%s/images.npy" '
    'label_source: "%s/labels.npy" %s }',
}


def make_net(source: str, folder: str, batch: int, crop: int) -> Net:
    """A net of one layer, which reads the source."""
    places = [folder] * (SOURCES[source].count("%s") - 1)
    layer = SOURCES[source] % (*places, f"batch_size: {batch}")
    text = f"""layer {{
      name: "data" top: "data" top: "label" {layer} source_param {{ shuffle: true }}
      transform_param {{ crop_size: {crop} mirror: true {_means()} }}
    }}"""
    return Net(text_format.Parse(text, NetParameter()), phase=TRAIN)


def main(source: str, folder: str, batch: str, crop: str) -> None:
    """Serves batches of a source."""
    net = make_net(source, folder, int(batch), int(crop))

    def take() -> Array:
        net.forward()
        return net.blobs["data"].data

    serve_batches(take)


def _means() -> str:
    return " ".join(f"mean_value: {value}" for value in MEAN)


if __name__ == "__main__":
    main(*sys.argv[1:])
