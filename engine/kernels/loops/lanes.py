"""Registers of sixteen floats, while numba generates code: arithmetic as it would be on numbers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

LANES = 16
BYTES = 4 * LANES

_FLOAT, _ADDRESS = ir.FloatType(), ir.IntType(64)
_REGISTER = ir.VectorType(_FLOAT, LANES)
_WORDS, _HALVES = ir.VectorType(ir.IntType(32), LANES), ir.VectorType(ir.IntType(16), LANES)
_FUSED = ("contract",)  # a product and a sum may become one instruction


class Lanes:
    """The float32 values of one register (or of two, on processors whose registers are short).

    Args:
        builder: of the code that is being generated.
        value: the register.
    """

    def __init__(self, builder: Any, value: Any):
        self.builder, self.value = builder, value

    @classmethod
    def filled(cls, builder: Any, number: Any) -> Lanes:
        """All lanes the same: a constant, or a float that the code computes."""
        if isinstance(number, int | float):
            return cls(builder, ir.Constant(_REGISTER, [float(number)] * LANES))
        undefined = ir.Constant(_REGISTER, ir.Undefined)
        first = builder.insert_element(undefined, number, _index(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return cls(builder, builder.shuffle_vector(first, undefined, order))

    @classmethod
    def load(cls, builder: Any, address: Any) -> Lanes:
        """Sixteen floats that lie side by side."""
        return cls(builder, builder.load(_pointer(builder, address, _REGISTER), align=4))

    def store(self, address: Any) -> None:
        """Puts them side by side."""
        self.builder.store(self.value, _pointer(self.builder, address, _REGISTER), align=4)

    @classmethod
    def load_bf16(cls, builder: Any, address: Any) -> Lanes:
        """Sixteen bfloat16 numbers that lie side by side."""
        halves = builder.load(_pointer(builder, address, _HALVES), align=2)
        bits = builder.shl(builder.zext(halves, _WORDS), _words(16))
        return cls(builder, builder.bitcast(bits, _REGISTER))

    def store_bf16(self, address: Any) -> None:
        """Puts them side by side as bfloat16 numbers, rounded to the nearest, to even ones."""
        builder = self.builder
        bits = builder.bitcast(self.value, _WORDS)
        even = builder.and_(builder.lshr(bits, _words(16)), _words(1))
        rounded = builder.add(builder.add(bits, _words(0x7FFF)), even)
        quiet = builder.or_(bits, _words(0x400000))  # what is not a number is not rounded
        no_number = builder.fcmp_unordered("uno", self.value, self.value)
        chosen = builder.lshr(builder.select(no_number, quiet, rounded), _words(16))
        place = _pointer(builder, address, _HALVES)
        builder.store(builder.trunc(chosen, _HALVES), place, align=2)

    @classmethod
    def gather(cls, builder: Any, address: Any, step: Any) -> Lanes:
        """Sixteen floats, so many bytes from one to the next."""
        value = ir.Constant(_REGISTER, ir.Undefined)
        for lane in range(LANES):
            number = builder.load(_pointer(builder, _at(builder, address, lane, step), _FLOAT))
            value = builder.insert_element(value, number, _index(lane))
        return cls(builder, value)

    def scatter(self, address: Any, step: Any) -> None:
        """Puts them so many bytes from one to the next."""
        builder = self.builder
        for lane in range(LANES):
            number = builder.extract_element(self.value, _index(lane))
            builder.store(number, _pointer(builder, _at(builder, address, lane, step), _FLOAT))

    def at_least(self, other: Lanes) -> Lanes:
        """The greater of the two; what is not a number stays so."""
        less = self.builder.fcmp_ordered("<", self.value, other.value)
        return Lanes(self.builder, self.builder.select(less, other.value, self.value))

    def __add__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, other.value, flags=_FUSED))

    def __sub__(self, other: Lanes) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, other.value, flags=_FUSED))

    def __rmul__(self, number: float) -> Lanes:
        factor = Lanes.filled(self.builder, number)
        return Lanes(self.builder, self.builder.fmul(factor.value, self.value, flags=_FUSED))


def _index(lane: int) -> Any:
    return ir.Constant(ir.IntType(32), lane)


def _words(value: int) -> Any:
    return ir.Constant(_WORDS, [value] * LANES)


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


def _at(builder: Any, address: Any, index: int, step: Any) -> Any:
    return builder.add(address, builder.mul(step, ir.Constant(_ADDRESS, index)))
