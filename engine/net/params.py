"""The parameters of a net: who owns them, who shares them, and the arena they live in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from engine.schema import ParamSpec
from layers import Blob, Layer
from layers.blob import Array

_ALIGN = 16  # elements: parameters start on cache lines


@dataclass
class Param:
    """One learnable parameter: the blob of its owner, and how fast it learns.

    Args:
        blob: values and gradient; layers that share the parameter have views of it.
        layer: name of the owning layer.
        index: which of the layer's blobs it is.
        name: the name it is shared under, or an empty string.
        lr_mult: factor on the solver's learning rate.
        decay_mult: factor on the solver's weight decay.
    """

    blob: Blob
    layer: str
    index: int
    name: str = ""
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    lr_given: bool = False
    decay_given: bool = False


class ParamRegistry:
    """Collects parameters as layers are made; a named one seen again shares its first owner.

    ``learnable`` lists the owned parameters; ``shared`` names the others, by layer and index.
    """

    def __init__(self) -> None:
        self.learnable: list[Param] = []
        self._owners: dict[str, Param] = {}
        self._sharers: list[tuple[Blob, Blob]] = []
        self.shared: set[tuple[str, int]] = set()
        self._names: set[str] = set()

    def add_layer(self, layer: Layer) -> None:
        """Takes in all blobs of a layer that has been set up.

        Raises:
            DemitasseError: more ``param`` entries than blobs, or sharing that does not fit.
        """
        specs = layer.layer_param.param
        if len(specs) > len(layer.blobs):
            what, most = "has more param entries than parameters", f"at most {len(layer.blobs)}"
            raise layer.error(what, len(specs), most, id="DM210")
        if layer.blobs and layer.name in self._names:
            raise layer.error(
                "has the name of another layer with parameters",
                hint="parameters are saved by layer name, so each needs a name of its own",
                id="DM203",
            )
        if layer.blobs:
            self._names.add(layer.name)
        frozen = getattr(layer, "frozen_params", False)
        for index, blob in enumerate(layer.blobs):
            spec = specs[index] if index < len(specs) else ParamSpec()
            param = _param(layer, index, blob, spec, frozen)
            layer.param_propagate_down[index] = param.lr_mult != 0
            owner = self._owners.get(spec.name) if spec.name else None
            if owner is None:
                self.learnable.append(param)
                if spec.name:
                    self._owners[spec.name] = param
            else:
                self._share(layer, param, owner, permissive=spec.share_mode == spec.PERMISSIVE)

    def _share(self, layer: Layer, param: Param, owner: Param, permissive: bool) -> None:
        mine, theirs = param.blob, owner.blob
        fits = mine.count == theirs.count if permissive else mine.shape == theirs.shape
        if not fits:
            raise layer.error(
                f'cannot share parameter "{param.name}" of layer "{owner.layer}"',
                f"shape {mine.shape}",
                f"{theirs.count} elements" if permissive else f"shape {theirs.shape}",
                "" if permissive else "share_mode: PERMISSIVE compares the counts only",
                id="DM210",
            )
        for what in ("lr", "decay"):
            if not getattr(param, f"{what}_given"):
                continue
            value, owned = getattr(param, f"{what}_mult"), getattr(owner, f"{what}_mult")
            if getattr(owner, f"{what}_given") and value != owned:
                raise layer.error(
                    f'shared parameter "{param.name}" has two values of {what}_mult',
                    f"{value:g} here, {owned:g} before",
                    "the same value, or none here",
                    id="DM210",
                )
            setattr(owner, f"{what}_mult", value)
            setattr(owner, f"{what}_given", True)
        if not param.lr_given:
            layer.param_propagate_down[param.index] = owner.lr_mult != 0
        self._sharers.append((mine, theirs))
        self.shared.add((layer.name, param.index))

    def pack(self, dtype: DTypeLike) -> Arena:
        """Moves all parameters into one arena and points the sharers at it."""
        arena = Arena(self.learnable, dtype)
        for sharer, owner in self._sharers:
            sharer.share_data(owner)
            sharer.share_diff(owner)
        return arena


def _param(layer: Layer, index: int, blob: Blob, spec: ParamSpec, frozen: bool) -> Param:
    for field in ("lr_mult", "decay_mult"):
        value = getattr(spec, field)
        if not math.isfinite(value):
            raise layer.error(f"{field} is no finite number", f"{value:g}", id="DM210")
    return Param(
        blob,
        layer.name,
        index,
        spec.name,
        0.0 if frozen else spec.lr_mult,
        spec.decay_mult,
        spec.HasField("lr_mult"),
        spec.HasField("decay_mult"),
    )


@dataclass(frozen=True)
class Segment:
    """A run of the arena whose parameters have the same multipliers."""

    where: slice
    lr_mult: float
    decay_mult: float


class Arena:
    """All parameters in one array of values and one of gradients.

    Parameters with equal multipliers lie side by side, so that an update, a norm or an
    average is a few passes over long runs and not a loop over parameters. Between
    parameters lie a few zeros, for alignment; they stay zero.

    Args:
        params: the learnable parameters; their blobs become views of the arena.
        dtype: of both arrays.
    """

    def __init__(self, params: Iterable[Param], dtype: DTypeLike):
        self.slots: list[tuple[Param, slice]] = []
        self.segments: list[Segment] = []
        groups: dict[tuple[float, float], list[Param]] = {}
        for param in params:
            groups.setdefault((param.lr_mult, param.decay_mult), []).append(param)
        end = 0
        for (lr_mult, decay_mult), members in groups.items():
            start = end
            for param in members:
                self.slots.append((param, slice(end, end + param.blob.count)))
                end += -(-param.blob.count // _ALIGN) * _ALIGN
            self.segments.append(Segment(slice(start, end), lr_mult, decay_mult))
        self.data = np.zeros(end, dtype)
        self.diff = np.zeros(end, dtype)
        for param, where in self.slots:
            param.blob.bind(self.data[where], self.diff[where])

    def empty_slot(self) -> Array:
        """A zeroed array laid out like the arena: one slot of a solver's state."""
        return np.zeros_like(self.data)

    def views(self, slot: Array, params: Iterable[Param]) -> list[Array]:
        """The parts of an arena-shaped array that belong to the given parameters."""
        where = {id(param): place for param, place in self.slots}
        return [slot[where[id(param)]].reshape(param.blob.shape) for param in params]
