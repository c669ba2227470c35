"""Bias field correction of a scan of any size, and how strong its field was."""

from numbers import Integral, Real

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.background import from_background
from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.spatial.scan_checks import (
    check_image,
    check_mask,
    check_mask_anywhere,
    check_numbers,
)
from medzoo.volume import Volume

# The field is estimated on cubes of so many mm: it varies over centimetres.
SPACING = 6.0
ITERATIONS = (100, 100, 100)
CONTROL_POINTS = 4
# Of the change of the field: 1e-3 stops half-way, see docs/decisions/preprocessing.md.
THRESHOLD = 1e-7
# Shares of a field's voxels that tell its range.
ENDS = (2, 98)
# A spline has no direction along a single slice.
LEAST_VOXELS = 2
# A head cannot be seen where a coil receives a tenth of what it does elsewhere.
MOST_RANGE = 3.0


def n4(
    volume: Volume,
    mask: Volume | None = None,
    *,
    spacing: float = SPACING,
    iterations: tuple[int, ...] = ITERATIONS,
) -> Volume:
    """Removes the slowly varying brightness that receive coils leave.

    Args:
        volume: Volume of one channel, any orientation and spacing.
        mask: Volume on any grid of the same world, above 0 where the field is
            estimated, as the brain; None for all that is brighter than the mean.
        spacing: float, mm, of the grid that the field is estimated on. Defaults to 6.
        iterations: tuple of int, at each level of the spline.

    Returns:
        Volume, float32, the scan divided by `bias_field`.

    Raises:
        InputError: for several channels, a constant image, a single slice, an empty
            mask, or a spacing or iterations that are not positive.

    Source:
        Tustison et al., "N4ITK: Improved N3 Bias Correction" (2010), in SimpleITK.
    """
    field = bias_field(volume, mask, spacing=spacing, iterations=iterations)
    array = from_background(np.asarray(volume.array, np.float32))
    return volume.with_array(array / field.array)


def bias_field(
    volume: Volume,
    mask: Volume | None = None,
    *,
    spacing: float = SPACING,
    iterations: tuple[int, ...] = ITERATIONS,
) -> Volume:
    """Returns the bias field of a scan, float32; its geometric mean in the mask is 1.

    Args:
        volume: as of `n4`, and so are the others.
        mask: Volume or None.
        spacing: float, mm.
        iterations: tuple of int.
    """
    check_image("volume", volume)
    _check_options(spacing, iterations)
    if mask is not None:
        check_mask_anywhere(mask)
    if min(volume.shape) < LEAST_VOXELS:
        raise InputError(
            f"A scan must have {LEAST_VOXELS} voxels along each axis to have a bias "
            f"field. Received: shape={volume.shape}. Pass the whole scan."
        )
    if not volume.array.max() > volume.array.min():
        raise InputError(
            "A scan must have contrast to have a bias field. Received: a constant "
            "image. Check the file."
        )
    raised = volume.with_array(from_background(volume.array))
    coarse = resample_to(raised, Grid.of(raised).around(spacing))
    inside = _inside(coarse, mask)
    logarithm = _logarithm(coarse, inside, iterations)
    # Outside of what was seen a spline runs away: no more than at the edge.
    ends = logarithm[inside].min(), logarithm[inside].max()
    logarithm = np.clip(logarithm, *ends) - logarithm[inside].mean()
    field = _onto(coarse.with_array(logarithm), Grid.of(volume))
    return volume.with_array(np.exp(field).astype(np.float32))


def field_range(field: Volume, mask: Volume | None = None) -> float:
    """Returns how far a bias field varies: its 98th over its 2nd percentile, less 1.

    Args:
        field: Volume, as of `bias_field`.
        mask: Volume on its grid, above 0 what counts; None for all.

    Returns:
        float, 0 for no field, 0.4 for one that makes 40 % brighter.

    Raises:
        InputError: for an empty mask.
        GeometryError: for a mask on another grid.
    """
    check_numbers("field", field)
    if mask is not None:
        check_mask(mask, field, "field")
    values = field.array if mask is None else field.array[mask.array > 0]
    low, high = np.percentile(values, ENDS)
    return float(high / low - 1)


def _check_options(spacing, iterations):
    if not isinstance(spacing, Real) or not 0 < spacing < np.inf:
        raise InputError(
            f"`spacing` must be a positive number of mm. Received: {spacing!r}. "
            f"Leave it at {SPACING:g}."
        )
    levels = iterations if isinstance(iterations, (tuple, list)) else ()
    if not levels or not all(isinstance(n, Integral) and n > 0 for n in levels):
        raise InputError(
            "`iterations` must be a positive whole number for each level. Received: "
            f"{iterations!r}. Pass a tuple, as {ITERATIONS}."
        )


def _inside(coarse, mask):
    if mask is None:
        inside = coarse.array > coarse.array.mean()
    else:
        image = mask.with_array((mask.array > 0).astype(np.float32))
        inside = resample_to(image, Grid.of(coarse)).array > 0.5
    inside &= coarse.array > 0
    if not inside.any():
        raise InputError(
            "A bias field is estimated where the mask is. Received: a mask that is 0 "
            "wherever the scan is not. Check that both lie in one space."
        )
    return inside


def _logarithm(coarse, inside, iterations):
    import SimpleITK as sitk

    def image(array, dtype):
        data = np.ascontiguousarray(array.transpose(2, 1, 0), dtype=dtype)
        return sitk.GetImageFromArray(data)

    scan = image(coarse.array, np.float32)
    method = sitk.N4BiasFieldCorrectionImageFilter()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    method.SetMaximumNumberOfIterations([int(n) for n in iterations])
    method.SetConvergenceThreshold(THRESHOLD)
    method.SetNumberOfControlPoints([CONTROL_POINTS] * 3)
    method.Execute(scan, image(inside, np.uint8))
    found = sitk.GetArrayFromImage(method.GetLogBiasFieldAsImage(scan))
    return found.transpose(2, 1, 0)


def _onto(volume, grid):
    """Linear interpolation that goes on beyond the border with what is there."""
    padded = np.pad(volume.array, 2, mode="edge")
    affine = np.array(volume.affine)
    affine[:3, 3] -= 2 * affine[:3, :3].sum(axis=1)
    return resample_to(Volume(padded, affine), grid).array
