"""CSVData: batches from a table of numbers."""

from __future__ import annotations

from engine.data.options import SourceOptions
from engine.data.readers.csv import CSVReader
from engine.data.source_layer import SourceLayer
from layers.registry import register_layer


@register_layer("CSVData")
class CSVData(SourceLayer):
    """Gives the rows of a table, and their labels.

    Formula: data = (columns - mean_value) * scale;  label = the label columns

    Files: text, a row a line, gzipped or not. A first line without any number names the columns.

    Shapes: top 0 (batch_size, columns), or (batch_size, ...) as shape says; top 1, if there is
    one, (batch_size,), or (batch_size, n) for n label columns.

    Parameters (csv_data_param): source; batch_size; label_column, needed for a second top, and
    column (all that are no labels), both by name or by number from 0, -1 being the last;
    delimiter (","); shape of a sample, so that a row can be an image. (transform_param): scale,
    mean_value; with a shape of three axes all else too. (source_param): as all sources.

    Example::

        layer {
          name: "data" type: "CSVData" top: "data" top: "label"
          csv_data_param { source: "iris.csv" batch_size: 10 label_column: "species" }
          source_param { shuffle: true }
        }

    Source: our own.
    """

    max_top = 2
    param_field = "csv_data_param"

    def open_reader(self, options: SourceOptions, tops: int) -> CSVReader:
        p = self.own_param
        if tops > 1 and not p.label_column:
            raise self.error(
                f'top "{self.layer_param.top[1]}" needs csv_data_param.label_column',
                hint="label_column: -1 is the last one",
            )
        if len(p.delimiter) != 1:
            raise self.error("needs a csv_data_param.delimiter of one character", p.delimiter)
        path = self.find_file(options.source)
        return CSVReader(path, p.label_column, p.column, p.delimiter, tuple(p.shape.dim))
