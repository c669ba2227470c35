"""Atlas coordinates of each voxel as additional channels."""

import numpy as np

from medzoo.spatial.grid import Grid

# Coordinates in units of this many mm: a brain reaches to about 1.
UNIT_MM = 80.0


def atlas_coordinates(grid, to_image, centre, *, mirrored=True):
    """Returns the atlas coordinates of every voxel.

    Args:
        grid: `Grid` of an image.
        to_image: `(4, 4)` float64, atlas world -> image world, mm.
        centre: `(3,)` float, atlas world, mm: y and z count from there, x from 0.
        mirrored: bool, whether the first coordinate is the distance from the midline,
            so that both sides of a head look alike. Defaults to True.

    Returns:
        `(x, y, z, 3)` float32: left to right, back to front, bottom to top, in units
        of 80 mm.
    """
    to_atlas = np.linalg.inv(to_image) @ grid.affine
    origin = to_atlas[:3, 3] - np.array([0.0, centre[1], centre[2]])
    axes = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij", sparse=True)
    found = np.empty((*grid.shape, 3), np.float32)
    for row in range(3):
        parts = (to_atlas[row, column] * axes[column] for column in range(3))
        found[..., row] = (sum(parts) + origin[row]) / UNIT_MM
    if mirrored:
        np.abs(found[..., 0], out=found[..., 0])
    return found


def add_coordinates(volume, to_image, atlas, *, mirrored=True):
    """Returns the Volume with three more channels, see `atlas_coordinates`."""
    array = np.asarray(volume.array, np.float32)
    image = array if array.ndim == 4 else array[..., None]
    found = atlas_coordinates(
        Grid.of(volume), to_image, atlas.centre, mirrored=mirrored
    )
    return volume.with_array(np.concatenate([image, found], -1))
