"""Images in a folder for each class."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from engine.data.images import import_cv2, read_image
from engine.data.readers.base import Reader, Record
from layers.errors import DemitasseError

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp")


class ImageFolderReader(Reader):
    """Images below the folders of their classes, which are numbered in the order of their names.

    Args:
        folder: holds the folders of the classes.
        color: three channels, or one.
        size: height and width to resize to; 0 leaves the image as it is.

    Attributes:
        classes: the names of the folders.
    """

    def __init__(self, folder: Path, color: bool = True, size: tuple[int, int] = (0, 0)):
        import_cv2()
        self._color, self._size = color, size
        self.classes = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
        if not self.classes:
            raise DemitasseError(
                "there are no folders of classes", str(folder), expected="class/image.jpg"
            )
        self._entries = []
        for number, name in enumerate(self.classes):
            paths = _images(folder / name)
            if not paths:
                raise DemitasseError(
                    "the folder of a class holds no images",
                    str(folder / name),
                    expected="files that end in " + ", ".join(SUFFIXES),
                )
            self._entries += [(path, number) for path in paths]

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, record: int) -> Record:
        path, label = self._entries[record]
        image = read_image(path, str(path), self._color, *self._size)
        return image, np.array(label, np.float32)

    def where(self, record: int) -> str:
        return str(self._entries[record][0])


def _images(folder: Path) -> list[Path]:
    """All images below a folder, in the order of their paths."""
    return [
        Path(parent) / name
        for parent, _, names in sorted(os.walk(folder, followlinks=True))
        for name in sorted(names)
        if name.lower().endswith(SUFFIXES)
    ]
