"""What pycaffe's Net has beside forward and backward: whole sets, HDF5, lists of names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import DemitasseError
from engine.net import weights
from engine.net.arguments import as_path, find_blob
from engine.net.gradient_flow import Node
from layers import Blob, Layer
from layers.blob import Array, as_array


class PycaffeNet(ABC):
    """Methods that scripts written for pycaffe call; what they need of Net is declared first."""

    name: str
    nodes: list[Node]
    blobs: dict[str, Blob]
    params: dict[str, list[Blob]]
    outputs: list[str]
    shared_params: set[tuple[str, int]]

    @property
    @abstractmethod
    def layers(self) -> list[Layer]: ...

    @property
    @abstractmethod
    def layer_names(self) -> list[str]: ...

    @property
    @abstractmethod
    def inputs(self) -> list[str]: ...

    @abstractmethod
    def forward(
        self, blobs: Iterable[str] | None, start: str | None, end: str | None, **inputs: Any
    ) -> dict[str, Array]: ...

    @abstractmethod
    def backward(
        self, diffs: Iterable[str] | None, start: str | None, end: str | None, **top_diffs: Any
    ) -> dict[str, Array]: ...

    @abstractmethod
    def copy_from(self, *files: str | Path) -> None: ...

    def forward_all(self, blobs: Iterable[str] | None = None, **inputs: Any) -> dict[str, Array]:
        """Runs any number of samples through the net, batch by batch.

        Args:
            blobs: names of further blobs to return beside the outputs.
            inputs: an array for each Input blob, with all samples on its first axis.

        Returns:
            the values of all samples, by name; the batch that ends them is filled with zeros,
            whose outputs are left out.

        Raises:
            DemitasseError: the arrays do not suit the inputs.
        """
        batches, count = _batches(self, inputs)
        found = [_copied(self.forward(blobs, None, None, **batch)) for batch in batches]
        return _joined(found, count)

    def forward_backward_all(
        self,
        blobs: Iterable[str] | None = None,
        diffs: Iterable[str] | None = None,
        **arrays: Any,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The same with a backward pass for each batch; parameters' gradients add up.

        Args:
            blobs, diffs: names of further blobs whose values, or gradients, to return.
            arrays: an array for each Input blob, and a gradient for each output that has one.

        Returns:
            the values, and the gradients, of all samples by name.
        """
        batches, count = _batches(self, {n: arrays[n] for n in self.inputs if n in arrays})
        top_diffs, _ = _batches(self, {n: a for n, a in arrays.items() if n not in self.inputs})
        values, gradients = [], []
        for batch, above in zip_longest(batches, top_diffs, fillvalue=None):
            values.append(_copied(self.forward(blobs, None, None, **(batch or {}))))
            gradients.append(_copied(self.backward(diffs, None, None, **(above or {}))))
        return _joined(values, count), _joined(gradients, count)

    def set_input_arrays(self, data: Any, labels: Any) -> None:
        """Feeds the net's MemoryData layer.

        Raises:
            DemitasseError: the net has no such layer, or the arrays do not suit it.
        """
        for layer in self.layers:
            if layer.type == "MemoryData":
                layer.set_input_arrays(data, labels)  # type: ignore[attr-defined]
                return
        raise DemitasseError("the net has no MemoryData layer to feed")

    def save_hdf5(self, file: str | Path, write_diff: bool = False) -> None:
        """Writes the net's parameters as HDF5, their gradients too if asked."""
        weights.save(self, as_path(file, "the file to write"), write_diff, hdf5=True)

    def load_hdf5(self, file: str | Path) -> None:
        """Copies parameters from an HDF5 file by layer name."""
        self.copy_from(file)

    @property
    def blob_loss_weights(self) -> dict[str, float]:
        """How much of each top goes into the loss, by the blob's name."""
        tops = ((node.top, node.loss_weights) for node in self.nodes)
        return {
            blob.name: float(weight)
            for blobs, shares in tops
            for blob, weight in zip(blobs, shares, strict=True)
        }

    @property
    def _layer_names(self) -> list[str]:
        return self.layer_names

    @property
    def _blob_names(self) -> list[str]:
        return list(self.blobs)

    @property
    def _inputs(self) -> list[int]:
        """The positions of the inputs among the blobs."""
        names = list(self.blobs)
        return [names.index(name) for name in self.inputs]

    @property
    def _outputs(self) -> list[int]:
        """The positions of the outputs among the blobs."""
        names = list(self.blobs)
        return [names.index(name) for name in self.outputs]


def _batches(net: PycaffeNet, given: dict[str, Any]) -> tuple[Iterator[dict[str, Array]], int]:
    """Arrays cut into batches of the blobs' sizes, and how many samples they hold."""
    arrays = {name: as_array(values, name) for name, values in given.items()}
    if not arrays:
        return iter(()), 0
    for name, array in arrays.items():
        shape = find_blob(net.blobs, name).shape
        if not shape or array.shape[1:] != shape[1:] or not array.shape[0]:
            raise DemitasseError(
                f'wrong shape for all samples of blob "{name}"',
                got=str(array.shape),
                expected=f"({', '.join(['any number', *map(str, shape[1:])])})",
            )
    counts = {name: len(array) for name, array in arrays.items()}
    size = net.blobs[next(iter(arrays))].shape[0]
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{count} for {name}" for name, count in counts.items())
        raise DemitasseError("the arrays hold different numbers of samples", got=listed)
    count = next(iter(counts.values()))
    return ({n: _padded(a[at : at + size], size) for n, a in arrays.items()}
            for at in range(0, count, size)), count  # fmt: skip


def _padded(samples: Array, size: int) -> Array:
    """A batch of ``size``, filled up with zeros."""
    missing = size - len(samples)
    return np.pad(samples, [(0, missing)] + [(0, 0)] * (samples.ndim - 1)) if missing else samples


def _copied(found: dict[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in found.items()}


def _joined(found: list[dict[str, Array]], count: int) -> dict[str, Array]:
    """The batches of each blob as one array; what is one number a batch stays one a batch."""
    joined = {}
    for name in found[0] if found else ():
        parts = [batch[name] for batch in found]
        joined[name] = np.concatenate(parts)[:count] if parts[0].ndim else np.stack(parts)
    return joined
