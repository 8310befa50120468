"""read_array: round trips of every format, and one clear error for every broken file."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.array_file import read_array
from layers.errors import DemitasseError

IDX_TYPES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def idx_bytes(values):
    code = IDX_TYPES[values.dtype.str.lstrip("|")]
    header = struct.pack(f">2xBB{values.ndim}I", code, values.ndim, *values.shape)
    return header + values.tobytes()


def npy_bytes(values, **options):
    file = io.BytesIO()
    np.save(file, values, **options)
    return file.getvalue()


def npy_with_header(text):
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(16)


def problem_with(path, contents, key=""):
    """The message of the error that a file with these bytes gives."""
    path.write_bytes(contents)
    with pytest.raises(DemitasseError) as caught:
        read_array(path, key)
    message = str(caught.value)
    assert str(path) in message
    return message


@pytest.fixture
def path(tmp_path):
    return tmp_path / "values"


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i4", "<f2", "<f4", "<f8", "?"])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (2, 3, 4, 5)])
def test_npy_and_npz(path, dtype, shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    path.write_bytes(npy_bytes(values))
    np.testing.assert_array_equal(read_array(path), values, strict=True)
    for save in (np.savez, np.savez_compressed):
        with open(path, "wb") as file:
            save(file, only=values)
        np.testing.assert_array_equal(read_array(path), values, strict=True)


@pytest.mark.parametrize("dtype", IDX_TYPES)
@pytest.mark.parametrize("shape", [(0, 3), (5,), (2, 3, 4)])
def test_idx_and_gzipped_idx(path, dtype, shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    for contents in (idx_bytes(values), gzip.compress(idx_bytes(values))):
        path.write_bytes(contents)
        np.testing.assert_array_equal(read_array(path), values, strict=True)


def test_fortran_order_is_understood(path):
    values = np.asfortranarray(np.arange(12).reshape(3, 4))
    path.write_bytes(npy_bytes(values))
    np.testing.assert_array_equal(read_array(path), values)
    with open(path, "wb") as file:
        np.savez(file, values)
    np.testing.assert_array_equal(read_array(path, "arr_0"), values)


def test_npy_is_memory_mapped(path):
    path.write_bytes(npy_bytes(np.arange(10)))
    assert isinstance(read_array(path), np.memmap)


def test_npz_keys(path):
    with open(path, "wb") as file:
        np.savez(file, images=np.zeros(3), labels=np.ones(3))
    np.testing.assert_array_equal(read_array(path, "labels"), np.ones(3))
    with pytest.raises(DemitasseError, match="several arrays(.|\n)*images, labels"):
        read_array(path)
    with pytest.raises(DemitasseError, match='did you mean "labels"'):
        read_array(path, "label")
    path.write_bytes(npy_bytes(np.zeros(3)))
    with pytest.raises(DemitasseError, match="only an .npz file has keys"):
        read_array(path, "images")


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "absent.npy", tmp_path):
        with pytest.raises(DemitasseError, match="cannot be read") as caught:
            read_array(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "contents, message",
    [
        (b"", "the file is empty"),
        (b"hello, world", "not a file of arrays\n  got: it starts with 68 65 6c 6c"),
        (b"\0\0\x08", "not an idx file"),
        (b"\0\0\x0a\x01\0\0\0\x00", "not a file of arrays"),
        (b"\0\0\x08\x03\0\0\0\x05", "truncated within its header\n  got: 8 bytes\n  expected: 16"),
        (b"\0\0\x08\xff" + bytes(2000), "too many axes"),
        (idx_bytes(np.zeros((3, 4), "u1"))[:-1], "truncated\n  got: 11 bytes.*\n  expected: 12"),
        (idx_bytes(np.zeros((3, 4), "u1")) + b"x", "too long\n  got: 13 bytes.*\n  expected: 12"),
        (b"\0\0\x0e\x04" + b"\xff" * 16 + bytes(64), "truncated\n  got: 64 bytes"),
    ],
)
def test_broken_idx(path, contents, message):
    path.write_bytes(contents)
    with pytest.raises(DemitasseError, match=message):
        read_array(path)


def test_broken_gzip(path):
    whole = idx_bytes(np.arange(256, dtype="u1"))
    packed = gzip.compress(whole)
    assert "gzip file is truncated" in problem_with(path, packed[:-20])
    assert "gzip file is truncated" in problem_with(path, packed[:5])
    assert "gzip file is damaged" in problem_with(path, packed[:-8] + b"\1\2\3\4" + packed[-4:])
    assert "gzip file is damaged" in problem_with(path, packed[:12] + b"\xff\xff" + packed[14:])
    assert "not an idx file" in problem_with(path, gzip.compress(b"hello, world"))
    assert "idx file is truncated" in problem_with(path, gzip.compress(whole[:-1]))
    assert "idx file is too long" in problem_with(path, gzip.compress(whole + b"x"))
    vast = b"\0\0\x08\x02" + struct.pack(">2I", 2**31, 2**31)
    assert "idx file is truncated" in problem_with(path, gzip.compress(vast))


def test_broken_npy(path):
    whole = npy_bytes(np.arange(10.0))
    message = problem_with(path, whole[:-8])
    assert "truncated" in message and "got: 72 bytes" in message and "expected: 80" in message
    assert "header is damaged" in problem_with(path, whole[:40])
    assert "header is damaged" in problem_with(path, npy_with_header("nonsense ("))
    for shape in ("(-4,)", "(2, -2)"):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
        assert "impossible shape" in problem_with(path, npy_with_header(header))
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"
    assert "truncated" in problem_with(path, npy_with_header(header))


@pytest.mark.parametrize("values", [["a", None], ["a", "b"], [1j], np.zeros(2, "M8[s]")])
def test_only_numbers_are_read(path, values):
    contents = npy_bytes(np.array(values), allow_pickle=True)
    assert "does not hold numbers" in problem_with(path, contents)


def test_a_pickle_is_never_loaded(path):
    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a pickle was loaded",)

    trapped = np.empty(1, object)
    trapped[0] = Trap()
    contents = npy_bytes(trapped, allow_pickle=True)
    assert "does not hold numbers" in problem_with(path, contents)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", contents)
    assert "does not hold numbers" in problem_with(path, path.read_bytes())


def test_broken_npz(path):
    with open(path, "wb") as file:
        np.savez(file, x=np.arange(100.0))
    whole = path.read_bytes()
    assert "npz file is damaged" in problem_with(path, whole[:-30])
    assert "npz file is damaged" in problem_with(path, whole[:300] + b"\xff" + whole[301:])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    assert "holds no arrays" in problem_with(path, path.read_bytes())
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy_with_header(header))
    assert "truncated" in problem_with(path, path.read_bytes())


def broken_files():
    """Sound files with one stretch of bytes overwritten, and cut off."""
    values = np.arange(60, dtype=">f4").reshape(3, 20)
    packed = io.BytesIO()
    np.savez_compressed(packed, x=values, y=values)
    sound = [npy_bytes(values), packed.getvalue(), idx_bytes(values)]
    sound.append(gzip.compress(sound[-1]))
    return st.tuples(
        st.sampled_from(sound), st.integers(0, 600), st.binary(max_size=8), st.integers(0, 600)
    ).map(lambda t: (t[0][: t[1]] + t[2] + t[0][t[1] + len(t[2]) :])[: t[3]])


@given(broken_files())
def test_no_damage_gives_another_error(tmp_path_factory, contents):
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(contents)
    try:
        assert read_array(path, "").dtype.kind in "biuf"
    except DemitasseError as problem:
        assert str(path) in str(problem)
