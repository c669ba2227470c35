"""Rigid or affine registration from a start that is nearly right."""

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.register import matrix_of
from medzoo.volume import Volume

ITERATIONS = 60
BINS = 32
# Share of the voxels that a metric looks at, coarse and fine.
SAMPLES = {"information": (0.5, 0.2), "correlation": (1.0, 0.25)}
SEED = 7
# mm that the first step moves voxels by; the second is tried where the first led away.
FIRST_STEPS = (1.0, 0.25)


def descend(
    fixed: Volume,
    moving: Volume,
    start: np.ndarray,
    *,
    kind: str = "affine",
    metric: str = "correlation",
    mask: np.ndarray | None = None,
    shrink: tuple = (2, 1),
) -> tuple[np.ndarray, float]:
    """Moves one image onto another until they agree best.

    Args:
        fixed: Volume on a grid along the world's axes.
        moving: Volume, likewise.
        start: `(4, 4)`, fixed world -> moving world, mm; a rigid one for "rigid".
        kind: "rigid" (6 parameters) or "affine" (12).
        metric: "correlation" for images of one contrast, "information" (mutual, by
            Mattes) for any.
        mask: bool array on the grid of `fixed`, what takes part; None for all.
        shrink: how often the grid is thinned, coarse to fine.

    Returns:
        `(4, 4)` float64, and the metric there: a correlation, or information in nats.

    Raises:
        InputError: if the images do not overlap.
    """
    for first_step in FIRST_STEPS:
        method, images = _method(fixed, moving, metric, mask, shrink, first_step)
        transform = _transform(kind, start, _middle(fixed, mask))
        method.SetInitialTransform(transform, inPlace=True)
        try:
            method.Execute(*images)
        except RuntimeError:
            # No sample lies in the other image: from the start on, or after a step.
            if not _overlap(fixed, moving, start, mask):
                break
        else:
            return matrix_of(transform), -float(method.GetMetricValue())
    raise InputError(
        "Images must overlap to be registered. Received: two that lie apart, or drift "
        "apart. Check that both show the same part of the body."
    )


def _method(fixed, moving, metric, mask, shrink, first_step):
    """The descent, its transform not yet set, and both images."""
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    _set_metric(method, metric, len(shrink))
    images = [_image(np.float32, v.array, v.affine) for v in (fixed, moving)]
    if mask is not None:
        method.SetMetricFixedMask(_image(np.uint8, mask, fixed.affine))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        first_step,
        1e-3,
        ITERATIONS,
        relaxationFactor=0.5,
        gradientMagnitudeTolerance=1e-8,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(shrink))
    method.SetSmoothingSigmasPerLevel([float(s - 1) for s in shrink])
    return method, images


def _overlap(fixed, moving, start, mask):
    """Whether any voxel that takes part lies in the other image."""
    index = np.argwhere(np.ones(fixed.shape, bool) if mask is None else mask)
    to_moving = np.linalg.inv(moving.affine) @ start @ fixed.affine
    there = index @ to_moving[:3, :3].T + to_moving[:3, 3]
    inside = (there >= 0) & (there <= np.asarray(moving.shape) - 1)
    return bool(inside.all(axis=1).any())


def _set_metric(method, metric, levels):
    if metric == "correlation":
        method.SetMetricAsCorrelation()
    else:
        method.SetMetricAsMattesMutualInformation(BINS)
    if metric == "correlation" and levels == 1:
        method.SetMetricSamplingStrategy(method.NONE)
        return
    method.SetMetricSamplingStrategy(method.REGULAR)
    shares = list(SAMPLES[metric][-levels:])
    method.SetMetricSamplingPercentagePerLevel(shares, SEED)


def _transform(kind, start, centre):
    """Turning about the middle of the image keeps parameters independent."""
    import SimpleITK as sitk

    rigid = kind == "rigid"
    transform = sitk.VersorRigid3DTransform() if rigid else sitk.AffineTransform(3)
    transform.SetCenter(centre.tolist())
    # Float32 affines are not orthogonal to ITK's last digit.
    transform.SetMatrix(start[:3, :3].ravel().tolist(), *([1e-4] if rigid else []))
    shift = start[:3, :3] @ centre + start[:3, 3] - centre
    transform.SetTranslation(shift.tolist())
    return transform


def _middle(volume, mask):
    weights = volume.array > volume.array.mean() if mask is None else mask
    index = np.argwhere(weights)
    middle = index.mean(axis=0) if len(index) else np.asarray(volume.shape) / 2
    return volume.affine[:3, :3] @ middle + volume.affine[:3, 3]


def _image(dtype, array, affine):
    """An ITK image whose "physical space" is our RAS world."""
    import SimpleITK as sitk

    data = np.ascontiguousarray(np.asarray(array, dtype).transpose(2, 1, 0))
    image = sitk.GetImageFromArray(data)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image
