"""Resampling of a Volume onto another grid, smoothed first where it shrinks."""

import math
from collections.abc import Sequence

import numpy as np

from medzoo.errors import InputError, ResourceError
from medzoo.spatial.grid import Grid
from medzoo.volume import Volume

MOST_VOXELS = 2**29
INTERPOLATIONS = ("linear", "nearest")

# A Gaussian of this sigma has a full width at half maximum of one voxel.
SIGMA_PER_FWHM = 1 / np.sqrt(8 * np.log(2))


def resample(
    volume: Volume, spacing: float | Sequence[float], *, interpolation: str = "linear"
) -> Volume:
    """Resamples to a spacing; the field of view (outer voxel edges) stays.

    Args:
        volume: Volume.
        spacing: float or three floats, mm, along the volume's own axes.
        interpolation: "linear" (smoothed first on axes that shrink) or "nearest".

    Returns:
        Volume, float32 when linear, of the input's dtype when nearest.
    """
    spacing = np.broadcast_to(np.asarray(spacing, np.float64), 3)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise InputError(
            f"A spacing must be positive and finite. Received: spacing={spacing}. "
            "Pass millimetres."
        )
    zoom = np.asarray(volume.spacing) / spacing
    shape = np.maximum(np.round(np.asarray(volume.shape) * zoom), 1).astype(int)
    to_old = np.diag([*(1 / zoom), 1.0])
    # Outer edges aligned: voxel centres move by half the change of voxel size.
    to_old[:3, 3] = (np.asarray(volume.shape) - 1) / 2 - (shape - 1) / 2 / zoom
    grid = Grid(tuple(int(n) for n in shape), volume.affine @ to_old)
    return resample_to(volume, grid, interpolation=interpolation)


def resample_to(
    volume: Volume,
    grid: Grid,
    *,
    interpolation: str = "linear",
    background: float = 0.0,
) -> Volume:
    """Samples a Volume at the voxel centres of `grid`.

    Args:
        volume: Volume, scalar or with channels.
        grid: `Grid`, in the same world space.
        interpolation: "linear" or "nearest".
        background: float, the value outside the volume.

    Returns:
        Volume on `grid`, float32 when linear, of the input's dtype when nearest.
    """
    if interpolation not in INTERPOLATIONS:
        raise InputError(
            f"`interpolation` must be one of {INTERPOLATIONS}. "
            f"Received: interpolation={interpolation!r}."
        )
    check_size(grid.shape)
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    array = volume.array
    if array.ndim == 3:
        out = _sample(array, to_old, grid.shape, interpolation, background)
    else:
        parts = [array[..., c] for c in range(array.shape[-1])]
        out = np.stack(
            [_sample(p, to_old, grid.shape, interpolation, background) for p in parts],
            axis=-1,
        )
    return volume.with_array(out).with_affine(grid.affine)


def check_size(shape):
    """Refuses an implausibly large grid before memory is allocated.

    Raises:
        ResourceError: above 2**29 voxels, 2 GiB of float32 a channel.
    """
    if math.prod(int(n) for n in shape) > MOST_VOXELS:
        raise ResourceError(
            f"A resampled image must not have more than {MOST_VOXELS} voxels. "
            f"Received: shape={tuple(int(n) for n in shape)}. Check the voxel size of "
            "the header, or crop the image."
        )


def _sample(array, to_old, shape, interpolation, background):
    """Samples `array` (x, y, z) at indices `to_old @ (i, j, k, 1)`.

    SimpleITK works here on plain indices (unit spacing, no direction), so that any
    affine is served, sheared ones too.
    """
    shift = _whole_voxel_shift(to_old)
    if shift is not None:
        return _crop(array, shift, shape, background, interpolation)
    import SimpleITK as sitk

    nearest = interpolation == "nearest"
    image = to_image(array if nearest else array.astype(np.float32))
    if not nearest:
        image = smoothed_for(image, to_old)
    method = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    result = drawn(image, to_old, shape, method, float(background))
    return result.astype(array.dtype) if nearest else result


def drawn(image, to_old, shape, method, background=0.0):
    """Samples a SimpleITK image in its own indices.

    Args:
        image: SimpleITK image, see `to_image`.
        to_old: `(4, 4)`, new index -> old index.
        shape: three ints.
        method: an interpolator of SimpleITK.
        background: float, the value outside the image.

    Returns:
        `(x, y, z)` array.
    """
    import SimpleITK as sitk

    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_old[:3, :3].ravel().tolist())
    transform.SetTranslation(to_old[:3, 3].tolist())
    size = [int(n) for n in shape]
    out = sitk.Resample(
        image, size, transform, method, [0.0] * 3, [1.0] * 3, [], background
    )
    return sitk.GetArrayFromImage(out).transpose(2, 1, 0)


def to_image(array):
    """Returns an array as a SimpleITK image in its own indices, unit spacing."""
    import SimpleITK as sitk

    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    return sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))


def _shrink_factors(to_old):
    """How many old voxels one new voxel spans, along each old axis."""
    return np.linalg.norm(to_old[:3, :3], axis=1)


def smoothed_for(image, to_old):
    """Blurs the axes that shrink to the resolution of the new voxels.

    Args:
        image: SimpleITK image in its own indices, float32.
        to_old: `(4, 4)`, new index -> old index.
    """
    import SimpleITK as sitk

    factors = _shrink_factors(to_old)
    sigmas = SIGMA_PER_FWHM * np.sqrt(np.maximum(factors**2 - 1, 0))
    for axis, sigma in enumerate(sigmas):
        # Below a tenth of a voxel the recursive filter is not accurate, nor needed.
        if sigma > 0.1 and image.GetSize()[axis] >= 4:
            image = sitk.RecursiveGaussian(image, float(sigma), direction=axis)
    return image


def _whole_voxel_shift(to_old):
    """The integer offset if new voxels coincide with old ones, else None."""
    shift = np.round(to_old[:3, 3])
    same = np.allclose(to_old[:3, :3], np.eye(3), atol=1e-6)
    if same and np.allclose(to_old[:3, 3], shift, atol=1e-4):
        return shift.astype(int)
    return None


def _crop(array, shift, shape, background, interpolation):
    dtype = array.dtype if interpolation == "nearest" else np.float32
    out = np.full(shape, background, dtype)
    low = np.clip(shift, 0, array.shape)
    high = np.clip(shift + shape, 0, array.shape)
    if (high > low).all():
        source = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        at = tuple(
            slice(a - s, b - s) for a, b, s in zip(low, high, shift, strict=True)
        )
        out[at] = array[source]
    return out
