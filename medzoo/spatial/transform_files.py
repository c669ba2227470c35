"""Transforms in ITK's own files, as ANTs, 3D Slicer and SimpleITK read them."""

from errno import EIO
from os import PathLike
from pathlib import Path

import numpy as np

from medzoo.errors import FileFormatError, InputError, MissingFileError
from medzoo.files import replace_atomically
from medzoo.spatial.apply_transform import composite
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

# Field -> file. Text holds matrices alone; ITK's HDF5 holds fields too.
FIELD_SUFFIX, SUFFIXES = ".h5", (".h5", ".tfm", ".txt", ".mat")
# ITK's x and y point to the left and to the back.
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
LARGEST_BYTES = 2**31


def write_transform(transform: Transform, path: str | PathLike) -> Path:
    """Writes a transform so that the file is the old one or the whole new one.

    Args:
        transform: `Transform`.
        path: .h5 for any, .tfm, .txt or .mat for one without fields, which then is one
            affine. `antsApplyTransforms -t FILE` takes it as it is.

    Returns:
        pathlib.Path, `path`.

    Raises:
        InputError: for another suffix, or a field in a format of matrices.
        MissingFileError: if the folder is not there.
    """
    import SimpleITK as sitk

    path = Path(path)
    _check_name(path)
    if path.suffix not in SUFFIXES or not (
        transform.is_affine or path.suffix == FIELD_SUFFIX
    ):
        raise InputError(
            f"A transform is written as {', '.join(SUFFIXES)}, one with a field as "
            f"{FIELD_SUFFIX}. Received: {path.name}. Choose another name."
        )
    if not path.parent.is_dir():
        raise MissingFileError(
            f"The folder to write to must exist. Received: {path.parent}. Make it."
        )
    parts = [_flipped(part) for part in transform.parts]
    if transform.is_affine:
        parts = [FLIP @ transform.matrix @ FLIP]
    found = composite(parts)
    if transform.is_affine:
        found = sitk.AffineTransform(found.GetNthTransform(0))
    with replace_atomically(path) as temporary:
        try:
            sitk.WriteTransform(found, str(temporary))
        except RuntimeError:
            raise OSError(EIO, "not written whole: the disk may be full") from None
    return path


def read_transform(path: str | PathLike) -> Transform:
    """Reads a transform from ITK's files: of medzoo, ANTs, 3D Slicer or SimpleITK.

    Args:
        path: .h5, .tfm, .txt or .mat; affine maps of any kind and displacement fields,
            alone or in a row.

    Returns:
        `Transform`; it does not know its fixed image, so `apply` needs a grid.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: if ITK cannot read it, or it holds splines.
    """
    import SimpleITK as sitk

    path = Path(path)
    _check_name(path)
    if not path.is_file():
        raise MissingFileError(
            f"A transform's file must exist. Received: {path}. Check the path."
        )
    if path.stat().st_size > LARGEST_BYTES:
        raise FileFormatError(
            f"A transform's file must be below 2 GiB in {path}. Received: "
            f"{path.stat().st_size} bytes. Check that it is a transform."
        )
    try:
        found = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise FileFormatError(
            f"ITK must be able to read a transform in {path}. Received: "
            f"{type(error).__name__}. Write it again from its source."
        ) from error
    return Transform([_part(one, path) for one in _in_order(found)])


def _check_name(path):
    """SimpleITK ends the whole process over a name that is no Unicode."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        shown = str(path).encode("utf-8", "backslashreplace").decode()
        raise InputError(
            "The path of a transform must be valid Unicode. Received: "
            f"{shown}, a name in another encoding. Rename the folder or the file."
        ) from None


def _flipped(part):
    if not isinstance(part, Volume):
        return FLIP @ part @ FLIP
    array = part.array * np.array([-1, -1, 1], np.float32)
    return Volume(array, FLIP @ part.affine)


def _in_order(transform):
    """The parts, the first applied first; ITK has them the other way round."""
    if transform.GetName() != "CompositeTransform":
        return [transform]
    import SimpleITK as sitk

    whole = sitk.CompositeTransform(transform)
    parts = [whole.GetNthTransform(i) for i in range(whole.GetNumberOfTransforms())]
    return [part for one in reversed(parts) for part in _in_order(one)]


def _part(transform, path):
    import SimpleITK as sitk

    transform = transform.Downcast()
    if isinstance(transform, sitk.DisplacementFieldTransform):
        return _field(transform.GetDisplacementField())
    if transform.GetDimension() != 3 or not transform.IsLinear():
        raise FileFormatError(
            f"A transform must be affine or a displacement field in {path}. Received: "
            f"{transform.GetName()}. Convert it to a displacement field."
        )
    # What it does to four points determines any affine map, however it is kept.
    points = np.vstack([np.zeros(3), np.eye(3)])
    moved = np.array([transform.TransformPoint(p.tolist()) for p in points])
    matrix = np.eye(4)
    matrix[:3, 3] = moved[0]
    matrix[:3, :3] = (moved[1:] - moved[0]).T
    return FLIP @ matrix @ FLIP


def _field(image):
    import SimpleITK as sitk

    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0, 3)
    affine = np.eye(4)
    direction = np.reshape(image.GetDirection(), (3, 3))
    affine[:3, :3] = direction * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    flipped = array.astype(np.float32) * np.array([-1, -1, 1], np.float32)
    return Volume(flipped, FLIP @ affine)
