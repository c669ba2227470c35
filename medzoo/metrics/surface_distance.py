"""Distances between the surfaces of two masks, in millimetres.

The surface of a mask are its voxels with a face neighbour outside. All functions take
two bool arrays of one shape and the voxel size. Where both masks are empty a distance
is NaN, where one of them is, it is infinite.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import binary_erosion, find_objects
from scipy.spatial import cKDTree


def hausdorff_distance(
    prediction: Any,
    target: Any,
    spacing_mm: float | Sequence[float],
    percentile: float = 95,
) -> float:
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
    return hausdorff_of(surface_distances(prediction, target, spacing_mm), percentile)


def average_surface_distance(
    prediction: Any,
    target: Any,
    spacing_mm: float | Sequence[float],
    symmetric: bool = True,
) -> float:
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
    return average_of(surface_distances(prediction, target, spacing_mm), symmetric)


def surface_dice(
    prediction: Any,
    target: Any,
    spacing_mm: float | Sequence[float],
    tolerance_mm: float,
) -> Any:
    """Returns the fraction of both surfaces within a tolerance of each other.

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
    check_tolerance(tolerance_mm)
    return surface_dice_of(
        surface_distances(prediction, target, spacing_mm), tolerance_mm
    )


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
    (box,) = find_objects(either.astype(np.uint8))
    one, other = _surface(prediction[box]), _surface(target[box])
    return _distances(one, other, spacing), _distances(other, one, spacing)


def hausdorff_of(distances, percentile):
    """Returns `hausdorff_distance` of what `surface_distances` gave."""
    if not all(len(d) for d in distances):
        return _of_empty(distances)
    return float(max(np.percentile(d, percentile) for d in distances))


def average_of(distances, symmetric=True):
    """Returns `average_surface_distance` of what `surface_distances` gave."""
    if not all(len(d) for d in distances):
        return _of_empty(distances)
    return float(np.mean(np.concatenate(distances) if symmetric else distances[0]))


def surface_dice_of(distances, tolerance_mm):
    """Returns `surface_dice` of what `surface_distances` gave."""
    both = np.concatenate(distances)
    return float(np.mean(both <= tolerance_mm)) if len(both) else float("nan")


def check_tolerance(tolerance_mm):
    """Refuses a tolerance that is negative."""
    if not tolerance_mm >= 0:
        raise ValueError(
            "`tolerance_mm` must not be negative. "
            f"Received: tolerance_mm={tolerance_mm}."
        )


def _of_empty(distances):
    return float("inf") if any(len(d) for d in distances) else float("nan")


def _surface(mask):
    return mask & ~binary_erosion(mask)


def _distances(start, goal, spacing):
    if not goal.any():
        return np.full(int(start.sum()), np.inf)
    # A tree of the goal's voxels: for surfaces of organs faster than a transform of the
    # whole box. What lies on both surfaces need not be looked up.
    tree = cKDTree(np.argwhere(goal) * spacing, balanced_tree=False)
    distances = np.zeros(start.shape)
    apart = start & ~goal
    distances[apart] = tree.query(np.argwhere(apart) * spacing)[0]
    return distances[start]


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
    return prediction, target, checked_spacing(spacing_mm)


def checked_spacing(spacing_mm):
    """Returns the voxel size as three floats; refuses what is not positive."""
    spacing = np.asarray(spacing_mm, float)
    sound = np.isfinite(spacing).all() and (spacing > 0).all()
    if spacing.shape not in ((), (1,), (3,)) or not sound:
        raise ValueError(
            "`spacing_mm` must be one or three positive numbers. "
            f"Received: spacing_mm={spacing_mm}."
        )
    return np.broadcast_to(spacing, 3)
