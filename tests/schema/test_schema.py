"""The generated module is the schema's, and the schema agrees with Caffe's on the wire."""

import subprocess
import sys

import pytest
from google.protobuf import text_format

import engine.schema as schema
from engine.schema import (
    TEST,
    TRAIN,
    BlobProto,
    ConvolutionParameter,
    LayerParameter,
    NetParameter,
    SolverParameter,
    SolverState,
)
from tools.upkeep import generate_schema


def test_generated_files_are_those_of_the_schema(tmp_path):
    problem = generate_schema.missing_tools()
    if problem:
        pytest.skip(problem)
    for made in generate_schema.generate(tmp_path):
        kept = generate_schema.SCHEMA / made.name
        assert made.read_text() == kept.read_text(), "run: python -m tools.upkeep.generate_schema"


def test_package_exports_every_message_and_phase():
    messages = set(schema.demitasse_pb2.DESCRIPTOR.message_types_by_name)
    assert messages | {"Phase", "TRAIN", "TEST"} == set(schema.__all__)
    assert (TRAIN, TEST) == (0, 1)


def test_import_gives_no_warning():
    code = "import engine.schema"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=generate_schema.ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


# Message, field, number, default: spot checks of what Caffe's files rely on.
FACTS = [
    ("NetParameter", "layer", 100, None),
    ("NetParameter", "layers", 2, None),
    ("NetState", "phase", 1, TEST),
    ("SolverParameter", "solver_mode", 17, SolverParameter.GPU),
    ("SolverParameter", "snapshot_format", 37, SolverParameter.BINARYPROTO),
    ("SolverParameter", "delta", 31, pytest.approx(1e-8)),
    ("SolverParameter", "weights", 42, None),
    ("LayerParameter", "blobs", 7, None),
    ("LayerParameter", "convolution_param", 106, None),
    ("LayerParameter", "recurrent_param", 146, None),
    ("LayerParameter", "swish_param", 147, None),
    ("LayerParameter", "clip_param", 148, None),
    ("LRNParameter", "local_size", 1, 5),
    ("PoolingParameter", "round_mode", 13, schema.PoolingParameter.CEIL),
    ("DropoutParameter", "dropout_ratio", 1, 0.5),
    ("DataParameter", "backend", 8, schema.DataParameter.LEVELDB),
    ("V1LayerParameter", "blobs", 6, None),
    ("V0LayerParameter", "concat_dim", 65, 1),
]


@pytest.mark.parametrize(("message", "field", "number", "default"), FACTS)
def test_numbers_and_defaults_are_caffes(message, field, number, default):
    descriptor = getattr(schema, message).DESCRIPTOR.fields_by_name[field]
    assert descriptor.number == number
    if default is not None:
        assert descriptor.default_value == default


def test_own_fields_are_out_of_caffes_way():
    own = {
        "NetParameter": ["writer", "digest"],
        "SolverState": ["writer", "digest", "progress"],
        "LayerParameter": ["array_data_param", "permute_param", "norm_param", "bn_param"],
        "LossParameter": ["class_weighting", "label_smoothing"],
    }
    for message, fields in own.items():
        for field in fields:
            assert getattr(schema, message).DESCRIPTOR.fields_by_name[field].number >= 5000


def test_every_engine_choice_is_the_same():
    expected = {"DEFAULT": 0, "CAFFE": 1, "CUDNN": 2, "NUMPY": 5000, "ONEDNN": 5001}
    for name, message in schema.demitasse_pb2.DESCRIPTOR.message_types_by_name.items():
        if "Engine" in message.enum_types_by_name:
            values = {v.name: v.number for v in message.enum_types_by_name["Engine"].values}
            assert values == expected, name


def test_blobs_are_written_packed():
    blob = BlobProto(data=[1.0, 2.0])
    assert blob.SerializeToString() == b"\x2a\x08\x00\x00\x80\x3f\x00\x00\x00\x40"


def test_clip_needs_both_limits():
    net = text_format.Parse('layer { name: "c" clip_param { min: 0 } }', NetParameter())
    assert net.FindInitializationErrors() == ["layer[0].clip_param.max"]


def test_a_fork_layer_parses_by_its_text_names():
    layer = text_format.Parse(
        """name: "priors" type: "PriorBox"
        prior_box_param { min_size: 30 aspect_ratio: 2 variance: 0.1 step: 8 }
        transform_param { resize_param { prob: 1 resize_mode: WARP interp_mode: LINEAR } }""",
        LayerParameter(),
    )
    assert layer.prior_box_param.flip is True
    assert layer.prior_box_param.offset == 0.5


def test_progress_survives_a_round_trip():
    state = SolverState(iter=3)
    layer = state.progress.net.add(rng="{}").layer.add(name="data")
    layer.entry.add(key="epoch", number=-1)
    layer.entry.add(key="files", text="a b")
    layer.entry.add(key="hidden").blob.data.append(0.5)
    again = SolverState.FromString(state.SerializeToString())
    assert again == state
    assert [e.WhichOneof("value") for e in again.progress.net[0].layer[0].entry] == [
        "number",
        "text",
        "blob",
    ]


def test_an_own_engine_is_an_unknown_value_elsewhere():
    conv = ConvolutionParameter(engine=ConvolutionParameter.ONEDNN)
    assert ConvolutionParameter.FromString(conv.SerializeToString()).engine == 5001
