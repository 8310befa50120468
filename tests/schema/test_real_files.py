"""Files that Caffe and its users wrote parse: nets, solvers, weights, snapshots, means."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message

from engine.schema import BlobProto, NetParameter, SolverParameter, SolverState

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
FOLDERS = ("models", "data/binaryproto", "caffe_golden")
SOLVER_FIELDS = ("base_lr", "solver_type", "lr_policy", "train_net", "test_iter")
BINARY: dict[str, type[Message]] = {
    ".caffemodel": NetParameter,
    ".solverstate": SolverState,
    ".binaryproto": BlobProto,
}


def files(suffix: str) -> list[Path]:
    found = [p for folder in FOLDERS for p in sorted((SHARED / folder).rglob(f"*{suffix}"))]
    if not found:
        pytest.skip(f"no {suffix} files beside the checkout, in ../shared")
    return found


def is_solver(text: str) -> bool:
    return any(f"{field}:" in text for field in SOLVER_FIELDS)


def test_every_prototxt_parses():
    for path in files(".prototxt"):
        text = path.read_text()
        message = SolverParameter() if is_solver(text) else NetParameter()
        try:
            text_format.Parse(text, message)
        except text_format.ParseError as error:
            pytest.fail(f"{path}: {error}")
        assert message.ByteSize() > 0, path


@pytest.mark.parametrize("suffix", BINARY)
def test_every_binary_parses(suffix):
    for path in files(suffix):
        message = BINARY[suffix].FromString(path.read_bytes())
        assert message.IsInitialized(), path
        assert message.ListFields(), path


def test_weights_have_layers_with_values():
    for path in files(".caffemodel"):
        net = NetParameter.FromString(path.read_bytes())
        layers = list(net.layer) + list(net.layers)
        blobs = [
            b for layer in layers for b in (*layer.blobs, *getattr(layer, "layer", layer).blobs)
        ]
        assert blobs, path
        assert all(len(b.data) or len(b.double_data) for b in blobs), path
