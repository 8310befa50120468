"""Finding files, and telling what is wrong with those found."""

import os

import pytest

from engine.errors import DemitasseError
from engine.schema import BlobProto, NetParameter
from engine.spec import find_file, read_message, read_net, read_solver


def refusal(call, *args) -> str:
    with pytest.raises(DemitasseError) as caught:
        call(*args)
    return str(caught.value)


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project" / "examples" / "mnist"
    folder.mkdir(parents=True)
    (folder / "net.prototxt").write_text('name: "n"')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return folder


def test_beside_the_config_then_in_each_folder_above(project):
    assert find_file("net.prototxt", project).samefile(project / "net.prototxt")
    assert find_file("examples/mnist/net.prototxt", project).samefile(project / "net.prototxt")
    assert find_file(str(project / "net.prototxt")) == project / "net.prototxt"


def test_the_working_directory_comes_first(project, tmp_path):
    (tmp_path / "elsewhere" / "net.prototxt").write_text("")
    assert find_file("net.prototxt", project).samefile(tmp_path / "elsewhere" / "net.prototxt")


def test_home(project, monkeypatch):
    monkeypatch.setenv("HOME", str(project))
    assert find_file("~/net.prototxt") == project / "net.prototxt"


def test_a_missing_file_lists_the_places_and_the_nearest_name(project):
    said = refusal(find_file, "nett.prototxt", project)
    assert said.startswith('no such file: "nett.prototxt"\n  expected: a file at nett.prototxt, ')
    assert str(project / "nett.prototxt") in said
    assert f'did you mean "{project / "net.prototxt"}"?' in said


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000, "~nobody-of-that-name/x"])
def test_names_that_cannot_be_files(name):
    assert refusal(find_file, name, None)


def test_folders(project):
    assert "this is a folder" in refusal(find_file, str(project))
    assert "this is a folder" in refusal(read_net, project)
    assert "this is a folder" in refusal(read_message, project, NetParameter)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_permission(project):
    (project / "net.prototxt").chmod(0)
    assert "permission denied" in refusal(find_file, "net.prototxt", project)
    assert "permission denied" in refusal(read_net, project / "net.prototxt")


def test_binary_messages(tmp_path):
    path = tmp_path / "mean.binaryproto"
    blob = BlobProto(data=[1.0] * 100, channels=3)
    path.write_bytes(blob.SerializeToString())
    assert read_message(path, BlobProto) == blob
    path.write_bytes(blob.SerializeToString()[:-7])
    assert "cut short" in refusal(read_message, path, BlobProto)
    assert f"{path}: " in refusal(read_message, path, BlobProto)
    assert "bytes" in refusal(read_message, path, BlobProto)
    path.write_bytes(b"")
    assert "the file is empty" in refusal(read_message, path, BlobProto)
    path.write_text('name: "LeNet"\nlayer { }\n')
    assert "this is a text file" in refusal(read_message, path, BlobProto)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "HDF5" in refusal(read_message, path, BlobProto)
    path.write_bytes(b"\xff" * 50)
    assert "not a binary BlobProto" in refusal(read_message, path, BlobProto)
    path.write_bytes(b"\xf0\x3e\x01" * 5)  # field 1006, which BlobProto does not have
    assert "holds nothing of a binary BlobProto" in refusal(read_message, path, BlobProto)
    path.unlink()
    assert "no such file" in refusal(read_message, path, BlobProto)


def test_text_files_that_are_not_text(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'name: "a"\nlayer { name: "\xff" }')
    assert f"{path}:2:16: byte 0xff is not UTF-8 text" in refusal(read_net, path)
    path.write_bytes(b"name:\0")
    assert f"{path}:1:6: a NUL byte" in refusal(read_net, path)
    path.write_bytes(b"")
    assert "the file is empty" in refusal(read_net, path)
    assert "the file is empty" in refusal(read_solver, path)


def test_a_bare_name_is_not_compared_with_those_far_above(project):
    inner = project / "configs" / "mine"
    inner.mkdir(parents=True)
    assert "did you mean" not in refusal(find_file, "nett.prototxt", inner)
    (inner / "log.prototxt").touch()  # an ending in common is no likeness
    assert "did you mean" not in refusal(find_file, "nett.prototxt", inner)
    (inner / "nat.prototxt").touch()
    assert f'did you mean "{inner / "nat.prototxt"}"?' in refusal(find_file, "nett.prototxt", inner)


def test_a_mean_in_text_is_told_how_to_become_one(tmp_path):
    path = tmp_path / "mean.txt"
    path.write_text("1 2 3")
    assert "convert --as blob" in refusal(read_message, path, BlobProto)
