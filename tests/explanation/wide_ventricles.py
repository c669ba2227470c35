"""Heads with ventricles made wider, as in old age: a case whose cause is known."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

# MUSE codes of the right and the left lateral ventricle.
LATERAL = (51, 52)
# mm beyond the new wall within which tissue is squeezed.
REACH_MM = 25.0
SMOOTHING_VOXELS = 1.0


def widened(scan, labels, by_mm=4.0, codes=LATERAL):
    """Moves the walls of the ventricles outwards; tissue around them is squeezed.

    Args:
        scan: Volume, scalar.
        labels: Volume of MUSE codes on the same grid.
        by_mm: float, how far the walls move.
        codes: tuple of int, what is widened.

    Returns:
        Volume of the head and Volume of its labels.
    """
    inside = np.isin(labels.array, codes)
    spacing = scan.spacing
    distance = distance_transform_edt(~inside, sampling=spacing)
    distance -= distance_transform_edt(inside, sampling=spacing)
    distance = gaussian_filter(distance, SMOOTHING_VOXELS)
    normal = np.stack(np.gradient(distance, *spacing))
    normal /= np.maximum(np.linalg.norm(normal, axis=0), 1e-6)
    share = np.clip(1 - np.maximum(distance - by_mm, 0) / REACH_MM, 0, 1)
    shift = by_mm * share * normal / np.reshape(spacing, (3, 1, 1, 1))
    shift = np.stack([gaussian_filter(part, SMOOTHING_VOXELS) for part in shift])
    places = np.indices(scan.shape) - shift
    head = scan.array.astype(np.float32)
    # A spline: a linear one would blur, which moves an age by itself.
    drawn = map_coordinates(head, places, order=3, mode="nearest")
    drawn = np.clip(drawn, head.min(), head.max())
    moved = map_coordinates(labels.array, places, order=0, mode="nearest")
    return scan.with_array(drawn), labels.with_array(moved)
