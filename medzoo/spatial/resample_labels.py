"""Resampling of label maps by partial-volume voting."""

import numpy as np

from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume


def resample_labels(volume: Volume, grid: Grid, *, background: int = 0) -> Volume:
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
    result = resample_to(volume, grid, interpolation="nearest", background=background)
    if not _interpolates(volume, grid):
        return result
    winner = np.array(result.array)
    best = np.zeros(grid.shape, np.float32)
    # The labels that a voxel has around it are few: each is looked at in its own box.
    for label in np.unique(volume.array):
        mask = volume.array == label
        outside = float(label == background)
        source = tuple(slice(0, n) for n in mask.shape)
        if not outside:
            source = _box_of(mask, _reach(volume, grid))
        part = Volume(mask[source].astype(np.float32), _shifted(volume.affine, source))
        box = _box_on(part, grid, outside)
        target = Grid(tuple(s.stop - s.start for s in box), _shifted(grid.affine, box))
        share = resample_to(part, target, background=outside).array
        stronger = share > best[box]
        best[box][stronger] = share[stronger]
        winner[box][stronger] = label
    return result.with_array(winner)


def _reach(volume, grid):
    """Voxels around a label in which smoothing leaves something of it."""
    shrink = np.linalg.norm(
        (np.linalg.inv(volume.affine) @ grid.affine)[:3, :3], axis=1
    )
    return int(np.ceil(3 * max(1.0, shrink.max()))) + 2


def _box_of(mask, margin):
    """Slices that hold all of a mask and a margin around it."""
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        inside = np.flatnonzero(mask.any(axis=others))
        first, last = inside[0] - margin, inside[-1] + margin + 1
        box.append(slice(max(0, int(first)), min(mask.shape[axis], int(last))))
    return tuple(box)


def _interpolates(volume, grid):
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    whole = np.round(to_old)
    return not np.allclose(to_old, whole, atol=1e-4) or not np.array_equal(
        np.abs(whole[:3, :3]).sum(axis=0), np.ones(3)
    )


def _box_on(part, grid, outside):
    """Slices of `grid` that hold all of a part, a voxel of either grid to spare."""
    if outside:
        return tuple(slice(0, n) for n in grid.shape)
    low, high = np.full(3, -1), np.asarray(part.shape)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij"))
    to_new = np.linalg.inv(grid.affine) @ part.affine
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
