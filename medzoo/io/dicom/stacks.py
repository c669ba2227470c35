"""Series: slices grouped and sorted by position, never by file name."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import FileFormatError
from medzoo.io.dicom.header import SEGMENTATION, read_header
from medzoo.io.dicom.planes import planes_of

# Directions of one volume's slices may differ by rounding.
SAME_DIRECTION = 1e-3
SAME_SPACING = 1e-3  # mm


@dataclass(frozen=True)
class Stack:
    """Slices of one series that go together: of one size, direction and kind.

    Attributes:
        planes: tuple of `Plane`, along the slices' normal.
        part: int, which of the series' stacks it is, from 1.
        parts: int, how many there are.
    """

    planes: tuple
    part: int = 1
    parts: int = 1

    @property
    def header(self):
        """`Header` of the first slice's file."""
        return self.planes[0].header

    @property
    def uid(self):
        """str, SeriesInstanceUID."""
        return self.header.text("SeriesInstanceUID")

    @property
    def number(self):
        """str, SeriesNumber, or "-"."""
        return self.header.text("SeriesNumber") or "-"


def stacks_in(members):
    """Reads headers and puts slices together.

    Args:
        members: list of `Member`.

    Returns:
        list of `Stack` by series number, and the number of DICOM files that are
        damaged.
    """
    groups, damaged, seen = {}, 0, set()
    for member in members:
        try:
            header = read_header(member)
        except FileFormatError:
            damaged += 1
            continue
        if header is None or header.text("SOPClassUID") == SEGMENTATION:
            continue
        series = (header.text("SeriesInstanceUID"), header.text("SeriesNumber"))
        # A file that was copied twice is one image.
        image = (*series, header.text("SOPInstanceUID"))
        if image[-1] and image in seen:
            continue
        seen.add(image)
        planes = planes_of(header)
        if not planes:
            damaged += 1
        groups.setdefault(series, []).extend(planes)
    stacks = []
    for planes in groups.values():
        parts = _parts(planes)
        stacks += [
            Stack(tuple(_sorted(part)), number, len(parts))
            for number, part in enumerate(parts, 1)
        ]
    return sorted(stacks, key=_order), damaged


def normal_of(plane):
    """The direction of the slices' order, `(3,)`, LPS: across rows and columns."""
    return np.cross(plane.orientation[:3], plane.orientation[3:])


def _parts(planes):
    """Slices that go together, the largest lot first."""
    parts = []
    for plane in planes:
        for part in parts:
            if go_together(part[0], plane):
                part.append(plane)
                break
        else:
            parts.append([plane])
    return sorted(_without_singles(parts), key=len, reverse=True)


def _without_singles(parts):
    """Single slices each in its own direction, as of a turning projection, as one."""
    several = [part for part in parts if len(part) > 1]
    alike = {}
    for part in parts:
        if len(part) == 1:
            alike.setdefault((part[0].kind, part[0].size), []).append(part[0])
    return several + list(alike.values())


def go_together(one, other):
    """Whether two slices may be of one volume."""
    if one.kind != other.kind or one.size != other.size:
        return False
    return lie_alike(one, other) and _near(one.spacing, other.spacing, SAME_SPACING)


def lie_alike(one, other):
    """Whether two slices have one direction."""
    return _near(one.orientation, other.orientation, SAME_DIRECTION)


def _near(one, other, tolerance):
    if one is None or other is None:
        return one is other
    return bool(np.abs(one - other).max() <= tolerance)


def _sorted(planes):
    if any(p.position is None or p.orientation is None for p in planes):
        return planes
    if not all(lie_alike(planes[0], plane) for plane in planes):
        return planes
    normal = normal_of(planes[0])
    return sorted(planes, key=lambda plane: float(plane.position @ normal))


def _order(stack):
    number = stack.header.number("SeriesNumber")
    return (number is None, number or 0.0, stack.uid, stack.part)
