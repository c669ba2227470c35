"""Deformable registration of two images of one contrast: diffeomorphic demons."""

import numpy as np

from medzoo.spatial.transform import field_of
from medzoo.volume import Volume

# From coarse to fine: how often the grid is thinned, and how many iterations there.
LEVELS = ((4, 40), (2, 30), (1, 20))
# Smoothing of the field after each iteration, voxels.
SMOOTHING = 1.0


def demons(
    fixed: np.ndarray,
    moving: np.ndarray,
    affine: np.ndarray,
    *,
    levels: tuple = LEVELS,
    smoothing: float = SMOOTHING,
) -> Volume:
    """Finds where each voxel of one image lies in another that is nearly in place.

    Args:
        fixed: `(x, y, z)` float array.
        moving: float array on the same grid, with intensities alike (mean squares
            decide).
        affine: `(4, 4)`, of both; axes along those of the world.
        levels: pairs (shrink factor, iterations), coarse to fine.
        smoothing: float, of the field, voxels: larger is stiffer.

    Returns:
        Volume `(x, y, z, 3)` float32: what to add to a point of the fixed image, mm.

    Source:
        Vercauteren et al., "Diffeomorphic demons: efficient non-parametric image
        registration", NeuroImage 45 (2009), in SimpleITK.
    """
    import SimpleITK as sitk

    images = [_image(array, affine) for array in (fixed, moving)]
    method = sitk.DiffeomorphicDemonsRegistrationFilter()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    method.SetSmoothDisplacementField(True)
    method.SetStandardDeviations(smoothing)
    field = None
    for shrink, iterations in levels:
        level = [_thinned(image, shrink) for image in images]
        method.SetNumberOfIterations(iterations)
        start: list = [] if field is None else [sitk.Resample(field, level[0])]
        field = method.Execute(*level, *start)
    return field_of(field, affine)


def _thinned(image, shrink):
    import SimpleITK as sitk

    if shrink == 1:
        return image
    return sitk.Shrink(sitk.DiscreteGaussian(image, shrink**2 / 2), [shrink] * 3)


def _image(array, affine):
    import SimpleITK as sitk

    data = np.ascontiguousarray(array.transpose(2, 1, 0), dtype=np.float32)
    image = sitk.GetImageFromArray(data)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image
