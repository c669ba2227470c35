"""Cropping and padding to a size about a centre."""

from collections.abc import Sequence

import numpy as np

from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume


def crop_pad(
    volume: Volume,
    size: Sequence[int],
    *,
    centre: Sequence[float] | None = None,
    background: float = 0.0,
) -> Volume:
    """Cuts or pads each axis to `size` voxels; kept voxels are not interpolated.

    Args:
        volume: Volume.
        size: three ints, voxels.
        centre: three floats, world mm that come to lie in the middle, rounded to
            whole voxels; None for the middle of the volume.
        background: float, the value of padded voxels.

    Returns:
        Volume of shape `size`, of the input's dtype.
    """
    size = np.asarray(size, int)
    middle = (np.asarray(volume.shape) - 1) / 2
    if centre is not None:
        middle = (np.linalg.inv(volume.affine) @ [*centre, 1.0])[:3]
    start = middle - (size - 1) / 2
    # About the middle an odd voxel goes to the end, cropped or padded, as in DLTK.
    start = (np.fix(start) if centre is None else np.round(start)).astype(int)
    affine = np.array(volume.affine)
    affine[:3, 3] += affine[:3, :3] @ start
    grid = Grid(tuple(int(n) for n in size), affine)
    return resample_to(volume, grid, interpolation="nearest", background=background)
