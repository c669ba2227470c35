"""NumPy's .npy: an array without an affine; pickles are refused."""

import math
import os
import warnings
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy_format

from medzoo.errors import (
    WARNINGS_LOCK,
    FileFormatError,
    GeometryError,
    InputError,
)
from medzoo.io.byte_source import open_bytes
from medzoo.io.memory_limit import check_voxel_bytes
from medzoo.io.refusal import refusal

# What numpy raises over a header that is none.
NO_HEADER = (
    ValueError,
    KeyError,
    TypeError,
    SyntaxError,
    MemoryError,
    RecursionError,
    TokenError,
)
HEADER_READERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


def read_npy(path, assumed=None, *, several_volumes=False):
    """Reads an .npy file of real numbers.

    Args:
        path: the file.
        assumed: `(4, 4)`, its affine; the format has none.
        several_volumes: bool, accept `(x, y, z, volume)`.

    Returns:
        Array, affine, list of warnings.

    Raises:
        FileFormatError: truncated, damaged or no .npy.
        InputError: objects, complex numbers, not 3-D.
        GeometryError: nothing is assumed.
        ResourceError: more voxels than memory allows.
    """
    with open_bytes(path) as source:
        shape, dtype = _header(source)
        shape = _checked_shape(shape, path, several_volumes)
        if dtype.kind not in "biuf":
            raise refusal(
                InputError,
                "Voxels must be real numbers",
                path,
                f"dtype kind={dtype.kind}",
                "Save the array as float32 or as integers.",
            )
        if assumed is None:
            raise refusal(
                GeometryError,
                "An .npy file has no affine; the caller must give one",
                path,
                "assume_affine=None",
                "Pass assume_affine=<voxel size in mm> (--assume-affine).",
            )
        num_bytes = math.prod(shape) * dtype.itemsize
        source.check_holds(source.stream.tell() + num_bytes)
        check_voxel_bytes(num_bytes, path)
        source.stream.seek(0)
        try:
            array = npy_format.read_array(source.stream, allow_pickle=False)
        except ValueError:
            raise _damaged(path) from None
        source.finish()
    return array.reshape(shape), assumed, []


def write_npy(array, path):
    """Writes an .npy file; the affine is lost."""
    with open(path, "wb") as file:
        npy_format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def _header(source):
    size = os.path.getsize(source.path)
    try:
        version = npy_format.read_magic(source.stream)
        with WARNINGS_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers of Python 2
            shape, _, dtype = HEADER_READERS[version](source.stream)
    except NO_HEADER:
        raise _damaged(source.path, f"bytes={size}") from None
    return shape, dtype


def _checked_shape(shape, path, several_volumes):
    rank = len(shape)
    if rank == 4 and shape[3] == 1:
        shape, rank = shape[:3], 3
    if min(shape, default=0) < 1 or not (rank == 3 or (rank == 4 and several_volumes)):
        raise refusal(
            InputError,
            "An image must be one 3-D volume",
            path,
            f"shape={shape}" + (f", volumes={shape[3]}" if rank == 4 else ""),
            "Save one array with the axes x, y, z.",
        )
    return shape


def _damaged(path, received="a header that does not fit"):
    return refusal(
        FileFormatError,
        "An .npy file must begin with NumPy's signature and a valid header",
        path,
        received,
        "Save the array again with numpy.save.",
    )
