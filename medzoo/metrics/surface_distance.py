"""Distances between the surfaces of two masks, in millimetres.

The surface of a mask are its voxels with a face neighbour outside. All functions take
two bool arrays of one shape and the voxel size. Where both masks are empty a distance
is NaN, where one of them is, it is infinite.
"""

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt


def hausdorff_distance(prediction, target, spacing_mm, percentile=95):
    """Returns the Hausdorff distance, robust by a percentile.

    Args:
        prediction: `(x, y, z)` bool.
        target: `(x, y, z)` bool.
        spacing_mm: float or three floats, the voxel size.
        percentile: float in (0, 100]; 100 for the largest distance. Defaults to 95.

    Returns:
        float, mm: the larger of the percentiles of both directions.

    Raises:
        ValueError: for masks that are not bool arrays of one shape, a spacing that is
            not positive, or a percentile out of range.

    Source:
        Huttenlocher et al., "Comparing Images Using the Hausdorff Distance" (1993).
    """
    if not 0 < percentile <= 100:
        raise ValueError(
            f"`percentile` must lie in (0, 100]. Received: percentile={percentile}."
        )
    there, back = surface_distances(prediction, target, spacing_mm)
    if not len(there) or not len(back):
        return _of_empty(there, back)
    return float(max(np.percentile(there, percentile), np.percentile(back, percentile)))


def average_surface_distance(prediction, target, spacing_mm, symmetric=True):
    """Returns the mean distance between surfaces.

    Args:
        prediction: `(x, y, z)` bool.
        target: `(x, y, z)` bool.
        spacing_mm: float or three floats, the voxel size.
        symmetric: bool, the mean over the surface voxels of both masks (the default),
            or over those of the prediction alone.

    Returns:
        float, mm.

    Raises:
        ValueError: as `hausdorff_distance`.
    """
    there, back = surface_distances(prediction, target, spacing_mm)
    if not len(there) or not len(back):
        return _of_empty(there, back)
    return float(np.mean(np.concatenate([there, back]) if symmetric else there))


def surface_dice(prediction, target, spacing_mm, tolerance_mm):
    """Returns the share of both surfaces that lies within a tolerance of the other.

    Args:
        prediction: `(x, y, z)` bool.
        target: `(x, y, z)` bool.
        spacing_mm: float or three floats, the voxel size.
        tolerance_mm: float, not negative.

    Returns:
        float in [0, 1]; NaN where both are empty, 0 where one of them is.

    Raises:
        ValueError: as `hausdorff_distance`, or for a negative tolerance.

    Source:
        Nikolov et al., "Clinically Applicable Segmentation of Head and Neck Anatomy"
        (2021); counted in surface voxels, without their areas.
    """
    if not tolerance_mm >= 0:
        raise ValueError(
            "`tolerance_mm` must not be negative. "
            f"Received: tolerance_mm={tolerance_mm}."
        )
    there, back = surface_distances(prediction, target, spacing_mm)
    if not len(there) and not len(back):
        return float("nan")
    within = (there <= tolerance_mm).sum() + (back <= tolerance_mm).sum()
    return float(within / (len(there) + len(back)))


def surface_distances(prediction, target, spacing_mm):
    """Returns how far each surface voxel of one mask is from the other's surface.

    Returns:
        `(voxels,)` float64, mm, from the prediction's surface to the target's, and
        back. Infinite where the other mask is empty.
    """
    prediction, target, spacing = _checked(prediction, target, spacing_mm)
    either = prediction | target
    if not either.any():
        return np.zeros(0), np.zeros(0)
    box = _bounding_box(either)
    one, other = _surface(prediction[box]), _surface(target[box])
    return _distances(one, other, spacing), _distances(other, one, spacing)


def _surface(mask):
    return mask & ~binary_erosion(mask)


def _distances(start, goal, spacing):
    if not goal.any():
        return np.full(int(start.sum()), np.inf)
    return distance_transform_edt(~goal, sampling=spacing)[start]


def _of_empty(there, back):
    return float("inf") if len(there) or len(back) else float("nan")


def _bounding_box(mask):
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(mask.any(axis=others))
        box.append(slice(found[0], found[-1] + 1))
    return tuple(box)


def _checked(prediction, target, spacing_mm):
    prediction, target = np.asarray(prediction), np.asarray(target)
    kinds = {prediction.dtype, target.dtype}
    if (
        prediction.ndim != 3
        or prediction.shape != target.shape
        or kinds != {np.dtype(bool)}
    ):
        raise ValueError(
            "Surfaces are of two (x, y, z) bool masks of one shape. Received: "
            f"shapes={prediction.shape}, {target.shape}, "
            f"dtypes={prediction.dtype}, {target.dtype}. Compare with a class first."
        )
    spacing = np.broadcast_to(np.asarray(spacing_mm, float), 3)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ValueError(
            f"`spacing_mm` must be positive. Received: spacing_mm={spacing_mm}."
        )
    return prediction, target, tuple(float(s) for s in spacing)
