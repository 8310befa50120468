"""The ``augment`` list of a transform_param."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.data.augment.base import ImageChange, check
from engine.data.augment.color import ColorJitter
from engine.data.augment.crop import RandomResizedCrop
from engine.data.augment.cutout import Cutout
from engine.data.augment.mixup import Mixup
from engine.data.augment.rotation import Rotation

_CHANGES: dict[str, Any] = {
    "random_resized_crop": RandomResizedCrop,
    "rotation": Rotation,
    "color_jitter": ColorJitter,
}


@dataclass
class Augmentation:
    """What is done beyond Caffe's transforms.

    Args:
        changes: to the image as it was read, in order.
        cutouts: holes in the finished sample.
        mixup: of the samples in a batch.
        std: what values are divided by, once the mean is subtracted.
    """

    changes: list[ImageChange] = field(default_factory=list)
    cutouts: list[Cutout] = field(default_factory=list)
    mixup: Mixup | None = None
    std: list[float] = field(default_factory=list)


def read_augmentation(params: Iterable[Any], train: bool) -> Augmentation:
    """The augmentation in a list of AugmentParameters; when testing, only normalize counts.

    Raises:
        DemitasseError: an option is wrong.
    """
    found = Augmentation()
    for param in params:
        fields = [field.name for field, _ in param.ListFields()]
        check(len(fields) == 1, "each entry is one change", ", ".join(fields) or "none", "one")
        (kind,) = fields
        options = getattr(param, kind)
        if kind == "normalize":
            check(bool(options.std) and not found.std, "normalize", list(options.std), "std, once")
            check(min(options.std) > 0, "normalize std", list(options.std), "values above 0")
            found.std = list(options.std)
        elif kind == "mixup":
            check(found.mixup is None, "mixup", "two of them", "one at most")
            found.mixup = Mixup(options)
        elif kind == "cutout":
            found.cutouts.append(Cutout(options))
        else:
            found.changes.append(_CHANGES[kind](options))
    return found if train else Augmentation(std=found.std)
