"""Net: layers connected by named blobs, run forward and backward (pycaffe's interface)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine import schema
from engine.errors import DemitasseError
from engine.net import weights
from engine.net.arguments import (
    Source,
    as_path,
    as_spec,
    blob_names,
    find_blob,
    pycaffe_arguments,
    read_array,
    refuse_swapped,
)
from engine.net.build import NetBuilder
from engine.net.fast_passes import FastPasses
from engine.net.gradient_flow import Node
from engine.net.params import Arena, Param
from engine.net.passes import Passes
from engine.net.pycaffe import PycaffeNet
from engine.net.seeds import generator
from engine.net.sharing import shared_parameters
from engine.spec import find_file
from layers import TRAIN, Blob, Layer, LayerContext
from layers.blob import Array, as_array


class Net(PycaffeNet):
    """A net built from a config file, as pycaffe's ``caffe.Net``.

    >>> net = Net("lenet.yaml", phase=TEST)
    >>> net.forward(data=images)["prob"]

    Args:
        source: a YAML, prototxt or binary file, a NetParameter, or a NetSpec.
        phase: TRAIN or TEST.
        weights: a .caffemodel to copy parameters from, by layer name.
        level, stages: the rest of the state that include and exclude rules look at.
        overrides: ``net.path=value`` settings applied to the specification.
        allow_code: whether the config may name Python code to run.
        dtype: of all blobs; float64 serves gradient checks.
        seed: of the random generator (fillers, dropout); None takes a fresh one.

    Raises:
        DemitasseError: the file or the net it describes is wrong.
    """

    def __init__(
        self,
        source: Source,
        *args: Any,
        phase: int | None = None,
        weights: str | Path | None = None,
        level: int = 0,
        stages: Iterable[str] = (),
        overrides: Iterable[str] = (),
        allow_code: bool = False,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
    ):
        phase, weights = pycaffe_arguments(args, phase, weights)
        refuse_swapped(source, weights)
        spec = as_spec(source, overrides)
        if phase is not None:
            spec.param.state.phase = schema.TRAIN if phase == TRAIN else schema.TEST
        spec.param.state.level = level or spec.param.state.level
        spec.param.state.stage.extend(stages)
        self.rng = generator(seed)
        self.phase: int = spec.param.state.phase
        context = LayerContext(
            self.phase,
            dtype,
            self.rng,
            lambda name: find_file(name, spec.base),
            allow_code,
            lambda name: read_array(name, spec.base),
            spec.base,
        )
        built = NetBuilder(spec, context)
        self.arena: Arena = built.build()
        self.name: str = spec.param.name
        self.debug_info: bool = spec.param.debug_info
        self._has_run = False
        self.nodes: list[Node] = built.nodes
        self.blobs: dict[str, Blob] = built.blobs
        self.outputs: list[str] = built.outputs
        self.learnable: list[Param] = built.params.learnable
        self.shared_params: set[tuple[str, int]] = built.params.shared
        self._locate = built.locate
        bf16 = spec.param.precision == schema.NetParameter.BF16
        fast = FastPasses(self.nodes, np.dtype(dtype), bf16)
        self.passes = Passes(self.nodes, self.arena, fast, self._locate, built.lineage)
        self.params: dict[str, list[Blob]] = {
            node.layer.name: node.layer.blobs for node in self.nodes if node.layer.blobs
        }
        if weights is not None:
            self.copy_from(weights)

    @property
    def keep_gradients(self) -> bool:
        """Whether the ``diff`` of every blob can be looked at after a backward pass (True).

        Without it a net that is compiled for oneDNN takes less memory: about a quarter, for
        ResNets. It has to be set before the first pass. The gradients of parameters, of inputs
        and of what layers in Python read are always there.
        """
        return self.passes.fast.keep_gradients

    @keep_gradients.setter
    def keep_gradients(self, keep: bool) -> None:
        self.passes.fast.keep_gradients = keep

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order they run, automatic Splits among them."""
        return [node.layer for node in self.nodes]

    @property
    def layer_names(self) -> list[str]:
        """The names of the layers in the order they run."""
        return [node.layer.name for node in self.nodes]

    @property
    def layer_dict(self) -> dict[str, Layer]:
        """The layers by name."""
        return {node.layer.name: node.layer for node in self.nodes}

    @property
    def inputs(self) -> list[str]:
        """The tops of Input layers: the blobs to fill before ``forward``."""
        return [blob.name for node in self.nodes if node.layer.type == "Input" for blob in node.top]

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        """The names of the bottoms of each layer."""
        return {node.layer.name: [b.name for b in node.bottom] for node in self.nodes}

    @property
    def top_names(self) -> dict[str, list[str]]:
        """The names of the tops of each layer."""
        return {node.layer.name: [b.name for b in node.top] for node in self.nodes}

    def forward(
        self,
        blobs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **inputs: Any,
    ) -> dict[str, Array]:
        """Runs the layers from ``start`` to ``end`` (the whole net without them).

        Args:
            blobs: names of further blobs to return beside the outputs.
            start, end: names of the first and the last layer to run.
            inputs: an array for each Input blob; another shape reshapes the net.

        Returns:
            the outputs by name (with ``end``: that layer's tops), as views of the blobs.
        """
        blobs = blob_names(blobs, "forward")
        for name in blobs:
            find_blob(self.blobs, name)
        if inputs:
            self._feed(inputs)
        first, last = self._range(start, end)
        self.forward_from_to(first, last)
        tops = self.outputs if end is None else [blob.name for blob in self.nodes[last].top]
        return {name: self.blobs[name].data for name in [*tops, *blobs]}

    def backward(
        self,
        diffs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **top_diffs: Any,
    ) -> dict[str, Array]:
        """Runs the layers backward from ``start`` to ``end``, beginning with the tops' diffs.

        Losses already hold their weight as diff; the gradients of parameters add up until
        ``clear_param_diffs``.

        Args:
            diffs: names of further blobs whose gradient to return.
            start, end: names of the first (upper) and the last (lower) layer to run.
            top_diffs: a gradient for each output that has one.

        Returns:
            the gradients of the inputs by name (with ``end``: of that layer's bottoms).
        """
        if not self._has_run:
            raise DemitasseError("backward() needs a forward() before it")
        diffs = blob_names(diffs, "backward")
        for name in diffs:
            find_blob(self.blobs, name)
        for name, values in top_diffs.items():
            find_blob(self.blobs, name).diff = values
        first, last = self._range(end, start)
        self.passes.backward(first, last, self.debug_info)
        names = self.inputs if end is None else [blob.name for blob in self.nodes[first].bottom]
        return {name: self.blobs[name].diff for name in [*names, *diffs]}

    def forward_from_to(self, first: int, last: int) -> float:
        """Runs the layers at positions ``first`` to ``last``; returns their weighted loss."""
        self._has_run = True
        return self.passes.forward(first, last, self.debug_info)

    def forward_backward(self, fresh: bool = False) -> float:
        """One training pass: forward, then backward; returns the weighted loss.

        Args:
            fresh: whether the gradients of parameters replace what was there, as after
                ``clear_param_diffs``, instead of being added to it.
        """
        last = len(self.nodes) - 1
        loss = self.forward_from_to(0, last)
        self.passes.backward(0, last, self.debug_info, fresh)
        return loss

    def reshape(self) -> None:
        """Infers all shapes anew, after blobs were reshaped (another batch size, say)."""
        for node in self.nodes:
            self.passes.reshape(node)

    def clear_param_diffs(self) -> None:
        """Sets the gradients of all parameters to zero."""
        self.arena.diff.fill(0)

    def copy_from(self, *files: str | Path) -> None:
        """Copies parameters from .caffemodel files by layer name; layers they lack stay.

        Raises:
            DemitasseError: a file is damaged, or a layer's parameters have other shapes.
        """
        for file in files:
            weights.copy_from(self, as_path(file, "a .caffemodel")).raise_on_mismatch()

    def share_with(self, other: Net) -> None:
        """Makes the parameters views of the other net's, layer by layer of the same name.

        Raises:
            LayerError: two parameters differ in shape.
        """
        for mine, theirs in shared_parameters(self.nodes, other.nodes, self._locate):
            mine.share_data(theirs)

    def save(self, file: str | Path) -> None:
        """Writes the net with its parameters as a .caffemodel, whole or not at all."""
        weights.save(self, as_path(file, "the file to write"))

    def close(self) -> None:
        """Completes the files that layers write; else that happens when nobody has the net.

        Raises:
            SnapshotError: one cannot be written.
        """
        for node in self.nodes:
            node.layer.close()

    def _feed(self, inputs: Mapping[str, Any]) -> None:
        if set(inputs) != set(self.inputs):
            raise DemitasseError(
                "forward() needs an array for every input, and for nothing else",
                got=", ".join(sorted(inputs)),
                expected=", ".join(self.inputs) or "none: this net has no Input layer",
            )
        arrays = {name: as_array(values, name) for name, values in inputs.items()}
        if any(self.blobs[name].shape != array.shape for name, array in arrays.items()):
            self._reshape_inputs(arrays)
        for name, array in arrays.items():
            self.blobs[name].data = array

    def _reshape_inputs(self, arrays: Mapping[str, Array]) -> None:
        before = {name: self.blobs[name].shape for name in arrays}
        try:
            for name, array in arrays.items():
                self.blobs[name].reshape(*array.shape)
            self.reshape()
        except DemitasseError:
            for name, shape in before.items():
                self.blobs[name].reshape(*shape)
            self.reshape()
            raise

    def _range(self, first: str | None, last: str | None) -> tuple[int, int]:
        names = self.layer_names
        for name in (first, last):
            if name is not None and name not in names:
                raise DemitasseError(
                    f'the net has no layer "{name}"', expected=f"one of {', '.join(names)}"
                )
        begin = 0 if first is None else names.index(first)
        return begin, len(names) - 1 if last is None else names.index(last)
