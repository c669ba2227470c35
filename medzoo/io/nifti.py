"""NIfTI-1 and -2, file or pair, gzip or not: checked here, decoded by nibabel."""

from pathlib import Path

import numpy as np
from isal import igzip

from medzoo.errors import FileFormatError, MissingFileError
from medzoo.io.byte_source import open_bytes
from medzoo.io.memory_limit import check_voxel_bytes
from medzoo.io.nifti_geometry import corner_distance, nifti_affine
from medzoo.io.nifti_header import HEADER_BYTES, parse_nifti_header
from medzoo.io.refusal import refusal

# "Aligned": in the space of another image, which is all that a result can claim.
ALIGNED = 2
# A quaternion in single precision may miss by more than readers forgive.
MOST_QFORM_ERROR = 0.05  # mm
# Of ISA-L's four: as small as zlib's first, in a tenth of the time of its fourth.
COMPRESSION_LEVEL = 2


def read_nifti(path, assumed=None, *, several_volumes=False):
    """Reads a NIfTI image and checks its header against the data.

    Args:
        path: pathlib.Path of a .nii, .hdr or .img, gzip or not.
        assumed: `(4, 4)` or None, the affine for a header with neither form.
        several_volumes: bool, accept 4-D and return `(x, y, z, volume)`.

    Returns:
        Array (its own copy, no memory map), affine, list of warnings.

    Raises:
        FileFormatError: truncated, damaged or no NIfTI.
        InputError: complex, RGB, 2-D, or several volumes.
        GeometryError: no place in space, an impossible or contradictory one.
        ResourceError: more voxels than memory allows.
        MissingFileError: half of a pair is not there.
    """
    header_path, voxel_path = _parts(path)
    with open_bytes(header_path) as source:
        header = _header(source, several_volumes, is_pair=header_path != voxel_path)
        affine, warnings = nifti_affine(
            header.geometry, header.shape[:3], path, assumed
        )
        if not header.is_pair:
            stored = _stored_voxels(source, header)
        source.finish()
    if header.is_pair:
        with open_bytes(voxel_path) as source:
            stored = _stored_voxels(source, header)
            source.finish()
    return _scaled(stored, header), affine, warnings


def write_nifti(array, affine, path):
    """Writes a NIfTI-1 image, NIfTI-2 where an axis is too long; .gz by the name.

    Both forms are written and agree; under shear, or where the quaternion would be
    too coarse, the sform alone.

    Args:
        array: `(x, y, z)` or `(x, y, z, volume)`, of a storable type.
        affine: `(4, 4)`, mm, RAS+.
        path: pathlib.Path.
    """
    import nibabel

    fits = max(array.shape) < 2**15
    image_class = nibabel.Nifti1Image if fits else nibabel.Nifti2Image
    image = image_class(array, affine, dtype=array.dtype)
    header = image.header
    header.set_xyzt_units("mm")
    header.set_sform(affine, code=ALIGNED)
    header.set_qform(affine, code=ALIGNED, strip_shears=True)
    qform = header.get_qform()
    if corner_distance(qform, affine, array.shape[:3]) > MOST_QFORM_ERROR:
        header["qform_code"] = 0
    with open(path, "wb") as file:
        if path.suffix.lower() != ".gz":
            image.to_stream(file)
            return
        # No name and no time: the same image gives the same bytes.
        with igzip.IGzipFile("", "wb", COMPRESSION_LEVEL, file, mtime=0) as stream:
            image.to_stream(stream)


def _header(source, several_volumes, *, is_pair):
    data = source.stream.read(max(HEADER_BYTES.values()))
    header = parse_nifti_header(data, source.path, several_volumes=several_volumes)
    if header.is_pair != is_pair:
        raise refusal(
            FileFormatError,
            "A NIfTI signature must fit the file name: n+1 in .nii, ni1 in .hdr",
            source.path,
            f"signature={'ni1' if header.is_pair else 'n+1'}",
            "Rename the file to what it is.",
        )
    return header


def _stored_voxels(source, header):
    """The voxels as they stand in the file, `(x, y, z)`."""
    # Scaled ones become float32, whatever they were.
    wanted = header.voxel_bytes + 4 * header.num_voxels * header.is_scaled
    source.check_holds(header.offset + header.voxel_bytes)
    check_voxel_bytes(header.offset + wanted, source.path)
    source.stream.seek(header.offset)
    # Memory of numpy is neither zeroed first nor given in small pages: a tenth faster.
    stored = np.empty(header.voxel_bytes, np.uint8)
    rest = memoryview(stored)
    while rest.nbytes:
        count = source.stream.readinto(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return stored.view(header.dtype).reshape(header.shape, order="F")


def _scaled(stored, header):
    from nibabel.volumeutils import apply_read_scaling

    if not header.is_scaled:
        return stored
    slope, inter = np.float64(header.slope), np.float64(header.inter)
    scaled = np.empty(stored.shape, np.float32, order="F")
    # Slice by slice: in double precision the whole would take three times the memory.
    with np.errstate(all="ignore"):
        for index in range(stored.shape[2]):
            scaled[:, :, index] = apply_read_scaling(stored[:, :, index], slope, inter)
    return scaled


def _parts(path):
    """The files with the header and with the voxels; one and the same in .nii."""
    packed = path.suffix.lower() == ".gz"
    plain = path.with_suffix("") if packed else path
    suffix = plain.suffix
    if suffix.lower() == ".nii":
        return path, path
    other = {".hdr": ".img", ".img": ".hdr"}[suffix.lower()]
    other = other.upper() if suffix.isupper() else other
    partner = plain.with_suffix(other)
    with_gz = Path(f"{partner}.gz")
    found = [
        p for p in ((with_gz, partner) if packed else (partner, with_gz)) if p.is_file()
    ]
    if not found:
        raise refusal(
            MissingFileError,
            "A NIfTI pair must have its .hdr and its .img in one folder",
            path,
            f"missing={partner.suffix}",
            "Copy the other half to the same folder.",
        )
    return (path, found[0]) if other.lower() == ".img" else (found[0], path)
