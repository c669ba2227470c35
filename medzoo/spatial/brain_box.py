"""Bounding box of the brain, the input region of a network."""

import numpy as np

from medzoo.spatial.background import from_background
from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.spatial.tissue_contrast import own_white_level, white_level
from medzoo.volume import Volume

# An average brain is this bright only where most heads have white matter.
DEEP_WHITE_MATTER = 0.93
# Where more subjects of the atlas than this have brain, tissue is told apart.
BRAIN = 0.5


def brain_box(grid, to_image, atlas, *, probability, margin):
    """Returns the part of a grid that holds the brain, as slices.

    Args:
        grid: `Grid` of an image.
        to_image: `(4, 4)` float64, atlas world -> image world, mm.
        atlas: `Atlas`.
        probability: float, where more subjects of the atlas than this have brain.
        margin: float, mm on every side.

    Returns:
        tuple of three slices; the whole grid along axes where the brain is outside.
    """
    inside = np.argwhere(atlas.probability > probability)
    to_index = np.linalg.inv(grid.affine) @ to_image @ atlas.grid.affine
    index = inside @ to_index[:3, :3].T + to_index[:3, 3]
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    low = np.floor(index.min(axis=0) - margin / spacing).astype(int)
    high = np.ceil(index.max(axis=0) + margin / spacing).astype(int) + 1
    box = []
    for start, stop, size in zip(low, high, grid.shape, strict=True):
        start, stop = max(0, start), min(size, stop)
        box.append(slice(start, stop) if stop > start else slice(0, size))
    return tuple(box)


def crop_to_box(volume, box):
    """Returns the Volume within slices; voxels keep their place in the world."""
    affine = np.array(volume.affine)
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    return Volume(volume.array[box], affine)


def scale_to_white_matter(volume, to_image, atlas, *, own=False):
    """Divides each channel by its intensity in deep white matter.

    Where white matter lies is known from the registration, so that the scale does not
    depend on how much of the head is in view, on fat and vessels, or on whether the
    skull was stripped. A channel with negative values is raised first so that its
    background is 0, see `from_background`.

    Args:
        volume: Volume, `(x, y, z)` or `(x, y, z, channel)`; a channel that is 0
            everywhere stays so.
        to_image: `(4, 4)` float64, atlas world -> image world, mm.
        atlas: `Atlas`.
        own: bool, for T1s: from there on the head's own white matter is looked for,
            see `own_white_level`. Defaults to False.

    Returns:
        Volume, float32, from 0 on.
    """
    grid = Grid.of(volume)
    affine = to_image @ atlas.grid.affine
    white = resample_to(Volume(atlas.brain, affine), grid).array > DEEP_WHITE_MATTER
    brain = None
    if own:
        brain = resample_to(Volume(atlas.probability, affine), grid).array > BRAIN
    array = np.asarray(volume.array, np.float32)
    channels = array[..., None] if array.ndim == 3 else array
    scaled = np.stack(
        [_scaled(channels[..., c], white, brain) for c in range(channels.shape[-1])], -1
    )
    return volume.with_array(scaled.reshape(array.shape))


def _scaled(channel, white, brain):
    if not channel.any():
        return channel
    channel = from_background(channel)
    level = white_level(channel, white)
    if level > 0 and brain is not None:
        level = own_white_level(channel[brain], level)
    if not level > 0:
        level = float(np.percentile(channel, 90)) or 1.0
    return np.maximum(channel, 0) / np.float32(level)
