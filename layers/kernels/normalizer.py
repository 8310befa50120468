"""What a summed loss is divided by (LossParameter.normalization)."""

from __future__ import annotations

from typing import Any


def normalizer(loss_param: Any, default: str, full: int, valid: int, batch: int) -> float:
    """The divisor, never below 1, so that a batch without valid items costs nothing.

    Args:
        loss_param: the layer's LossParameter.
        default: the mode where the config names none.
        full: the number of items.
        valid: the number of items that are not ignored.
        batch: the length of the first axis.
    """
    mode = getattr(loss_param, default)
    if loss_param.HasField("normalization"):
        mode = loss_param.normalization
    elif loss_param.HasField("normalize"):
        mode = loss_param.VALID if loss_param.normalize else loss_param.BATCH_SIZE
    counts = {
        loss_param.FULL: full,
        loss_param.VALID: valid,
        loss_param.BATCH_SIZE: batch,
        loss_param.NONE: 1,
    }
    return float(max(1, counts[mode]))
