"""Bias field correction (N4)."""

from collections.abc import Sequence

import numpy as np

from medzoo.volume import Volume


def correct_bias_field(
    volume: Volume,
    *,
    shrink: int = 4,
    iterations: Sequence[int] = (30, 30, 20),
    control_points: int = 4,
) -> Volume:
    """Divides by the bias field, estimated over the bright half of a volume.

    Args:
        volume: Volume, one channel, background 0.
        shrink: int, the field is estimated on every so many voxels. Defaults to 4.
        iterations: tuple of int, at each level of the spline. Defaults to (30, 30, 20).
        control_points: int, of the spline along each axis. Defaults to 4.

    Returns:
        Volume, float32. A constant one is returned as it is.

    Source:
        Tustison et al., "N4ITK: Improved N3 Bias Correction" (2010), in SimpleITK.
    """
    import SimpleITK as sitk

    array = np.asarray(volume.array, np.float32)
    # Brighter than the mean of the box: brain tissue, without fluid and background.
    tissue = array > array.mean()
    if not tissue.any() or array[tissue].min() <= 0:
        return volume.with_array(array)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    mask = sitk.GetImageFromArray(tissue.transpose(2, 1, 0).astype(np.uint8))
    method = sitk.N4BiasFieldCorrectionImageFilter()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    method.SetMaximumNumberOfIterations([int(n) for n in iterations])
    method.SetConvergenceThreshold(1e-3)
    method.SetNumberOfControlPoints([control_points] * 3)
    method.Execute(sitk.Shrink(image, [shrink] * 3), sitk.Shrink(mask, [shrink] * 3))
    field = sitk.GetArrayFromImage(method.GetLogBiasFieldAsImage(image))
    return volume.with_array(array / np.exp(field.transpose(2, 1, 0)))
