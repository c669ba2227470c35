"""The NIfTI header fields that medzoo uses, parsed and checked.

The fields are nibabel's; the checks are ours, because readers repair what should be
refused.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo.errors import FileFormatError, GeometryError, InputError
from medzoo.io.refusal import refusal

HEADER_BYTES = {1: 348, 2: 540}
# After the header come four bytes that announce extensions.
FIRST_OFFSET = {1: 352, 2: 544}
DAMAGED = "The header is damaged; convert the image again from its source."


@dataclass(frozen=True)
class NiftiHeader:
    """A checked header.

    Attributes:
        shape: three ints, or four where several volumes were allowed.
        dtype: str, numpy's name with the byte order, "<i2".
        offset: int, byte of the first voxel in the unpacked file.
        slope: float, 1 for an unscaled file.
        inter: float.
        is_pair: bool, the voxels are in an .img file.
        geometry: numpy record of nibabel's header fields, still unchecked.
    """

    shape: tuple
    dtype: str
    offset: int
    slope: float
    inter: float
    is_pair: bool
    geometry: np.void

    @property
    def num_voxels(self):
        """Int."""
        return math.prod(self.shape)

    @property
    def voxel_bytes(self):
        """int, the bytes of all voxels in the file."""
        return self.num_voxels * int(self.dtype[2:])

    @property
    def is_scaled(self):
        """bool: voxels become slope * stored + inter."""
        return (self.slope, self.inter) != (1.0, 0.0)


def parse_nifti_header(data, path, *, several_volumes=False):
    """Checks the first bytes of a NIfTI file.

    Args:
        data: bytes, 540 or as many as there are.
        path: the file, for messages.
        several_volumes: bool, accept 4-D.

    Returns:
        NiftiHeader.

    Raises:
        FileFormatError: if it is no NIfTI header or contradicts itself.
        InputError: if the image is a kind that medzoo does not read.
    """
    version, order, is_pair = _recognise(data, path)
    fields = np.frombuffer(data, header_dtype(version, order), count=1)[0]
    shape = _shape(fields["dim"].tolist(), path, several_volumes)
    dtype = _dtype(int(fields["datatype"]), int(fields["bitpix"]), path)
    slope, inter = float(fields["scl_slope"]), float(fields["scl_inter"])
    slope, inter = _scaling(slope, inter, path)
    return NiftiHeader(
        shape=shape,
        dtype=order + dtype,
        offset=_offset(
            float(fields["vox_offset"]), 0 if is_pair else FIRST_OFFSET[version], path
        ),
        slope=slope,
        inter=inter,
        is_pair=is_pair,
        geometry=fields,
    )


def header_dtype(version, order):
    """The numpy type of a header: nibabel's fields of NIfTI 1 or 2, "<" or ">"."""
    from nibabel import nifti1, nifti2

    fields = nifti1.header_dtype if version == 1 else nifti2.header_dtype
    return fields.newbyteorder(order)


def _recognise(data, path):
    """Version, byte order and whether it is a pair, from size and signature."""
    for version, length in HEADER_BYTES.items():
        magic_at, magics = (
            (344, {b"n+1\0": False, b"ni1\0": True})
            if version == 1
            else (4, {b"n+2\0\r\n\x1a\n": False, b"ni2\0\r\n\x1a\n": True})
        )
        for order in "<>":
            if data[:4] != struct.pack(order + "i", length) or len(data) < length:
                continue
            magic = data[magic_at : magic_at + (4 if version == 1 else 8)]
            if magic in magics:
                return version, order, magics[magic]
    _refuse_analyze(data, path)
    raise refusal(
        FileFormatError,
        "A NIfTI file must begin with a NIfTI-1 or NIfTI-2 header and its signature",
        path,
        f"bytes={len(data)}, first four={data[:4].hex() or 'none'}",
        "Pass a NIfTI image; convert Analyze and others first.",
    )


def _refuse_analyze(data, path):
    """Says why an Analyze 7.5 pair is not read; it is a NIfTI pair but for the end."""
    pair = {".hdr", ".img"} & {suffix.lower() for suffix in Path(path).suffixes[-2:]}
    lengths = (struct.pack(order + "i", HEADER_BYTES[1]) for order in "<>")
    if pair and len(data) >= HEADER_BYTES[1] and data[:4] in lengths:
        raise refusal(
            GeometryError,
            "An image must have a position and an orientation; Analyze 7.5 has none",
            path,
            "an Analyze header without NIfTI's signature",
            "Convert the original scan to NIfTI.",
        )


def _shape(dim, path, several_volumes):
    rank = dim[0]
    if not 1 <= rank <= 7 or any(n < 1 for n in dim[1 : rank + 1]):
        raise refusal(
            FileFormatError,
            "A NIfTI header must name 1 to 7 dimensions of at least one",
            path,
            f"dim={list(dim)}",
            DAMAGED,
        )
    if rank < 3:
        raise refusal(
            InputError,
            "An image must be 3-D",
            path,
            f"shape={list(dim[1 : rank + 1])}",
            "Stack the slices into a volume first.",
        )
    count = math.prod(dim[4 : rank + 1])
    if count > 1 and several_volumes and rank == 4:
        return tuple(dim[1:5])
    if count > 1:
        raise refusal(
            InputError,
            "An image must hold one volume",
            path,
            f"volumes={count}, shape={list(dim[1 : rank + 1])}",
            "Split the series and pass one volume.",
        )
    return tuple(dim[1:4])


def _dtype(code, bitpix, path):
    from nibabel.nifti1 import data_type_codes

    known = code in data_type_codes
    dtype = np.dtype(data_type_codes.dtype[code] if known else "V")
    is_number = dtype.kind in "iuf" and dtype.itemsize <= 8
    if known and not is_number:
        raise refusal(
            InputError,
            "Voxels must be integers of 8 to 64 or real numbers of 32 or 64 bits",
            path,
            f"datatype={code} ({data_type_codes.label[code]})",
            "Convert the image to real grey values.",
        )
    if not is_number or bitpix != 8 * dtype.itemsize:
        raise refusal(
            FileFormatError,
            "A NIfTI header's datatype and bitpix must belong together",
            path,
            f"datatype={code}, bitpix={bitpix}",
            DAMAGED,
        )
    return dtype.str[1:]


def _scaling(slope, inter, path):
    # 0 and NaN mean unscaled, as nibabel and SPM read them; fmriprep writes NaN twice.
    if math.isnan(slope) and not math.isinf(inter):
        return 1.0, 0.0
    if not (math.isfinite(slope) and math.isfinite(inter)):
        raise refusal(
            FileFormatError,
            "scl_slope and scl_inter must be finite",
            path,
            f"scl_slope={slope}, scl_inter={inter}",
            DAMAGED,
        )
    return (slope, inter) if slope != 0 else (1.0, 0.0)


def _offset(offset, first, path):
    if not math.isfinite(offset) or offset < first or offset != int(offset):
        raise refusal(
            FileFormatError,
            f"vox_offset must be a whole number of at least {first}",
            path,
            f"vox_offset={offset}",
            DAMAGED,
        )
    return int(offset)
