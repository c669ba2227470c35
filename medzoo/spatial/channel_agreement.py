"""Agreement of channels: whether two scans show the same head.

Brains of two people that lie in one place overlap as well as two scans of one brain.
What is a person's own is the course of the folds. So two channels are compared by
mutual information, which holds for any two contrasts, and its measure is the mirror
image: to a brain its own mirror image is as good as the brain of somebody else. Two
scans of one head agree more than one of them and the other's mirror image do; scans of
two people agree no more. docs/decisions/ has the measurements.
"""

from itertools import product

import numpy as np
from scipy.ndimage import maximum_filter

from medzoo.spatial.atlas import atlas as _atlas
from medzoo.spatial.background import samples_of
from medzoo.spatial.channel_contrast import ADVICE
from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume

# Of the brightest: darker is outside the head. Heads of one session overlap by 0.83
# and more, stripped or not.
HEAD_SHARE, LEAST_HEAD_OVERLAP = 0.15, 0.6
# The grid of comparison about the atlas's brain, with its middle plane in the middle.
SHAPE, SPACING, CENTRE = (77, 92, 76), 2.0, (0.0, -18.0, 6.0)
BINS = 24
EVERY = 3
# Heads move a little between scans; where they agree best counts, within a voxel.
STEPS = tuple(product((-1, 0, 1), repeat=3))
# Beside the agreement with the mirror image: measured 1.28 and more in one head, 1.12
# and less in two.
LEAST_AGREEMENT = 1.18
# Correlation of intensities: of T1 and T1-IR made of each other it is 0.97 and less.
SAME_IMAGE = 0.99
# Information that a brain shares with its own mirror image: no real one has half of it.
# What does, as a phantom, has no folds to recognise it by.
MOST_SYMMETRY = 0.5
# Fluid that was stripped with the skull is empty too, but narrower than this, voxels.
NEAR = 9
# With fewer voxels of brain that both saw, nothing can be said.
LEAST_SEEN = 0.3


def overlap_doubts(first, other, name):
    """Returns a warning if the heads in two channels do not overlap.

    Args:
        first: `(x, y, z)` array, the first channel.
        other: `(x, y, z)` array on its grid, 0 where it saw nothing.
        name: str, the other channel.

    Returns:
        list of str, one doubt or none.
    """
    one, two = samples_of(first), samples_of(other)
    seen = two != 0
    one, two = _filled(one) & seen, _filled(two)
    total = int(one.sum() + two.sum())
    overlap = 2 * int((one & two).sum()) / total if total else 1.0
    if overlap >= LEAST_HEAD_OVERLAP:
        return []
    return [
        f"the head in the {name} image and that in the first image overlap little "
        f"({overlap:.2f}): they may be of two people, or one lies elsewhere: {ADVICE}"
    ]


def agreement_doubts(first, other, found, atlas, names):
    """Returns a warning if two overlapping channels do not show the same head.

    Args:
        first: Volume, one channel.
        other: Volume on its grid, another channel.
        found: `Registration` of the first to the atlas.
        atlas: str, the atlas's name.
        names: two str, the channels.

    Returns:
        list of str, one doubt or none; or None where nothing can be said: too little
        was seen by both, one is constant, or a phantom without sides. Takes 0.4 s.
    """
    grid = Grid.centred(SHAPE, SPACING, CENTRE)
    one, two = (_placed(v, found.to_image, grid) for v in (first, other))
    brain = _brain(_atlas(atlas), grid) & _seen(one) & _seen(two)
    if brain.sum() < LEAST_SEEN * _brain(_atlas(atlas), grid).sum():
        return None
    one, two = _levels(one, brain), _levels(two, brain)
    if one is None or two is None:
        return None
    here = np.flatnonzero(brain)[::EVERY]
    strides = np.array((SHAPE[1] * SHAPE[2], SHAPE[2], 1))
    steps = [int(np.dot(step, strides)) for step in STEPS]
    first_name, name = names
    alike = float(np.corrcoef(one.ravel()[here], two.ravel()[here])[0, 1])
    if alike > SAME_IMAGE:
        return [
            f"the {name} image and the {first_name} image are one image (their "
            f"intensities correlate by {alike:.3f}), not two contrasts: {ADVICE}"
        ]
    if _most_information(one, one[::-1], here, steps) > MOST_SYMMETRY:
        return None
    own = _most_information(one, two, here, steps)
    mirrored = _most_information(one, two[::-1], here, steps)
    if mirrored > LEAST_AGREEMENT * own:
        return [
            f"the {name} image agrees better with the {first_name} image when it is "
            f"mirrored ({mirrored / own:.2f} times): left and right of one of them may "
            f"be exchanged: {ADVICE}"
        ]
    if own < LEAST_AGREEMENT * mirrored:
        return [
            f"the {name} image and the {first_name} image do not show the folds of one "
            f"brain ({own / mirrored:.2f} times the agreement with the mirror image): "
            "they may be of two people, or the head moved between the scans: "
            f"{ADVICE}"
        ]
    return []


def _placed(volume, to_image, grid):
    """The channel where the atlas is, `(x, y, z)` float32."""
    moved = volume.with_affine(np.linalg.inv(to_image) @ volume.affine)
    return resample_to(moved, grid).array


def _brain(source, grid):
    """Which voxels are brain on both sides of the head, a voxel from the edges."""
    volume = Volume(source.probability, source.grid.affine)
    probability = resample_to(volume, grid).array
    brain = np.minimum(probability, probability[::-1]) > 0.5
    inner = np.zeros(brain.shape, bool)
    inner[1:-1, 1:-1, 1:-1] = True
    return brain & inner


def _seen(array):
    """Where the image and its mirror image have something near: the field of view."""
    near = maximum_filter(array != 0, NEAR)
    return near & near[::-1]


def _levels(array, brain):
    """Intensities as whole numbers below BINS, by percentiles; None of a constant."""
    low, high = np.percentile(array[brain], (1, 99))
    if not high > low:
        return None
    share = (array - low) / (high - low)
    return np.clip(share * BINS, 0, BINS - 1).astype(np.int32)


def _most_information(one, two, here, steps):
    rows = one.ravel()[here] * BINS
    other = np.ascontiguousarray(two).ravel()
    return max(_shared_information(rows + other[here + step]) for step in steps)


def _shared_information(pairs):
    """Mutual information as a share of the smaller entropy."""
    joint = np.bincount(pairs, minlength=BINS * BINS).reshape(BINS, BINS) / pairs.size
    one, two = _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0))
    least = min(one, two)
    return float((one + two - _entropy(joint)) / least) if least > 0 else 0.0


def _entropy(probability):
    positive = probability[probability > 0]
    return float(-(positive * np.log(positive)).sum())


def _filled(values):
    """Which voxels are not empty, by a share of the bright ones."""
    background = float(np.percentile(values, 1))
    above = values[values > background]
    if not above.size:
        return np.zeros(values.shape, bool)
    bright = float(np.percentile(above, 90))
    return values > background + HEAD_SHARE * (bright - background)
