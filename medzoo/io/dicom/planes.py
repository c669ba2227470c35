"""Slices of all kinds of DICOM files: position, orientation and acquisition."""

from dataclasses import dataclass, replace

import numpy as np

from medzoo.io.dicom.header import finite, is_compressed, read_errors
from medzoo.io.dicom.mosaic import is_mosaic, mosaic_planes

MOST_FRAMES = 20_000
# Of an encapsulated frame: tag and length of its item.
ITEM_BYTES = 8


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice.

    Attributes:
        header: `Header` of its file.
        frame: int, its place in the file, from 0.
        position: `(3,)` float64, centre of the first voxel, mm, LPS; None if not told.
        orientation: `(6,)` float64, direction of a row and of a column, or None.
        spacing: two floats, mm between rows and between columns, or None.
        slope: float, and
        intercept: float, what makes stored values true ones.
        kind: tuple, what is the same for all slices of one volume: type of image, echo,
            diffusion weighting.
        size: two ints, rows and columns.
        tile: int or None, the place in a mosaic.
    """

    header: object
    frame: int
    position: object
    orientation: object
    spacing: object
    slope: float
    intercept: float
    kind: tuple
    size: tuple
    tile: int | None = None


def planes_of(header):
    """Returns the slices that a file holds.

    Args:
        header: `Header`.

    Returns:
        list of `Plane`; empty where the header contradicts itself.
    """
    try:
        content = header.content
        count = int(content.get("NumberOfFrames") or 1)
        size = (int(content.Rows), int(content.Columns))
        if min(*size, count) < 1 or max(size) > 65535 or count > MOST_FRAMES:
            return []
        if count > 1 and count * _least_bytes(header, size) > header.member.size:
            return []
        if is_mosaic(header):
            return mosaic_planes(header, Plane, _one(header, 0, size, [content]))
        groups = content.get("PerFrameFunctionalGroupsSequence")
        if groups is not None:
            return _of_groups(header, groups, size)
        return _of_frames(header, count, size)
    except read_errors():
        return []


def numbers(content, name, count):
    """A field of `count` finite numbers as float64, or None."""
    value = content.get(name)
    if value is None or isinstance(value, str):
        return None
    try:
        array = np.array([float(v) for v in value], np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.shape == (count,) and np.isfinite(array).all() else None


def _least_bytes(header, size):
    """The least number of bytes of a frame in its file."""
    if is_compressed(header.syntax):
        return ITEM_BYTES
    return size[0] * size[1] * int(header.content.get("BitsAllocated") or 8) // 8


def _of_frames(header, count, size):
    """A classic image; of several frames without groups, the first."""
    first = _one(header, 0, size, [header.content])
    if count == 1:
        return [first]
    step = finite(header.content.get("SpacingBetweenSlices")) or finite(
        header.content.get("SliceThickness")
    )
    if step is None or first.position is None or first.orientation is None:
        return [replace(first, frame=k, position=None) for k in range(count)]
    move = step * np.cross(first.orientation[:3], first.orientation[3:])
    return [
        replace(first, frame=k, position=first.position + k * move)
        for k in range(count)
    ]


def _of_groups(header, groups, size):
    """An enhanced image: per-frame values, else the shared ones."""
    content = header.content
    shared = content.get("SharedFunctionalGroupsSequence")
    common = _flat(shared[0]) if shared else []
    found = []
    for frame, group in enumerate(groups):
        found.append(_one(header, frame, size, [*_flat(group), *common, content]))
    return found


def _flat(group):
    """The first items of a functional group's sequences."""
    items = []
    for element in group:
        if element.VR == "SQ" and element.value:
            items.append(element.value[0])
    return items


def _one(header, frame, size, places):
    """A slice from the first of several data sets with its position."""
    orientation = _first(places, "ImageOrientationPatient", 6)
    slope = _scalar(places, "RescaleSlope")
    return Plane(
        header=header,
        frame=frame,
        position=_first(places, "ImagePositionPatient", 3),
        orientation=_unit(orientation),
        spacing=_first(places, "PixelSpacing", 2),
        slope=1.0 if slope is None or slope == 0 else slope,
        intercept=_scalar(places, "RescaleIntercept") or 0.0,
        kind=_kind(places),
        size=size,
    )


def _unit(orientation):
    """Directions of length one, or None if they are none."""
    if orientation is None:
        return None
    row, column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.9 or max(lengths) > 1.1 or abs(row @ column) > 0.05:
        return None
    return np.concatenate([row / lengths[0], column / lengths[1]])


def _first(places, name, count):
    for place in places:
        found = numbers(place, name, count)
        if found is not None:
            return found
    return None


def _scalar(places, name):
    for place in places:
        found = finite(place.get(name))
        if found is not None:
            return found
    return None


def _kind(places):
    """Attributes that distinguish the volumes of one series."""
    words = ()
    for place in places:
        value = place.get("FrameType") or place.get("ImageType")
        if value:
            words = (value,) if isinstance(value, str) else tuple(map(str, value))
            break
    if places[-1].get("Modality") == "CT":
        words = words[:3]  # further words describe the reconstruction
    echo = _scalar(places, "EffectiveEchoTime")
    echo = _scalar(places, "EchoTime") if echo is None else echo
    weighting = _scalar(places, "DiffusionBValue")
    stack = next((str(p.get("StackID")) for p in places if p.get("StackID")), "")
    return (
        tuple(word.upper() for word in words),
        None if echo is None else round(echo, 1),
        None if weighting is None else round(weighting),
        stack,
    )
