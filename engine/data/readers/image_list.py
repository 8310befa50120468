"""Images named, with their labels, in the lines of a text file."""

from __future__ import annotations

from pathlib import Path

from engine.data.images import import_cv2, read_image
from engine.data.labels import parse_numbers
from engine.data.places import FindFile, ListedFiles, read_list
from engine.data.readers.base import Reader, Record
from layers.blob import Array
from layers.errors import DemitasseError


class ImageListReader(Reader):
    """Images by the lines of a list: a path, which may hold spaces, then the labels.

    Args:
        path: the list.
        source: its name in the config.
        find_file: finds files as seen from the config.
        root: put before every path.
        labels: numbers that end a line.
        color: three channels, or one.
        size: height and width to resize to; 0 leaves the image as it is.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        find_file: FindFile,
        root: str = "",
        labels: int = 1,
        color: bool = True,
        size: tuple[int, int] = (0, 0),
    ):
        import_cv2()
        self._source, self._root = source, root
        self._color, self._size = color, size
        self._find = ListedFiles(path.parent, find_file)
        self.known_bad: dict[int, DemitasseError] = {}
        self._entries: list[tuple[int, str, Array | None]] = []
        for number, line in enumerate(read_list(path, source), start=1):
            if line.strip():
                self._add(number, line, labels)
        if not self._entries:
            raise DemitasseError(f'source "{source}" lists no images', str(path))

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, record: int) -> Record:
        path, _, label = self.entry(record)
        return read_image(path, self.where(record), self._color, *self._size), label

    def entry(self, record: int) -> tuple[Path, str, Array]:
        """The image's file, its name in the list, and the label.

        Raises:
            DemitasseError: the line has none.
        """
        if record in self.known_bad:
            raise self.known_bad[record]
        _, name, label = self._entries[record]
        assert label is not None
        return self._find(self._root + name), name, label

    def where(self, record: int) -> str:
        number, name, _ = self._entries[record]
        return f'{self._source}:{number}, image "{name}"'

    def _add(self, number: int, line: str, labels: int) -> None:
        words = line.rsplit(maxsplit=labels)
        where = f"{self._source}:{number}"
        try:
            if len(words) < labels + 1:
                wanted = "a path and a label" if labels == 1 else f"a path and {labels} labels"
                raise DemitasseError("the line is too short", where, f'"{line}"', wanted)
            entry = (number, words[0].lstrip(), parse_numbers(words[1:], where))
        except DemitasseError as problem:
            self.known_bad[len(self._entries)] = problem
            self._entries.append((number, "", None))
        else:
            self._entries.append(entry)
