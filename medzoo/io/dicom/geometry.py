"""Affine of a stack of slices, and why a stack is not a volume."""

from dataclasses import dataclass

import numpy as np

from medzoo.io.dicom.stacks import go_together, normal_of

# Positions are written with a hundredth of a millimetre, or less.
SAME_PLACE = 0.01  # mm
MOST_UNEVEN = 0.02  # of the distance between slices
ROUNDING = 0.05  # mm
MISSING = 1.5  # times the usual distance
TILT_TOLD = 0.5  # degrees
MOST_TILT = 45.0
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# The problems of a series without a geometry.
NO_POSITIONS, NO_SPACING = "has no slice positions", "has no pixel spacing"


@dataclass(frozen=True)
class Layout:
    """The geometry of a stack of slices.

    Attributes:
        problem: str, why they make no volume, or "".
        affine: `(4, 4)` float64 of voxels (column, row from below, slice), mm, RAS+;
            None if there is a problem.
        step: float, mm between slices, or None.
        tilt: float, degrees by which the slices lean to their order.
        is_uneven: bool: all places are known and distances differ, so that they could
            be resampled.
    """

    problem: str
    affine: object = None
    step: float | None = None
    tilt: float = 0.0
    is_uneven: bool = False


def layout_of(planes):
    """Returns the `Layout` of slices that are sorted along their normal."""
    problem = _unclear(planes)
    if problem:
        return Layout(problem)
    first = planes[0]
    normal = normal_of(first)
    places = np.array([plane.position for plane in planes])
    heights = places @ normal
    gaps = np.diff(heights)
    if (gaps < SAME_PLACE).any():
        return Layout(_doubled(heights))
    step = (places[-1] - places[0]) / (len(places) - 1)
    usual = float(np.median(gaps))
    tilt = float(np.degrees(np.arccos(min(1.0, step @ normal / np.linalg.norm(step)))))
    if np.abs(gaps - usual).max() > max(MOST_UNEVEN * usual, ROUNDING):
        lost = round(float((gaps / usual).round().clip(1).sum())) - len(gaps)
        regular = np.abs(gaps / usual - (gaps / usual).round()).max() < MOST_UNEVEN
        told = f"lacks {lost} slices" if lost and regular else "has uneven slices"
        span = f"{told} (distances from {gaps.min():.2f} to {gaps.max():.2f} mm)"
        return Layout(span, step=usual, tilt=tilt, is_uneven=True)
    line = places[0] + np.outer(np.arange(len(places)), step)
    if np.linalg.norm(places - line, axis=1).max() > max(0.1, MOST_UNEVEN * usual):
        return Layout("has slices that do not lie in one line")
    if tilt > MOST_TILT:
        return Layout("has slices that lean more than 45 degrees")
    return Layout("", _affine(first, step), float(np.linalg.norm(step)), tilt)


def _unclear(planes):
    """Why slices cannot be sorted, or ""."""
    first = planes[0]
    if any(p.position is None or p.orientation is None for p in planes):
        return NO_POSITIONS
    if first.spacing is None or not (first.spacing > 0).all():
        return NO_SPACING
    if len(planes) < 2:
        return "is a single slice"
    if not all(go_together(first, plane) for plane in planes):
        return "is slices of different directions or sizes"
    return ""


def _doubled(heights):
    """Several volumes, or some slices twice."""
    count = 1 + int((np.diff(heights) >= SAME_PLACE).sum())
    volumes = len(heights) / count
    if count > 1 and volumes == int(volumes):
        return f"holds {int(volumes)} volumes in one place"
    return "holds several slices in one place"


def _affine(first, step):
    """Rows are counted from below, as NIfTI files from scanners are."""
    rows = first.size[0]
    down = first.orientation[3:] * first.spacing[0]
    affine = np.eye(4)
    affine[:3, 0] = first.orientation[:3] * first.spacing[1]
    affine[:3, 1] = -down
    affine[:3, 2] = step
    affine[:3, 3] = first.position + (rows - 1) * down
    return LPS_TO_RAS @ affine
