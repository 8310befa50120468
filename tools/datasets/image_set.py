"""Images named in a list as the Datums of a database, the work of Caffe's convert_imageset."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.images import channels_last, decode_image, import_cv2, read_bytes, resize
from engine.data.readers.image_list import ImageListReader
from engine.data.writers import Writer
from engine.data.writers.datum import encoded_datum, image_datum
from engine.schema import Datum
from layers.blob import Array
from layers.errors import DemitasseError
from tools.datasets.ahead import ahead

log = logging.getLogger("demitasse")

_SHOWN = 5  # bad records told one by one


@dataclass(frozen=True)
class ImageSetOptions:
    """How images become Datums.

    Args:
        size: height and width to resize to; zeros leave images as they are.
        gray: one channel in the place of three.
        encoded: whether Datums hold image files in the place of pixels.
        encode_type: which, such as "png"; each image's own where it is empty.
        check_size: whether images of several sizes are an error.
        skip_bad: whether images that cannot be read are left out, as Caffe leaves them out.
    """

    size: tuple[int, int] = (0, 0)
    gray: bool = False
    encoded: bool = False
    encode_type: str = ""
    check_size: bool = False
    skip_bad: bool = False


class Converted(NamedTuple):
    """An image made ready, or what is wrong with it."""

    key: bytes = b""
    value: bytes = b""
    shape: tuple[int, ...] = ()
    problem: DemitasseError | None = None


class ImageSet:
    """The images of a list, in some order, and the Datums they become.

    Args:
        reader: reads the list.
        order: its records, in the order of their new keys.
        options: what is done to them.
    """

    def __init__(self, reader: ImageListReader, order: Array, options: ImageSetOptions):
        self._reader, self._order, self._options = reader, order, options
        import_cv2()

    def __len__(self) -> int:
        return len(self._order)

    def write(self, database: Writer) -> Iterator[Converted]:
        """Writes all Datums, and gives each when it is written.

        Raises:
            DemitasseError: an image or a label is bad, sizes differ that are to be equal, or
                the database cannot be written.
        """
        shapes: Counter[tuple[int, ...]] = Counter()
        problems: list[DemitasseError] = []
        for made in ahead(self._convert, range(len(self))):
            if made.problem is not None:
                self._tell(made.problem, problems)
            else:
                database.put(made.key, made.value)
                shapes[made.shape] += 1
                if self._options.check_size and len(shapes) > 1:
                    raise _unequal(made, shapes)
            yield made
        if not shapes:
            raise DemitasseError("not one image of the list could be read")
        self._sum_up(shapes, problems)

    def _convert(self, number: int) -> Converted:
        """The record that gets a number; its key is Caffe's, the number and the name."""
        record = int(self._order[number])
        try:
            path, name, label = self._reader.entry(record)
            datum, shape = self._datum(path, name, label, self._reader.where(record))
        except DemitasseError as problem:
            problem.where = problem.where or self._reader.where(record)
            return Converted(problem=problem)
        key = b"%08d_%s" % (number, name.encode("utf-8", "surrogateescape"))
        return Converted(key, datum.SerializeToString(), shape)

    def _datum(
        self, path: Path, name: str, label: Array, where: str
    ) -> tuple[Datum, tuple[int, ...]]:
        options = self._options
        data = read_bytes(path, where)
        kind = self._encoding(name, where)
        if kind and not options.size[0] and _is_of_kind(name, kind):
            # The file itself, as in Caffe, in whatever colours it has; decoded to be sure of it.
            return encoded_datum(data, label), decode_image(data, where, None).shape
        image = decode_image(data, where, color=not options.gray)
        if options.size[0]:
            image = resize(image, *options.size)
        if kind:
            return encoded_datum(_encode(image, kind, where), label), image.shape
        return image_datum(image, label), image.shape

    def _encoding(self, name: str, where: str) -> str:
        """The ending of the file that a Datum is to hold; "" for pixels."""
        options = self._options
        if options.encode_type:
            return options.encode_type.lower()
        if not options.encoded:
            return ""
        kind = Path(name).suffix.lower()[1:]
        if not kind:
            raise DemitasseError(
                "the image's name does not say how to encode it", where, hint="--encode_type png"
            )
        return kind

    def _tell(self, problem: DemitasseError, problems: list[DemitasseError]) -> None:
        if not self._options.skip_bad:
            raise problem
        problems.append(problem)
        if len(problems) <= _SHOWN:
            log.warning("left out: %s", problem)

    def _sum_up(self, shapes: Counter[tuple[int, ...]], problems: list[DemitasseError]) -> None:
        if problems:
            log.warning("%s images were left out", f"{len(problems):,}")
        channels = {shape[0] for shape in shapes}
        if self._options.gray and channels != {1}:
            log.warning(
                "files of several channels went in as they are, as with Caffe: read them with "
                "transform_param.force_gray"
            )
        elif len(channels) > 1:
            log.warning(
                "some files are grey and others are not, and went in as they are, as with "
                "Caffe: read them with transform_param.force_color"
            )
        sizes = Counter(shape[1:] for shape in shapes.elements())
        if len(sizes) > 1:
            log.warning(
                "the images have %s sizes, from %s to %s (height x width): batches need one, "
                "by --resize_height and --resize_width, or by a crop_size",
                f"{len(sizes):,}", _by(min(sizes)), _by(max(sizes)),
            )  # fmt: skip


def shuffled(count: int, seed: int | None) -> Array:
    """The numbers up to a count, in order, or in a random one of a seed."""
    return np.arange(count) if seed is None else np.random.default_rng(seed).permutation(count)


def _is_of_kind(name: str, kind: str) -> bool:
    ending = Path(name).suffix.lower()[1:]
    return ending == kind or (kind, ending) == ("jpg", "jpeg")


def _encode(image: Array, kind: str, where: str) -> bytes:
    cv2 = import_cv2()
    try:
        good, data = cv2.imencode(f".{kind}", channels_last(image))
    except cv2.error as problem:
        raise DemitasseError(
            f'OpenCV cannot encode images as "{kind}"', where, hint="--encode_type png, or jpg"
        ) from problem
    if not good:
        raise DemitasseError(f'the image cannot be encoded as "{kind}"', where)
    return bytes(data.tobytes())


def _unequal(made: Converted, shapes: Iterable[tuple[int, ...]]) -> DemitasseError:
    first = next(iter(shapes))
    return DemitasseError(
        "the image has another size than the first",
        made.key.decode(errors="replace"),
        _by(made.shape),
        f"{_by(first)}, as --check_size asks",
        "--resize_height and --resize_width make them equal",
    )


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
