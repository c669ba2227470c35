"""Reading and writing images: format by suffix, checked by signature."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medzoo.errors import (
    FileFormatError,
    GeometryError,
    InputError,
    MedzooError,
    MedzooWarning,
    MissingFileError,
)
from medzoo.files import replace_atomically
from medzoo.io.dicom import is_dicom, read_dicom
from medzoo.io.mgh import read_mgh
from medzoo.io.nifti import read_nifti, write_nifti
from medzoo.io.nifti_geometry import corner_distance
from medzoo.io.npy import read_npy, write_npy
from medzoo.io.refusal import named, refusal
from medzoo.io.remote import fetched, is_url
from medzoo.io.simple_itk import read_with_simple_itk, write_with_simple_itk
from medzoo.io.voxels import native, storable, without_non_finite
from medzoo.volume import Volume

READERS = {
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".hdr": read_nifti,
    ".hdr.gz": read_nifti,
    ".img": read_nifti,
    ".img.gz": read_nifti,
    ".nrrd": read_with_simple_itk,
    ".nhdr": read_with_simple_itk,
    ".mha": read_with_simple_itk,
    ".mhd": read_with_simple_itk,
    ".mgh": read_mgh,
    ".mgz": read_mgh,
    ".npy": read_npy,
}
WRITERS = {
    ".nii": write_nifti,
    ".nii.gz": write_nifti,
    ".nrrd": write_with_simple_itk,
    ".mha": write_with_simple_itk,
    ".npy": lambda array, affine, path: write_npy(array, path),
}


def read(
    path: str | Path,
    *,
    assume_affine: float | Sequence[float] | None = None,
    series: str | None = None,
    channel: str | None = None,
) -> Volume:
    """Reads and validates a medical image.

    Args:
        path: str or path of a .nii, .nii.gz, .hdr/.img pair, .nrrd, .nhdr, .mha,
            .mhd, .mgh, .mgz or .npy; a URL in an object store, as s3://BUCKET/KEY
            (extra remote); or, with the extra dicom, of a DICOM folder, zip,
            DICOMDIR or file, also as "FOLDER#SERIES".
        assume_affine: float or three, voxel size in mm of an image that does not state
            where it lies; its axes are then taken as right, front, top (RAS+).
        series: str or None, of DICOM which series: its number, UID or description.
        channel: str or None, of DICOM what is looked for where no series is named, as
            "t1". One series that fits is taken, of several none.

    Returns:
        Volume: integers that the file does not scale keep their type, all else is
        float32. Its `warnings` were issued as `MedzooWarning` too.

    Raises:
        MissingFileError: the path names nothing, or half of a pair.
        FileFormatError: a folder, an unknown, damaged or truncated file.
        InputError: no single 3-D volume of real numbers, or mostly non-finite.
        GeometryError: no place in space, an impossible or contradictory one.
        ResourceError: more voxels than memory allows.

    Example:
        >>> volume = medzoo.read("sub-01_T1w.nii.gz")  # doctest: +SKIP
        >>> volume.spacing  # doctest: +SKIP
        (1.0, 1.0, 1.0)
    """
    volume = read_quietly(
        path, assume_affine=assume_affine, series=series, channel=channel
    )
    for message in volume.warnings:
        warnings.warn(message, MedzooWarning, stacklevel=2)
    return volume


def read_quietly(path, *, assume_affine=None, series=None, channel=None):
    """Reads as `read` does, with warnings in `Volume.warnings` only."""
    if is_url(path):
        given = {"assume_affine": assume_affine, "series": series, "channel": channel}
        with fetched(path) as local:
            return read_quietly(local, **given)
    assumed = _assumed_affine(assume_affine)
    path = _as_path(path)
    if is_dicom(path):
        return _trusted(path, *read_dicom(path, series=series, channel=channel))
    return _volume(path, _suffix(path, READERS, FileFormatError), assumed)


def read_labels(path):
    """Reads a label map: as an image, with NaN and Inf as background.

    Args:
        path: as of `read`; several volumes are taken for one-hot classes.

    Returns:
        Volume, `(x, y, z)` or `(x, y, z, classes)`.

    Raises:
        MedzooError: as `read`.
    """
    path = _as_path(path)
    suffix = _suffix(path, READERS, FileFormatError)
    array, affine, warned = READERS[suffix](path, None, several_volumes=True)
    array = native(array)
    if array.dtype.kind == "f":
        array = np.nan_to_num(array, nan=0.0, posinf=-1.0, neginf=-1.0)
    try:
        return Volume(array, affine, warnings=warned)
    except GeometryError as error:
        raise named(error, path) from None


def write(volume: Volume, path: str | Path) -> Path:
    """Writes an image atomically.

    The file is written beside its place, opened again, compared, and only then put in
    its place. The path that an image was read from may be the one it is written to.

    Args:
        volume: Volume. bool is written as uint8, float64 as float32, 64-bit integers
            as int32. Channels become volumes (NIfTI) or components.
        path: str or path, .nii, .nii.gz, .nrrd, .mha or .npy (without the affine).

    Returns:
        pathlib.Path, `path`.

    Raises:
        InputError: an unknown suffix, non-finite voxels, integers beyond 32 bits.
        MissingFileError: the folder is not there.
        FileFormatError: what was written does not read back; nothing was replaced.
    """
    path = _as_path(path)
    suffix = _suffix_of(path, WRITERS, InputError)
    if not path.parent.is_dir():
        raise refusal(
            MissingFileError,
            "The folder to write to must exist",
            path,
            "folder=missing",
            "Make the folder first.",
        )
    if path.is_dir():
        raise refusal(
            InputError,
            "An image must be written to a file's path",
            path,
            "a folder",
            "Add a file name.",
        )
    array = storable(volume.array, path)
    with replace_atomically(path) as temporary:
        WRITERS[suffix](array, volume.affine, temporary)
        _verify(temporary, suffix, array, volume.affine, path)
    return path


def _as_path(path):
    if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
        raise InputError(
            "An image's place must be a path. "
            f"Received: path={path!r:.80}. Pass a str or a pathlib.Path."
        )
    return Path(path)


def _volume(path, suffix, assumed):
    return _trusted(path, *READERS[suffix](path, assumed))


def _trusted(path, array, affine, geometry_warnings):
    """Makes and checks the Volume."""
    array, voxel_warnings = without_non_finite(native(array), path)
    try:
        return Volume(array, affine, warnings=(*geometry_warnings, *voxel_warnings))
    except GeometryError as error:
        raise named(error, path) from None


def _assumed_affine(spacing):
    if spacing is None:
        return None
    try:
        values = np.broadcast_to(np.asarray(spacing, np.float64), (3,))
        if not (values > 0).all():
            raise ValueError("a mirrored axis")
        return Volume(np.zeros((1, 1, 1)), np.diag([*values, 1.0])).affine
    except (TypeError, ValueError):
        raise InputError(
            "assume_affine must be one voxel size in mm or three, within 0.001..1000. "
            f"Received: assume_affine={spacing!r}. Pass for example 1.0."
        ) from None


def _suffix(path, known, error):
    """The known suffix of an existing, non-empty file."""
    if not os.path.exists(path):  # False, too, for a name that no system takes
        raise refusal(
            MissingFileError,
            "An image file must exist",
            path,
            "file=missing",
            "Check the path.",
        )
    if not path.is_file() or path.stat().st_size == 0:
        raise refusal(
            FileFormatError,
            "An image must be a file with content",
            path,
            "an empty file" if path.is_file() else "a folder or device",
            "Pass the path of one image file.",
        )
    return _suffix_of(path, known, error)


def _suffix_of(path, known, error):
    name = path.name.lower()
    # The longest first: .nii.gz before .gz would matter once .gz is known.
    for suffix in sorted(known, key=len, reverse=True):
        if name.endswith(suffix) and name != suffix:
            return suffix
    raise refusal(
        error,
        f"An image's name must end in one of {', '.join(known)}",
        path,
        f"suffix={path.suffix!r}",
        "Convert the image or correct its suffix.",
    )


def _verify(temporary, suffix, array, affine, path):
    """Reads the file back and compares voxels and corner positions."""
    assumed = affine if suffix == ".npy" else None
    try:
        found, place, found_warnings = READERS[suffix](
            temporary, assumed, several_volumes=True
        )
    except MedzooError as error:
        raise _not_written(path, f"error={type(error).__name__}") from error
    # Single precision of NIfTI's forms, relative to the farthest coordinate.
    extent = np.abs(affine[:3, :3]) @ array.shape[:3] + np.abs(affine[:3, 3])
    distance = corner_distance(place, affine, array.shape[:3])
    same = np.array_equal(found.reshape(array.shape), array)
    if not same or distance > 1e-3 + 1e-6 * extent.max() or found_warnings:
        raise _not_written(
            path, f"same voxels={same}, corner distance={distance:.4f} mm"
        )


def _not_written(path, received):
    return refusal(
        FileFormatError,
        "A written image must read back as it was",
        path,
        received,
        "The old file is untouched; check the disk and try again.",
    )
