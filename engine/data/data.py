"""Data: batches from a database of Datums."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.data.options import SourceOptions
from engine.data.readers.datum import DatumReader
from engine.data.readers.leveldb import open_leveldb
from engine.data.readers.lmdb import open_lmdb
from engine.data.source_layer import SourceLayer
from layers.registry import register_layer

log = logging.getLogger("demitasse")


@register_layer("Data")
class Data(SourceLayer):
    """Gives the images in an LMDB or LevelDB, and their labels, in the order of the keys.

    Formula: data = (crop(image) - mean) * scale, mirrored half of the time if so wished;
    label = the Datum's label, or its float labels where it has some

    Files: a database as Caffe's convert_imageset and extract_features write it: raw pixels,
    encoded images (these need OpenCV) or floats. It is only read, and may be read-only.

    Shapes: top 0 (batch_size, C, H, W), H and W being the crop's where there is one; top 1, if
    there is one, (batch_size,), or (batch_size, n) for n labels each. A batch of one has the
    shape of its sample, in any other all samples agree.

    Parameters (data_param): source, the folder; batch_size; backend (LEVELDB; where it is not
    given, what the folder holds); rand_skip (0), prefetch (4). (transform_param): scale, mirror,
    crop_size, mean_file, mean_value, augment; force_color, force_gray, for encoded images only.
    (source_param): shuffle, seed, last_batch, on_bad_record and more, as all sources.

    Example::

        layer {
          name: "data" type: "Data" top: "data" top: "label"
          transform_param { crop_size: 227 mirror: true mean_file: "mean.binaryproto" }
          data_param { source: "train_lmdb" backend: LMDB batch_size: 64 }
        }

    Source: Caffe's Data.
    """

    max_top = 2
    param_field = "data_param"

    def open_reader(self, options: SourceOptions, tops: int) -> DatumReader:
        p, t = self.own_param, self.layer_param.transform_param
        if t.force_color and t.force_gray:
            raise self.error("transform_param has both force_color and force_gray")
        color = True if t.force_color or p.force_encoded_color else None
        folder = self._find(options.source)
        lmdb = p.backend == p.LMDB
        if not p.HasField("backend"):
            lmdb = (folder / "data.mdb").is_file()
        reader = DatumReader(
            open_lmdb(folder) if lmdb else open_leveldb(folder),
            str(folder),
            False if t.force_gray else color,
        )
        if (t.force_color or t.force_gray) and not reader.datum(0)[1].encoded:
            log.warning(
                'layer "%s": force_color and force_gray do nothing to images that are not encoded',
                self.name,
            )
        return reader

    def _find(self, source: str) -> Path:
        """The database's folder; ``data.mdb`` itself, which LMDB tools name too, stands for it."""
        whole = Path(source).name == "data.mdb"
        return self.find_file(source).parent if whole else self.find_folder(source)
