"""All metrics of two label maps, class by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from medzoo.metrics.surface_distance import (
    average_of,
    check_tolerance,
    checked_spacing,
    hausdorff_of,
    surface_dice_of,
    surface_distances,
)


def segmentation_metrics(
    prediction: Any,
    target: Any,
    num_classes: int,
    spacing_mm: float | Sequence[float],
    *,
    tolerance_mm: float = 1.0,
    surfaces: bool = True,
) -> dict[int, Any]:
    """Compares two label maps.

    Args:
        prediction: `(x, y, z)` integer label map.
        target: `(x, y, z)` integer label map.
        num_classes: int, background (class 0, which is left out) included.
        spacing_mm: float or three floats, the voxel size.
        tolerance_mm: float, of the surface Dice. Defaults to 1.
        surfaces: bool, False leaves out what needs distances.

    Returns:
        dict of class index -> dict: `dice`, `volume_ml`, `true_volume_ml`,
        `absolute_volume_difference` (percent), and with `surfaces`
        `hausdorff_distance_95`, `average_surface_distance` (mm, symmetric) and
        `surface_dice` as the functions of these names give them.
        NaN where a class is in neither map; the difference of volumes is NaN where
        the target has none, distances are infinite where one map has none.

    Raises:
        ValueError: for label maps that are not integer arrays of one 3-D shape,
            labels out of range, a spacing that is not positive, or a negative
            tolerance.
    """
    prediction, target = np.asarray(prediction), np.asarray(target)
    _check(prediction, target, num_classes)
    check_tolerance(tolerance_mm)
    spacing = checked_spacing(spacing_mm)
    voxel_ml = float(np.prod(spacing)) / 1000
    found = {}
    for label in range(1, num_classes):
        p, t = prediction == label, target == label
        entry = _overlap(p, t, voxel_ml)
        if surfaces:
            distances = surface_distances(p, t, spacing)
            entry["hausdorff_distance_95"] = hausdorff_of(distances, 95)
            entry["average_surface_distance"] = average_of(distances)
            entry["surface_dice"] = surface_dice_of(distances, tolerance_mm)
        found[label] = entry
    return found


def _overlap(p, t, voxel_ml):
    predicted, true, both = int(p.sum()), int(t.sum()), int((p & t).sum())
    nan = float("nan")
    return {
        "dice": 2 * both / (predicted + true) if predicted + true else nan,
        "volume_ml": predicted * voxel_ml,
        "true_volume_ml": true * voxel_ml,
        "absolute_volume_difference": 100 * abs(predicted - true) / true
        if true
        else nan,
    }


def _check(prediction, target, num_classes):
    if num_classes < 2:
        raise ValueError(
            f"`num_classes` must be at least 2. Received: num_classes={num_classes}."
        )
    kinds = {prediction.dtype.kind, target.dtype.kind}
    if prediction.ndim != 3 or prediction.shape != target.shape or kinds - set("iub"):
        raise ValueError(
            "Label maps must be (x, y, z) integer arrays of one shape. Received: "
            f"shapes={prediction.shape}, {target.shape}, "
            f"dtypes={prediction.dtype}, {target.dtype}."
        )
    for name, labels in (("prediction", prediction), ("target", target)):
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"Labels must lie in 0 to {num_classes - 1}. Received: {name} from "
                f"{labels.min()} to {labels.max()}."
            )
