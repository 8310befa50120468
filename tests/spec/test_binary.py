"""Strings in binary files that are not UTF-8: Caffe never looked at what is in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.blob_io import write_blob
from engine.schema import NetParameter, SolverParameter
from engine.snapshot.model_file import read_model
from engine.spec.binary import decode_message


def test_names_in_other_encodings_become_text_and_stay_different(tmp_path: Path) -> None:
    net = NetParameter(name="....", input=["...."])
    for name, bottom in (("AAAA", "CCCC"), ("BBBB", "AAAA")):
        layer = net.layer.add(name=name, type="InnerProduct", bottom=[bottom])
        layer.blobs.append(write_blob(np.ones(2, np.float32)))
    raw = net.SerializeToString()
    for letters, name in ((b"AAAA", "ü一".encode("gbk")), (b"BBBB", b"\xff\xfe\xfd\xfc")):
        raw = raw.replace(letters, name[:4].ljust(4, b"_"))
    path = tmp_path / "foreign.caffemodel"
    path.write_bytes(raw.replace(b"....", b"\x80\x81\x82\x83"))
    model = read_model(path)
    assert [name.isprintable() for name in model.params] == [True, True]
    assert model.order[1] == r"\xff\xfe\xfd\xfc"
    read = decode_message(path.read_bytes(), NetParameter, path)
    assert read.layer[1].bottom[0] == read.layer[0].name
    assert read.name == r"\x80\x81\x82\x83"


def test_utf_8_is_left_as_it_is() -> None:
    raw = SolverParameter(net="größe/网.prototxt", stepvalue=[1, 2]).SerializeToString()
    assert decode_message(raw, SolverParameter, "x").net == "größe/网.prototxt"
