"""Whether the processor multiplies bfloat16 numbers; elsewhere oneDNN imitates them, slowly."""

from __future__ import annotations

from functools import cache

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.constants import BF16
from engine.kernels.onednn.memory import Layout
from engine.kernels.onednn.primitive import attributes, describe


@cache
def has_bf16() -> bool:
    """Whether oneDNN is there, and has implementations that are made for such a processor."""
    square = Layout.plain((64, 64), BF16).handle
    try:
        product = describe("matmul", square, square, None, square, attributes())
    except OneDNNError:
        return False
    return "bf16" in product.implementation or "amx" in product.implementation
