"""Operations: the layers, and runs of layers, that a plan computes with oneDNN; one a file."""

from engine.plan.operations import (
    activation,
    batch_norm,
    concat,
    convolution,
    deconvolution,
    eltwise,
    inner_product,
    lrn,
    lstm,
    pooling,
    prelu,
    sigmoid_cross_entropy,
    softmax,
    split,
)
from engine.plan.operations.base import Operation, find_operation
from engine.plan.operations.reference import Reference

__all__ = [
    "Operation",
    "Reference",
    "activation",
    "batch_norm",
    "concat",
    "convolution",
    "deconvolution",
    "eltwise",
    "find_operation",
    "inner_product",
    "lrn",
    "lstm",
    "pooling",
    "prelu",
    "sigmoid_cross_entropy",
    "softmax",
    "split",
]
