"""Plausibility of a scan: warnings about unexpected input, before prediction.

Two questions. What kind of image is it: a scan, or a label map, noise, a CT? That is
seen in its voxels alone. And is it a whole head: does the average brain, laid into it
by registration, find brain everywhere, and does it look like one?

The limits stand far from what real scans give, because a warning that comes often is
read by nobody; docs/decisions/ has the measurements.
"""

import numpy as np

from medzoo.spatial.atlas import atlas as _atlas
from medzoo.spatial.channel_contrast import (
    ADVICE,
    background_of,
    contrast_doubts,
    values_at,
)
from medzoo.spatial.doubt import COVERAGE, IMAGE, SLICES, Doubt

# Voxels looked at: enough for shares to be right to a hundredth.
NUM_SAMPLES = 100_000
# Nearer than this share of the range to the most frequent value is background.
BACKGROUND_BAND = 0.05
# Networks see 32 bits: what differs by less there, or in the last of 64 bits alone, is
# one value to them.
LEAST_RANGE = 1e-30
# Share of the object's voxels that equal all six neighbours.
MOST_CONSTANT = 0.2
# Correlation of neighbours within the object, along the best axis.
LEAST_SMOOTHNESS = 0.2
# Air in Hounsfield units, the share of voxels in it, and where soft tissue lies.
AIR = (-1100.0, -850.0)
LEAST_AIR = 0.05

# Below this correlation with the average brain the image is hardly a T1 of a head.
LEAST_CORRELATION = 0.5
LIKE_T1 = ("t1", "t1_ir")
# Adult brains measured: 0.83 to 1.03 times the atlas.
PLAUSIBLE_SCALE = (0.7, 1.3)
# Longest over shortest axis of the fit: a half brain is pulled over the whole atlas.
MOST_STRETCH = 1.35
# What resembles the average brain little is believed less: such a half is stretched by
# 1.29 and more, whole heads by 1.27 at most.
DOUBTFUL_CORRELATION, MOST_STRETCH_IN_DOUBT = 0.65, 1.28
# Where nearly all brains are brain.
CORE_PROBABILITY = 0.9
# Darker than this share of bright brain is nothing: outside the image, or erased.
EMPTY = 0.1
# Share of the brain on one side of the head that must not be empty: 0.73 and more in
# whole heads, stripped ones included.
LEAST_BRAIN = 0.65
# Voxels nearer to the middle than this (mm) belong to neither side.
MIDDLE_MM = 12.0
# Slices in clinical use are 3 to 5 mm thick; models learnt from 1 to 2 mm.
THICK_MM = 4.5
SIDES = (("left", "right"), ("back", "front"), ("lower", "upper"))


def kind_doubts(array, name):
    """Returns warnings about an image that is no scan of its kind.

    Args:
        array: `(x, y, z)`, numbers.
        name: str, the channel that it was given for, such as "t1" or "ct".

    Returns:
        list of `Doubt`, a sentence each; none for a scan. Takes 0.1 s or less.
    """
    return [Doubt(text, IMAGE) for text in _kind_doubts(array, name)]


def _kind_doubts(array, name):
    with np.errstate(over="ignore", invalid="ignore"):
        span = np.float32(array.max()) - np.float32(array.min())
    if not span > LEAST_RANGE:
        return [
            f"the {name} image has the value {array.flat[0]:g} everywhere, so nothing "
            f"can be seen in it: {ADVICE}"
        ]
    facts = _Texture(array)
    doubts = []
    if facts.constant > MOST_CONSTANT:
        doubts.append(
            f"the {name} image is made of areas of one value, as a label map or a "
            f"phantom ({facts.constant:.0%} of its voxels equal all their neighbours): "
            f"{ADVICE}"
        )
    if facts.smoothness < LEAST_SMOOTHNESS:
        doubts.append(
            f"the {name} image looks like noise (neighbouring voxels correlate by "
            f"{facts.smoothness:.2f}): {ADVICE}"
        )
    if name != "ct" and facts.air > LEAST_AIR:
        doubts.append(
            f"the {name} image looks like a CT ({facts.air:.0%} of its voxels lie near "
            f"-1000, which is air in Hounsfield units): {ADVICE}"
        )
    return doubts


class _Texture:
    """Texture of an image: statistics of voxels and their neighbours.

    Attributes:
        constant: float, share of the object's voxels that equal all six neighbours.
        smoothness: float in [-1, 1], correlation of neighbours within the object,
            along the axis where it is the highest.
        air: float, share of voxels near -1000, if soft tissue and bone are there too.
    """

    def __init__(self, array):
        self.constant, self.smoothness, self.air = 0.0, 1.0, 0.0
        if min(array.shape) < 3:
            return
        centre, neighbours = _neighbourhoods(array)
        inside = _object(centre)
        if not inside.any():
            return
        flat = np.logical_and.reduce([n == centre for n in neighbours]) & inside
        self.constant = float(flat.sum() / inside.sum())
        after = neighbours[1::2]
        self.smoothness = max(_correlation(centre[inside], n[inside]) for n in after)
        low, high = AIR
        if centre.max() > 0:
            self.air = float(((centre > low) & (centre < high)).mean())


