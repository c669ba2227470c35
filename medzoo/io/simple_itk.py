"""NRRD and MetaImage through SimpleITK; the one place that converts LPS and (z, y, x).

The headers are checked by `meta_image` and `nrrd` before SimpleITK sees the file.
"""

from errno import EIO

import numpy as np

from medzoo.errors import FileFormatError, GeometryError, InputError
from medzoo.io.meta_image import parse_meta_image
from medzoo.io.nrrd import parse_nrrd
from medzoo.io.refusal import refusal
from medzoo.io.text_header import check_promise

# SimpleITK's x and y point to the left and to the back, medzoo's to the right and
# to the front.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
IMAGE_IO = {
    ".nrrd": "NrrdImageIO",
    ".nhdr": "NrrdImageIO",
    ".mha": "MetaImageIO",
    ".mhd": "MetaImageIO",
}


def read_with_simple_itk(path, assumed=None, *, several_volumes=False):
    """Reads an NRRD or a MetaImage.

    Args:
        path: pathlib.Path of a .nrrd, .nhdr, .mha or .mhd.
        assumed: `(4, 4)` or None, the affine for a header without geometry.
        several_volumes: bool, accept several numbers a voxel.

    Returns:
        Array, affine, list of warnings.

    Raises:
        FileFormatError: truncated, damaged or another format.
        InputError: a kind of image that medzoo does not read.
        GeometryError: no place in space.
        ResourceError: more voxels than memory allows.
        MissingFileError: the data file is not there.
    """
    _check_name(path)
    image_io = IMAGE_IO[path.suffix.lower()]
    parse = parse_nrrd if image_io.startswith("Nrrd") else parse_meta_image
    header, start = parse(path, several_volumes=several_volumes)
    if not header.has_geometry and assumed is None:
        raise refusal(
            GeometryError,
            "An image must have an origin, a spacing and anatomical axes",
            path,
            "geometry=incomplete or not anatomical",
            "Pass assume_affine=<voxel size in mm> (--assume-affine) if it is RAS+.",
        )
    check_promise(header, path, start)
    array, affine = _from_image(_decode(path, image_io), header, path)
    affine[:3] *= header.unit
    return array, affine if header.has_geometry else assumed, []


def write_with_simple_itk(array, affine, path):
    """Writes an NRRD or a MetaImage, compressed.

    Args:
        array: `(x, y, z)` or `(x, y, z, component)`.
        affine: `(4, 4)`, mm, RAS+.
        path: pathlib.Path of a .nrrd or .mha.
    """
    import SimpleITK

    _check_name(path)
    # (x, y, z, component) -> (z, y, x, component)
    axes = (2, 1, 0, 3)[: array.ndim]
    image = SimpleITK.GetImageFromArray(
        np.ascontiguousarray(array.transpose(axes)), isVector=array.ndim == 4
    )
    lps = LPS_TO_RAS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    # MetaImage goes by the suffix, and knows it in lower case only.
    plain = path.with_suffix(path.suffix.lower())
    try:
        SimpleITK.WriteImage(image, str(plain), useCompression=True)
    except RuntimeError:
        plain.unlink(missing_ok=True)
        # Its text is ITK's and names the temporary file; the caller knows the path.
        raise OSError(EIO, "not written whole: the disk may be full") from None
    plain.replace(path)


def _check_name(path):
    """SimpleITK ends the whole process over a name that is no Unicode."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise refusal(
            InputError,
            "The path of an NRRD or MetaImage must be valid Unicode",
            path,
            "a name in another encoding",
            "Rename the file or its folder.",
        ) from None


def _decode(path, image_io):
    import SimpleITK

    shows_warnings = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.GlobalWarningDisplayOff()
    try:
        return SimpleITK.ReadImage(str(path), imageIO=image_io)
    except RuntimeError as error:
        raise refusal(
            FileFormatError,
            "SimpleITK must be able to decode the image",
            path,
            f"error={type(error).__name__}",
            "Convert the image again from its source.",
        ) from error
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(shows_warnings)


def _from_image(image, header, path):
    """Array `(x, y, z)` or `(x, y, z, component)`, and the affine."""
    import SimpleITK

    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    array = SimpleITK.GetArrayFromImage(image)
    array = array.transpose((2, 1, 0, 3)[: array.ndim]).reshape(header.shape)
    if array.dtype != np.dtype(header.dtype) or image.GetSize() != header.shape[:3]:
        raise refusal(
            FileFormatError,
            "SimpleITK must find the type and shape that the header promises",
            path,
            f"dtype={array.dtype}, shape={image.GetSize()}",
            "Convert the image again from its source.",
        )
    affine = np.eye(4)
    direction = np.reshape(image.GetDirection(), (3, 3))
    affine[:3, :3] = direction * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return array, LPS_TO_RAS @ affine
