import os

import numpy as np
import pytest

from medzoo.errors import FileFormatError, GeometryError, InputError, ResourceError
from medzoo.io import read

ARRAY = np.arange(24, dtype=">i2").reshape(2, 3, 4)


class Bomb:
    """An object whose unpickling would leave a trace."""

    def __reduce__(self):
        return os.mkdir, ("pickle_was_opened",)


def save(path, array):
    np.save(path, array, allow_pickle=True)
    return path


@pytest.mark.parametrize("order", ["C", "F"])
def test_reads_either_memory_order(tmp_path, order):
    path = save(tmp_path / "a.npy", np.asarray(ARRAY, order=order))

    volume = read(path, assume_affine=(1, 2, 3))

    np.testing.assert_array_equal(volume.array, ARRAY)
    assert volume.array.dtype == np.dtype("i2")
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.affine, np.diag([1, 2, 3, 1]))


@pytest.mark.parametrize(
    ("dtype", "expected"), [("?", "u1"), ("f2", "f4"), ("f8", "f4")]
)
def test_types(tmp_path, dtype, expected):
    path = save(tmp_path / "a.npy", ARRAY.astype(dtype))

    assert read(path, assume_affine=1).array.dtype == np.dtype(expected)


def test_needs_an_assumption(tmp_path):
    with pytest.raises(GeometryError, match="assume_affine"):
        read(save(tmp_path / "a.npy", ARRAY))


def test_pickles_are_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path / "a.npy", np.full((2, 2, 2), Bomb(), dtype=object))

    with pytest.raises(InputError, match="dtype kind=O"):
        read(path, assume_affine=1)
    assert not (tmp_path / "pickle_was_opened").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2)),
        np.zeros((2, 2, 2, 2)),
        np.zeros((2, 0, 2)),
        np.zeros((2, 2, 2), "c8"),
        np.zeros((2, 2, 2), [("r", "u1"), ("g", "u1")]),
        np.zeros((2, 2, 2), "U3"),
    ],
)
def test_refuses_other_arrays(tmp_path, array):
    with pytest.raises(InputError, match=r" in .*a\.npy\. Received: "):
        read(save(tmp_path / "a.npy", array), assume_affine=1)


@pytest.mark.parametrize("missing", [1, 48, 100, 170])
def test_truncated(tmp_path, missing):
    path = save(tmp_path / "a.npy", ARRAY)
    os.truncate(path, path.stat().st_size - missing)

    with pytest.raises(FileFormatError):
        read(path, assume_affine=1)


def test_absurd_size(tmp_path):
    path = tmp_path / "a.npy"
    with open(path, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (4096,) * 3}
        np.lib.format.write_array_header_1_0(file, header)
        end = file.tell()
    with pytest.raises(FileFormatError, match="promises"):
        read(path, assume_affine=1)
    os.truncate(path, end + 4 * 4096**3)  # sparse: takes no disk
    with pytest.raises(ResourceError, match="memory"):
        read(path, assume_affine=1)


@pytest.mark.parametrize("name", ["a.npy", "a.nii"])
def test_wrong_signature(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\3\4" + bytes(600))

    with pytest.raises(FileFormatError):
        read(tmp_path / name, assume_affine=1)


@pytest.mark.parametrize(
    "header",
    ["(" * 300, "{'descr': ',', 'fortran_order': 0, 'shape': (2, 3, 4)}", "{}"],
)
def test_damaged_header(tmp_path, header):
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
    (tmp_path / "a.npy").write_bytes(content + header.encode() + bytes(99))

    with pytest.raises(FileFormatError, match=r" in .*a\.npy\. Received: "):
        read(tmp_path / "a.npy", assume_affine=1)