def _neighbourhoods(array):
    """Evenly spread voxels, flat float32, and their six neighbours, in one order."""
    step = max(1, round((array.size / NUM_SAMPLES) ** (1 / 3)))

    def at(axis, offset):
        parts = [slice(1, n - 1, step) for n in array.shape]
        start = 1 + offset
        parts[axis] = slice(start, array.shape[axis] - 1 + offset, step)
        return np.asarray(array[tuple(parts)], np.float32).ravel()

    return at(0, 0), [at(axis, offset) for axis in range(3) for offset in (-1, 1)]


def _object(values):
    """Which values are not the background, whose value is the most frequent one."""
    found, counts = np.unique(values, return_counts=True)
    background = found[counts.argmax()]
    low, high = np.percentile(values, (1, 99))
    return np.abs(values - background) > BACKGROUND_BAND * (high - low)


def _correlation(x, y):
    x = x.astype(np.float64) - x.mean(dtype=np.float64)
    y = y.astype(np.float64) - y.mean(dtype=np.float64)
    norm = np.sqrt((x**2).sum() * (y**2).sum())
    # A constant is as smooth as can be.
    return float((x * y).sum() / norm) if norm > 0 else 1.0


def head_doubts(volume, found, atlas, name):
    """Returns warnings about an image that is no whole head.

    Args:
        volume: Volume, one channel, in the world that `found` is of.
        found: `Registration` of it to the atlas.
        atlas: str, the atlas's name.
        name: str, its channel, whose contrast it must have.

    Returns:
        list of `Doubt`, the first in a sentence; none for a whole head. Takes 0.02 s.
    """
    if name in LIKE_T1 and found.correlation < LEAST_CORRELATION:
        text = (
            f"the image does not resemble a T1 of a head (correlation "
            f"{found.correlation:.2f} with the average brain): {ADVICE}"
        )
        return [Doubt(text, IMAGE)]
    if text := _size_doubt(found):
        return [Doubt(text, COVERAGE)]
    doubts = missing_doubts(volume, found, atlas)
    return doubts or contrast_doubts(volume, found, atlas, name)


def missing_doubts(volume, found, atlas, name=None):
    """Returns a warning if part of the brain is not in the image.

    Args:
        volume: Volume, one channel, in the world that `found` is of.
        found: `Registration` of it, or of another channel on its grid, to the atlas.
        atlas: str, the atlas's name.
        name: str or None, the channel, where it is not the first one.

    Returns:
        list of `Doubt`, one or none.
    """
    brain = _Brain(volume, found, _atlas(atlas))
    side = min(brain.sides, key=brain.sides.get)
    if brain.sides[side] >= LEAST_BRAIN:
        return []
    place = "" if name is None else f" in the {name} image"
    text = (
        f"part of the brain is missing{place}: {1 - brain.sides[side]:.0%} of its "
        f"{side} part lies outside the image or in an empty area: {ADVICE}"
    )
    return [Doubt(text, COVERAGE)]


def slice_doubts(spacing, name):
    """Returns warnings about slices thicker than those of the training data.

    Args:
        spacing: three floats, mm.
        name: str, the channel.

    Returns:
        list of `Doubt`, one or none.
    """
    thick, thin = max(spacing), min(spacing)
    if thick < THICK_MM or thick < 2 * thin:
        return []
    text = (
        f"the slices of the {name} image are {thick:.1f} mm thick: predictions are "
        "less accurate than the model card states"
    )
    return [Doubt(text, SLICES)]


def _size_doubt(found):
    if not PLAUSIBLE_SCALE[0] < found.scale < PLAUSIBLE_SCALE[1]:
        return (
            f"the brain is {found.scale:.2f} times as long as the average one: the "
            "voxel size in the header may be wrong"
        )
    lengths = np.linalg.svd(found.to_image[:3, :3], compute_uv=False)
    sure = found.correlation > DOUBTFUL_CORRELATION
    most = MOST_STRETCH if sure else MOST_STRETCH_IN_DOUBT
    if lengths[0] > most * lengths[-1]:
        return (
            "the average brain fits only when it is stretched "
            f"({lengths[0] / lengths[-1]:.2f} times more along one axis than along "
            "another): part of the head may be missing, or the voxel size in the "
            f"header wrong: {ADVICE}"
        )
    return None


class _Brain:
    """The image where the average brain is.

    Attributes:
        sides: dict of the six sides of the head -> share of the brain there that is
            in the image and not empty.
    """

    def __init__(self, volume, found, source):
        index = np.argwhere(source.probability > 0.5)
        place = index @ source.grid.affine[:3, :3].T + source.grid.affine[:3, 3]
        values = values_at(volume, place, found.to_image)
        values = values - background_of(volume.array)
        at = tuple(index.T)
        core = source.probability[at] > CORE_PROBABILITY
        self.sides = _shares(values[core], place[core] - source.centre)


def _shares(values, place):
    """The share of voxels that are not empty, on each side of the brain."""
    inside = values[np.isfinite(values)]
    bright = np.percentile(inside, 90) if inside.size else np.inf
    # What is outside, not a number, compares as empty.
    filled = values > EMPTY * bright
    return {
        name: float(filled[sign * place[:, axis] > MIDDLE_MM].mean())
        for axis, pair in enumerate(SIDES)
        for sign, name in zip((-1, 1), pair, strict=True)
    }
