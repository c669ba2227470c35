"""FreeSurfer's .mgh and .mgz: header checked here, geometry by nibabel."""

import math
from io import BytesIO

import numpy as np

from medzoo.errors import FileFormatError, GeometryError, InputError
from medzoo.io.byte_source import open_bytes
from medzoo.io.memory_limit import check_voxel_bytes
from medzoo.io.refusal import named, refusal
from medzoo.volume import Volume

HEADER_BYTES = 284
VERSION = 1
# Codes of mri.h; bitmaps, tensors and complex numbers are not images to us.
NUMBERS = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
DAMAGED = "The header is damaged; convert the image again from its source."


def read_mgh(path, assumed=None, *, several_volumes=False):
    """Reads a FreeSurfer image.

    Args:
        path: pathlib.Path of an .mgh or .mgz; by its first bytes it is gzip or not.
        assumed: `(4, 4)` or None, the affine for a header without geometry.
        several_volumes: bool, accept 4-D and return `(x, y, z, frame)`.

    Returns:
        Array (its own copy), affine, list of warnings.

    Raises:
        FileFormatError: truncated, damaged or no .mgh.
        InputError: several frames, or a kind of number that medzoo does not read.
        GeometryError: no place in space, or an impossible one.
        ResourceError: more voxels than memory allows.
    """
    with open_bytes(path) as source:
        data = source.stream.read(HEADER_BYTES)
        shape, dtype = _promised(data, path, several_volumes)
        affine = _affine(data, path, assumed)
        num_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        source.check_holds(HEADER_BYTES + num_bytes)
        check_voxel_bytes(num_bytes, path)
        stored = np.empty(num_bytes, np.uint8)
        rest = memoryview(stored)
        while rest.nbytes:
            count = source.stream.readinto(rest)
            if not count:
                raise EOFError
            rest = rest[count:]
        source.finish()
    return stored.view(dtype).reshape(shape, order="F"), affine, []


def _promised(data, path, several_volumes):
    """Shape and number type."""
    fields = np.frombuffer(data[:28].ljust(28, b"\0"), ">i4")
    version, *dims, code, _ = (int(field) for field in fields)
    if len(data) < HEADER_BYTES or version != VERSION or min(dims) < 1:
        raise refusal(
            FileFormatError,
            "A FreeSurfer image must begin with version 1 and four sizes of at least 1",
            path,
            f"bytes={len(data)}, version={version}, sizes={dims}",
            DAMAGED,
        )
    if code not in NUMBERS:
        raise refusal(
            InputError,
            "A FreeSurfer image must hold integers of 8 to 32 bits or floats",
            path,
            f"type={code}",
            "Convert the image to real grey values.",
        )
    if dims[3] > 1 and not several_volumes:
        raise refusal(
            InputError,
            "An image must hold one volume",
            path,
            f"volumes={dims[3]}, shape={dims}",
            "Split the series and pass one volume.",
        )
    return tuple(dims if dims[3] > 1 else dims[:3]), NUMBERS[code]


def _affine(data, path, assumed):
    from nibabel.freesurfer.mghformat import MGHHeader

    good = int.from_bytes(data[28:30], "big", signed=True)
    if good == 1:
        # nibabel would take FreeSurfer's coronal default where the flag is off.
        with np.errstate(over="ignore", invalid="ignore"):
            affine = MGHHeader.from_fileobj(BytesIO(data)).get_affine()
        try:
            return Volume(np.zeros((1, 1, 1), np.uint8), affine).affine
        except GeometryError as error:
            raise named(error, path) from None
    if assumed is None:
        raise refusal(
            GeometryError,
            "An image must have valid direction cosines",
            path,
            f"goodRASFlag={good}",
            "Pass assume_affine=<voxel size in mm> (--assume-affine) if it is RAS+.",
        )
    return assumed
