"""Windows in images: what they show, and how much of it, from R-CNN's window files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.data.images import import_cv2, read_image
from engine.data.labels import parse_numbers
from engine.data.places import FindFile, ListedFiles, read_list
from engine.data.readers.base import Reader, Record
from layers.blob import Array
from layers.errors import DemitasseError


class Window(NamedTuple):
    """A window, by the number of its image and the corners that belong to it."""

    image: int
    label: int
    corners: tuple[int, int, int, int]


class WindowReader(Reader):
    """Images with a window each: background first, then objects.

    A record is the image, its label, and the corners x1, y1, x2, y2.

    Args:
        path: the window file.
        source: its name in the config.
        find_file: finds files as seen from the config.
        root: put before every image's path.
        thresholds: overlap from which a window is an object, and below which it is background.
        cache: whether images, as files, are kept in memory.

    Attributes:
        backgrounds: number of background windows, which come first.
        left_out: what is wrong with windows that are no numbers, or objects of no class.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        find_file: FindFile,
        root: str,
        thresholds: tuple[float, float],
        cache: bool = False,
    ):
        import_cv2()
        self._source = source
        self._find = ListedFiles(path.parent, find_file)
        self._root, self._cache = root, cache
        self._cached: dict[int, Array] = {}
        self._images: list[str] = []
        self.left_out: list[DemitasseError] = []
        objects: list[Window] = []
        backgrounds: list[Window] = []
        self._words = [
            (word, number)
            for number, line in enumerate(read_list(path, source), start=1)
            for word in line.split()
        ]
        self._at = 0
        while self._at < len(self._words):
            self._read_image(thresholds, objects, backgrounds)
        self._windows = backgrounds + objects
        self.backgrounds = len(backgrounds)

    def __len__(self) -> int:
        return len(self._windows)

    def read(self, record: int) -> Record:
        window = self._windows[record]
        corners = np.array(window.corners)
        return self._image(window.image), np.array(window.label, np.float32), corners

    def after(self, record: int) -> int:
        """The next one of its kind, so that a batch keeps its share of objects."""
        if record < self.backgrounds:
            return (record + 1) % self.backgrounds
        return max(super().after(record), self.backgrounds)

    def where(self, record: int) -> str:
        window = self._windows[record]
        return f'{self._source}, image "{self._root}{self._images[window.image]}", {window.corners}'

    def _image(self, number: int) -> Array:
        if number in self._cached:
            return self._cached[number]
        name = self._root + self._images[number]
        image = read_image(self._find(name), f'{self._source}, image "{name}"', color=True)
        if self._cache:
            self._cached[number] = image
        return image

    def _read_image(
        self, thresholds: tuple[float, float], objects: list[Window], backgrounds: list[Window]
    ) -> None:
        """Reads ``# number``, path, channels, height, width, and the windows of one image."""
        word = self._next()
        if word != "#":
            raise DemitasseError("an image must begin with #", self._where(), f'"{word}"')
        self._number()
        self._images.append(self._next())
        for _ in range(3):  # channels, height and width: the image itself has them too
            self._number()
        for _ in range(int(self._number())):
            words = [self._next() for _ in range(6)]
            try:
                window, overlap = self._window(words, thresholds[0])
            except DemitasseError as problem:
                self.left_out.append(problem)
                continue
            if overlap >= thresholds[0]:
                objects.append(window)
            elif overlap < thresholds[1]:
                backgrounds.append(window._replace(label=0))

    def _window(self, words: Sequence[str], threshold: float) -> tuple[Window, float]:
        """The window that a line describes, of the last image, and its overlap."""
        label, overlap, *corners = parse_numbers(words, self._where(), "value").tolist()
        if overlap >= threshold and label < 1:
            raise DemitasseError("an object needs a label above 0", self._where(), f"{label:g}")
        x1, y1, x2, y2 = map(int, corners)
        return Window(len(self._images) - 1, int(label), (x1, y1, x2, y2)), overlap

    def _next(self) -> str:
        if self._at >= len(self._words):
            raise DemitasseError("the window file ends within an image", self._source)
        self._at += 1
        return self._words[self._at - 1][0]

    def _number(self) -> float:
        word = self._next()
        return float(parse_numbers([word], self._where(), "value"))

    def _where(self) -> str:
        return f"{self._source}:{self._words[max(0, self._at - 1)][1]}"
