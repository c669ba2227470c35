"""Affine registration of a head to an atlas, whole or skull-stripped."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import polar

from medzoo.errors import GeometryError, InputError
from medzoo.spatial.atlas import atlas
from medzoo.spatial.brain_search import brain_with_rim, find_brain
from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume

SPACING = 4.0
ITERATIONS = 100
# A brain is 170 mm long; a scanner sees about half a metre, a whole body is cut first.
LEAST_VOXELS, LEAST_MM, MOST_MM = 8, 40.0, 700.0
# A whole body.
MOST_FIELD_MM = 2000.0
# Of unit axes; a gantry tilt of 30 degrees gives 0.87.
LEAST_UPRIGHT = 0.3


@dataclass(frozen=True)
class Registration:
    """Affine transform of an image relative to an atlas.

    Args:
        to_image: `(4, 4)` float64, atlas world -> image world, mm.
        correlation: float in [-1, 1], of image and atlas within the brain.
        scale: float, size of the image's brain over the atlas's (cube root of the
            determinant).
    """

    to_image: np.ndarray
    correlation: float
    scale: float


def register(volume: Volume, atlas_name: str, contrast: str = "t1") -> Registration:
    """Registers an image to an atlas.

    Args:
        volume: Volume, one channel, any orientation and spacing.
        atlas_name: str, see `medzoo.spatial.atlas_names`.
        contrast: str, of the image: "t1" or "flair", see `medzoo.spatial.atlas`.

    Returns:
        `Registration`. The result does not depend on the axis order of the array, on
        the position of the head in the field of view, or on surrounding structures.

    Raises:
        InputError: if the image is constant.
        GeometryError: if it is too small or too large to be that of a head.
    """
    check_head_field(volume)
    image = _standardised(volume)
    source = atlas(atlas_name, contrast)
    start, _ = find_brain(image, atlas_name, contrast)
    to_image, correlation = _descend(image, source, start)
    scale = float(np.cbrt(np.linalg.det(to_image[:3, :3])))
    return Registration(to_image, correlation, scale)


def check_head_field(volume):
    """Refuses an implausible field of view before registration.

    Registration takes time and memory by millimetres, not by voxels: a wrong voxel
    size in a header must not decide.

    Raises:
        GeometryError: telling the field of view.
    """
    extent = np.ptp(Grid.of(volume).corners(), axis=0)
    length = np.asarray(volume.shape) * volume.spacing
    upright = abs(np.linalg.det(volume.direction))
    if (
        min(volume.shape) < LEAST_VOXELS
        or length.min() < LEAST_MM
        or max(length.max(), extent.max()) > MOST_MM
        or upright < LEAST_UPRIGHT
    ):
        size = " x ".join(f"{n:g}" for n in np.round(length, 1))
        raise GeometryError(
            f"A head must fill at least {LEAST_VOXELS} voxels and {LEAST_MM:g} mm "
            f"along each axis, and at most {MOST_MM:g} mm, with axes that cross. "
            f"Received: shape={tuple(volume.shape)}, {size} mm, volume of a voxel over "
            f"the product of its edges={upright:.2f}. Check the voxel size of the "
            "header, or give the whole head."
        )


def check_field(name, volume):
    """Refuses a field of view that no scanner has, before anything is resampled.

    Args:
        name: str, what the image is called in the message.
        volume: Volume.

    Raises:
        GeometryError: telling the field of view.
    """
    extent = np.ptp(Grid.of(volume).corners(), axis=0)
    upright = abs(np.linalg.det(volume.direction))
    if extent.max() > MOST_FIELD_MM or upright < LEAST_UPRIGHT:
        size = " x ".join(f"{n:g}" for n in np.round(extent, 1))
        raise GeometryError(
            f"A field of view must be at most {MOST_FIELD_MM:g} mm, with axes that "
            f"cross. Received: `{name}` of {size} mm, volume of a voxel over the "
            f"product of its edges={upright:.2f}. Check the voxel size of the header."
        )


def rigid_part(to_image, centre):
    """Returns the rotation and translation of an affine map, without its scaling.

    Args:
        to_image: `(4, 4)` array, atlas world -> image world, mm.
        centre: `(3,)` array, the atlas point that still goes where the map takes it.

    Returns:
        `(4, 4)` float64 with a proper rotation: that next to the linear part.

    Source:
        Higham, "Computing the Polar Decomposition" (1986).
    """
    linear = to_image[:3, :3]
    rotation, _ = polar(linear)
    rigid = np.eye(4)
    rigid[:3, :3] = rotation
    rigid[:3, 3] = linear @ centre + to_image[:3, 3] - rotation @ centre
    return rigid


def _standardised(volume):
    """Returns the image at 4 mm, scaled so that bright brain tissue is about 1."""
    image = resample_to(volume, Grid.of(volume).around(SPACING))
    array = image.array
    array = array - np.percentile(array, 1)
    bright = array[array > array.mean()]
    if not bright.size or not np.percentile(bright, 95) > 0:
        raise InputError(
            "An image must have contrast to find a brain in. Received: a constant "
            "image. Check the file."
        )
    # The bound keeps fat and vessels from outweighing the brain.
    return image.with_array(np.clip(array / np.percentile(bright, 95), 0, 1.5))


def _descend(image, source, start):
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    method.SetMetricAsCorrelation()
    method.SetMetricSamplingStrategy(method.NONE)
    mask = brain_with_rim(source.name).astype(np.uint8)
    method.SetMetricFixedMask(_to_itk(mask, source.grid.affine))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        2.0, 1e-3, ITERATIONS, relaxationFactor=0.5, gradientMagnitudeTolerance=1e-8
    )
    method.SetOptimizerScalesFromPhysicalShift()
    transform = sitk.AffineTransform(3)
    # Turning about the brain, not about the origin, keeps parameters independent.
    transform.SetCenter(source.centre.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist())
    shift = start[:3, :3] @ source.centre + start[:3, 3] - source.centre
    transform.SetTranslation(shift.tolist())
    method.SetInitialTransform(transform, inPlace=True)
    fixed = _to_itk(source.brain, source.grid.affine)
    method.Execute(fixed, _to_itk(image.array, image.affine))
    return matrix_of(transform), -float(method.GetMetricValue())


def _to_itk(array, affine):
    """An ITK image whose "physical space" is our RAS world; for grids without turn."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    image.SetSpacing(np.diag(affine)[:3].tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def matrix_of(transform):
    """Returns a transform of SimpleITK with a centre as `(4, 4)`, in its world."""
    linear = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    world = np.eye(4)
    world[:3, :3] = linear
    world[:3, 3] = np.array(transform.GetTranslation()) + centre - linear @ centre
    return world
