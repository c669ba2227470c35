"""One resolution for every scan: blurred to it, and sampled without further blur."""

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import SIGMA_PER_FWHM, check_size, drawn, to_image
from medzoo.volume import Volume

# Of the area of the Gaussian's kernel.
MOST_CUT_OFF = 1e-3
# Voxels; a limit that no sensible resolution meets, as a cut kernel blurs too little.
WIDEST_KERNEL = 1025


def resample_at_resolution(volume: Volume, grid: Grid, resolution: float) -> Volume:
    """Samples a Volume at the voxel centres of `grid`, at a fixed resolution.

    Linear interpolation blurs a scan the more, the further its voxels lie from those
    of the grid: by nothing where they meet, by a voxel between two. Scans of one head
    then differ by how it lay in the scanner. Here a Gaussian brings each axis to one
    resolution, a scan of voxels of h mm counting as one of h mm full width at half
    maximum, and B-splines of order 5 sample the result, which blur it far less.

    Args:
        volume: Volume, scalar or with channels.
        grid: `Grid`, in the same world space.
        resolution: full width at half maximum of a point in the result, mm. Axes whose
            voxels are larger stay as they are.

    Returns:
        Volume on `grid`, float32, 0 outside the volume.

    Raises:
        InputError: if `resolution` is not a positive number.
        ResourceError: for an implausibly large grid.

    Source: Unser, "Splines: a perfect fit for signal and image processing" (1999).
    """
    if not (np.isfinite(resolution) and resolution > 0):
        raise InputError(
            f"A resolution must be positive. Received: resolution={resolution!r}. Pass "
            "millimetres."
        )
    check_size(grid.shape)
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    variances = _variances(volume.affine, resolution)
    if volume.array.ndim == 3:
        out = _sampled(volume.array, to_old, grid.shape, variances)
    else:
        channels = np.moveaxis(volume.array, -1, 0)
        parts = [_sampled(c, to_old, grid.shape, variances) for c in channels]
        out = np.stack(parts, axis=-1)
    return volume.with_array(out).with_affine(grid.affine)


def _variances(affine, resolution):
    """What each axis lacks of the resolution, as a Gaussian's variance in voxels."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return SIGMA_PER_FWHM**2 * np.maximum((resolution / spacing) ** 2 - 1, 0)


def _sampled(array, to_old, shape, variances):
    """Samples `array` (x, y, z) at indices `to_old @ (i, j, k, 1)`."""
    import SimpleITK as sitk

    image = to_image(np.asarray(array, np.float32))
    # Not the recursive filter: below half a voxel it is not as wide as asked.
    image = sitk.DiscreteGaussian(
        image, variances.tolist(), WIDEST_KERNEL, [MOST_CUT_OFF] * 3, False
    )
    return drawn(image, to_old, shape, sitk.sitkBSpline5)
