"""Running one golden layer case: the net, the arrays that go in, and those that must come out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine import TEST, TRAIN, Net
from tests.harness.places import golden_folders

# Layers that copy or select: their forward must be exact.
EXACT = {  # fmt: skip
    "Concat", "Slice", "Split", "Crop", "Flatten", "Reshape", "Tile", "BatchReindex", "Filter",
    "Im2col", "ArgMax", "Threshold", "ReLU", "AbsVal", "Silence", "Parameter", "DummyData",
    "MemoryData", "Accuracy", "Input", "Dropout",
}  # fmt: skip
# Layers whose exp, log, pow or tanh may come from another mathematics library.
TRANSCENDENTAL = {  # fmt: skip
    "LRN", "Power", "Exp", "Log", "BNLL", "MVN", "Softmax", "SoftmaxWithLoss", "Sigmoid",
    "SigmoidCrossEntropyLoss", "TanH", "ELU", "Swish", "LSTM", "LSTMUnit", "RNN", "InfogainLoss",
    "MultinomialLogisticLoss", "BatchNorm",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A golden case: its folder, name and index entry."""

    folder: Path
    name: str
    info: dict[str, Any]

    @property
    def prototxt(self) -> Path:
        return self.folder / f"{self.name}.prototxt"

    @property
    def phase(self) -> int:
        return TRAIN if self.info["phase"] == "TRAIN" else TEST

    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / f"{self.name}.npz") as file:
            return dict(file)

    def net(self, **options: Any) -> Net:
        return Net(self.prototxt, phase=self.phase, allow_code=True, seed=1, **options)


def all_cases() -> list[Case]:
    """Every case of every folder; a case in two folders once."""
    cases: dict[str, Case] = {}
    for folder in golden_folders("layers"):
        index = json.loads((folder / "index.json").read_text())
        for name, info in index.items():
            cases.setdefault(name, Case(folder, name, info))
    return list(cases.values())


def run_case(case: Case) -> None:
    """Runs forward, backward and the further steps, comparing every array.

    Raises:
        AssertionError: an array differs by more than the fair tolerance, or was not compared.
    """
    golden, net = case.arrays(), case.net()
    layer = net.layer_dict["l"]
    compared: set[str] = set()

    def check(key: str, found: np.ndarray, exact: bool = False) -> None:
        if key not in golden:
            return
        compared.add(key)
        compare(case, key, found, golden[key], exact)

    for index, blob in enumerate(layer.blobs):
        blob.data = golden[f"param_{index}"]
    node = next(node for node in net.nodes if node.layer is layer)
    exact = case.info["type"] in EXACT or case.name.startswith("pool_max")
    forward(net, node, golden, "")
    for index, blob in enumerate(node.top):
        check(f"top_{index}", blob.data, exact)
    for index, blob in enumerate(layer.blobs):
        check(f"param_after_{index}", blob.data)
    if case.info["backward"]:
        net.clear_param_diffs()
        for index, blob in enumerate(node.top):
            blob.diff = golden[f"top_diff_{index}"]
        net.backward()
        for index, blob in enumerate(node.bottom):
            check(f"bottom_diff_{index}", blob.diff)
        for index, blob in enumerate(layer.blobs):
            check(f"param_diff_{index}", blob.diff)
    for step in range(2, case.info["steps"] + 1):
        forward(net, node, golden, f"step{step}_")
        for index, blob in enumerate(node.top):
            check(f"step{step}_top_{index}", blob.data, exact)
        for index, blob in enumerate(layer.blobs):
            check(f"step{step}_param_after_{index}", blob.data)
    outputs = {key for key in golden if not is_input(key)}
    assert outputs == compared, f"never compared: {sorted(outputs - compared)}"


def is_input(key: str) -> bool:
    """Whether an array goes into the net rather than comes out of it."""
    plain = key.partition("_")[2] if key.startswith("step") else key
    given = ("top_diff_", "data", "label")
    return plain.startswith(given) or plain.rstrip("0123456789") in ("param_", "bottom_")


def forward(net: Net, node: Any, golden: dict[str, np.ndarray], prefix: str) -> None:
    """Sets the bottoms and runs the net forward."""
    if "data" in golden and not prefix:
        node.layer.set_input_arrays(golden["data"], golden["label"])
    for index, blob in enumerate(node.bottom):
        blob.data = golden[f"{prefix}bottom_{index}"]
    net.forward()


def compare(case: Case, key: str, found: np.ndarray, wanted: np.ndarray, exact: bool) -> None:
    """Compares one array with the tolerances of FORMAT.md."""
    assert found.shape == wanted.shape, f"{key}: shape {found.shape}, golden {wanted.shape}"
    assert found.dtype == np.float32, f"{key}: {found.dtype}"
    if exact:
        np.testing.assert_array_equal(found, wanted, err_msg=key)
        return
    largest = float(np.abs(wanted).max()) if wanted.size else 0.0
    relative = 2e-5 if case.info["type"] in TRANSCENDENTAL else 5e-6
    tolerance = 1e-6 + relative * largest
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance, err_msg=key)
