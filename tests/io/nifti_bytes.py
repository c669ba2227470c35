"""NIfTI files byte by byte, so that the tests can write what no library would."""

import gzip

import numpy as np

from medzoo.io.nifti_header import FIRST_OFFSET, header_dtype

CODES = {
    "u1": 2,
    "i2": 4,
    "i4": 8,
    "f4": 16,
    "f8": 64,
    "i1": 256,
    "u2": 512,
    "i8": 1024,
}


def nifti_bytes(array=None, *, version=1, order="<", pair=False, trail=b"", **changes):
    """A single file's bytes, or `(header, voxels)` of a pair. Fields by name."""
    if array is None:
        array = np.arange(24, dtype="i2").reshape(2, 3, 4)
    first = 0 if pair else FIRST_OFFSET[version]
    fields = {
        "dim": [array.ndim, *array.shape, *[1] * (7 - array.ndim)],
        "datatype": CODES[array.dtype.str[1:]],
        "bitpix": array.dtype.itemsize * 8,
        "pixdim": [1, 1, 2, 3, 0, 0, 0, 0],
        "vox_offset": first,
        "scl_slope": 1,
        "scl_inter": 0,
        "xyzt_units": 2,
        "qform_code": 0,
        "sform_code": 1,
        "quatern": [0, 0, 0],
        "qoffset": [-5, -6, -7],
        "srow": [1, 0, 0, -5, 0, 2, 0, -6, 0, 0, 3, -7],
        **changes,
    }
    record = np.zeros((), header_dtype(version, order))
    record["sizeof_hdr"] = record.dtype.itemsize
    for name, value in fields.items():
        for field, part in parts_of(name, value):
            record[field] = part
    header = bytearray(record.tobytes())
    if version == 1:
        header[344:348] = b"n+1\0"
        header[148:178] = b"SECRET NAME OF A PATIENT 12345"
    else:
        header[4:12] = b"n+2\0\r\n\x1a\n"
    if pair:
        header[344:348] = b"ni1\0" if version == 1 else header[344:348]
        header[4:12] = b"ni2\0\r\n\x1a\n" if version == 2 else header[4:12]
    voxels = array.astype(array.dtype.newbyteorder(order)).tobytes("F") + trail
    if pair:
        return bytes(header), voxels
    return bytes(header) + bytes(FIRST_OFFSET[version] - len(header)) + voxels


def parts_of(name, value):
    """Nibabel's fields of what stands together: a quaternion, an offset, an affine."""
    ends = {"quatern": "bcd", "qoffset": "xyz", "srow": "xyz"}.get(name)
    if ends is None:
        return [(name, value)]
    parts = np.reshape(value, (3, -1)).squeeze()
    return [(f"{name}_{end}", part) for end, part in zip(ends, parts, strict=True)]


def write_bytes(path, content):
    """Writes the bytes, packed if the name ends in .gz."""
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path
