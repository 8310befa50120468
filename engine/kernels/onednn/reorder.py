"""Reorders: copies from one layout into another."""

from __future__ import annotations

import ctypes

from engine.kernels.onednn.calls import PrimitiveDesc, call, engine
from engine.kernels.onednn.memory import Memory
from engine.kernels.onednn.primitive import Call, Description, Scratch, attributes, primitive


def reorder(source: Memory, target: Memory, scratch: Scratch, add: bool = False) -> Call:
    """A call that copies, or adds to what the target holds."""
    handle = PrimitiveDesc()
    call("reorder_primitive_desc_create", ctypes.byref(handle), source.layout.handle, engine(),
         target.layout.handle, engine(), attributes(sums=add))  # fmt: skip
    return primitive(Description("reorder", handle), scratch, src=source, dst=target)
