"""Random changes to images beyond Caffe's crop and mirror, for training."""

from engine.data.augment.plan import Augmentation, read_augmentation

__all__ = ["Augmentation", "read_augmentation"]
