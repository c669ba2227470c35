"""Label maps onto another grid: every label votes with its share of the voxel."""

import numpy as np

from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to


def resample_labels(volume, grid, *, background=0):
    """Samples a label map on `grid`; of the labels around a voxel the strongest wins.

    Each label is resampled as an image of its own, linearly and smoothed first where
    voxels grow, and each voxel gets the label with the largest share. Beside nearest
    neighbour, which takes one voxel's word, outlines keep their place: on a grid of
    twice the spacing that one voxel is an arbitrary one of eight.

    Args:
        volume: Volume `(x, y, z)` of integers.
        grid: `Grid`, in the same world space.
        background: int, the label outside the volume.

    Returns:
        Volume on `grid`, of the input's dtype. Grids that differ by whole voxels give
        exactly what nearest neighbour gives.
    """
    nearest = {"interpolation": "nearest", "background": background}
    result = resample_to(volume, grid, **nearest)
    if not _interpolates(volume, grid):
        return result
    winner = np.array(result.array)
    best = np.zeros(grid.shape, np.float32)
    # The labels that a voxel has around it are few: each is looked at in its own box.
    for label in np.unique(volume.array):
        mask = volume.with_array((volume.array == label).astype(np.float32))
        outside = float(label == background)
        box = _box_on(mask, grid, outside)
        part = Grid(tuple(s.stop - s.start for s in box), _shifted(grid.affine, box))
        share = resample_to(mask, part, background=outside).array
        stronger = share > best[box]
        best[box][stronger] = share[stronger]
        winner[box][stronger] = label
    return result.with_array(winner)


def _interpolates(volume, grid):
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    whole = np.round(to_old)
    return not np.allclose(to_old, whole, atol=1e-4) or not np.array_equal(
        np.abs(whole[:3, :3]).sum(axis=0), np.ones(3)
    )


def _box_on(mask, grid, outside):
    """Slices of `grid` that hold all of a mask, a voxel of either grid to spare."""
    if outside:
        return tuple(slice(0, n) for n in grid.shape)
    index = np.argwhere(mask.array)
    low, high = index.min(axis=0) - 1, index.max(axis=0) + 1
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij"))
    to_new = np.linalg.inv(grid.affine) @ mask.affine
    places = to_new[:3, :3] @ corners.reshape(3, -1) + to_new[:3, 3:]
    first = np.floor(places.min(axis=1)).astype(int) - 1
    last = np.ceil(places.max(axis=1)).astype(int) + 2
    sizes = np.asarray(grid.shape)
    first = np.clip(first, 0, sizes - 1)
    return tuple(
        slice(int(a), int(max(a + 1, min(b, n))))
        for a, b, n in zip(first, last, sizes, strict=True)
    )


def _shifted(affine, box):
    moved = np.array(affine)
    moved[:3, 3] += moved[:3, :3] @ [part.start for part in box]
    return moved
