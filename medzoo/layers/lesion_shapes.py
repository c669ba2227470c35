"""Where lesions lie and what shape they have: draws and smooth fields."""

from math import e

import keras
import numpy as np
from keras import ops

from medzoo.layers.axis_matrix import apply_along_axis, gaussian_matrix, hat_matrix

# A lesion is some overlapping blobs. Their distance from its centre and their size,
# as shares of its radius, give it on average the volume of a sphere of that radius.
BLOBS = 3
SPREAD = 0.5
SIZE = 0.55
# Deep white matter counts by how much of it there is within this distance.
DEPTH_MM = 3.0
# Control points of the roughness of outlines lie about this far apart.
ROUGHNESS_MM = 3.0


def near_and_deep(tissue, near, distance, spacing):
    """Returns how likely each voxel of tissue is the centre of a lesion.

    Args:
        tissue: `(batch, x, y, z, 1)` float32, 1 where lesions may be.
        near: the same, 1 in what some lesions are close to (the ventricles).
        distance: float, mm, standard deviation of how far they are from it.
        spacing: three floats, mm.

    Returns:
        Two `(batch, x, y, z)` float32 tensors, not normalised: of lesions near to it,
        and of those deep in the tissue, away from its rim.
    """
    close, depth = near, tissue
    for axis, step in enumerate(spacing):
        size = ops.shape(tissue)[axis + 1]
        smooth = gaussian_matrix(size, ops.convert_to_tensor(distance / step))
        close = apply_along_axis(close, smooth, axis)
        smooth = gaussian_matrix(size, ops.convert_to_tensor(DEPTH_MM / step))
        depth = apply_along_axis(depth, smooth, axis)
    return (tissue * close)[..., 0], (tissue * ops.square(depth))[..., 0]


def draw_voxels(likelihood, count, seed):
    """Draws voxels of each volume, with replacement.

    Along one axis after another, so that no sum runs over more than one axis and
    rounding stays small.

    Args:
        likelihood: `(batch, x, y, z)` float32, at least 0, not normalised.
        count: int, voxels a volume.
        seed: `keras.random.SeedGenerator` or int.

    Returns:
        `(batch, count, 3)` float32, voxel indices.
    """
    batch, x, y, z = ops.shape(likelihood)
    drawn = keras.random.uniform((batch, count, 3), seed=seed)
    over_z = ops.sum(likelihood, 3)
    first = _draw_index(ops.sum(over_z, 2)[:, None], drawn[..., 0])
    row = first + ops.arange(batch, dtype="int32")[:, None] * x
    second = _draw_index(
        ops.take(ops.reshape(over_z, (-1, y)), row, axis=0), drawn[..., 1]
    )
    lines = ops.reshape(likelihood, (-1, z))
    third = _draw_index(ops.take(lines, row * y + second, axis=0), drawn[..., 2])
    return ops.cast(ops.stack([first, second, third], -1), "float32")


def draw_blobs(centres, radius, seed):
    """Draws the blobs that lesions are made of.

    Args:
        centres: `(batch, lesions, 3)` float32, mm.
        radius: `(batch, lesions)` float32, mm.
        seed: `keras.random.SeedGenerator` or int.

    Returns:
        Centres `(batch, lesions * BLOBS, 3)` and half-axes of the same shape, mm.
    """
    batch, lesions = ops.shape(radius)
    shape = (batch, lesions, BLOBS, 3)
    radius = radius[:, :, None, None]
    offset = SPREAD * radius * keras.random.normal(shape, seed=seed)
    half_axes = SIZE * radius * ops.exp(0.3 * keras.random.normal(shape, seed=seed))
    flat = (batch, lesions * BLOBS, 3)
    centres = centres[:, :, None] + offset
    return ops.reshape(centres, flat), ops.reshape(half_axes, flat)


def draw_roughness(sizes, spacing, batch, irregularity, seed):
    """Draws a smooth field that makes outlines irregular, at its control points."""
    points = [roughness_points(n, s) for n, s in zip(sizes, spacing, strict=True)]
    return irregularity * keras.random.normal((batch, *points, 1), seed=seed)


def roughness_points(size, spacing):
    """Returns how many control points an axis has; `size` may be a scalar tensor."""
    if isinstance(size, int):
        return 2 + int(size * spacing // ROUGHNESS_MM)
    share = ops.cast(size, "float32") * np.float32(spacing / ROUGHNESS_MM)
    return 2 + ops.cast(ops.floor(share), "int32")


def lesion_field(drawn, sizes, spacing):
    """Returns a smooth field that is at least 1 inside of lesions.

    A blob is `exp((1 - d^2) / 2)`, d being the distance from its centre in half-axes:
    1 at its surface. Where blobs overlap they add up and merge. They are products of
    a function of each axis, so all of them together are one product of matrices.

    Args:
        drawn: dict with "centre" and "half_axes" `(batch, blobs, 3)`, mm, "present"
            `(batch, blobs)`, and "roughness" `(batch, points, points, points, 1)`.
        sizes: three ints or scalar tensors.
        spacing: three floats, mm.

    Returns:
        `(batch, x, y, z, 1)` float32.
    """
    x, y, z = sizes
    along = []
    for axis, (size, step) in enumerate(zip(sizes, spacing, strict=True)):
        place = ops.cast(ops.arange(size, dtype="int32"), "float32") * float(step)
        distance = place - drawn["centre"][..., axis : axis + 1]
        distance = distance / drawn["half_axes"][..., axis : axis + 1]
        along.append(ops.exp(-0.5 * ops.square(distance)))
    first = along[0] * (e**0.5 * drawn["present"][..., None])
    blobs = ops.shape(first)[1]
    plane = along[1][..., None] * along[2][:, :, None]
    plane = ops.reshape(plane, (-1, blobs, y * z))
    field = ops.matmul(ops.swapaxes(first, 1, 2), plane)
    rough = drawn["roughness"]
    for axis, size in enumerate(sizes):
        points = ops.shape(drawn["roughness"])[axis + 1]
        rough = apply_along_axis(rough, hat_matrix(size, points), axis)
    return ops.reshape(field, (-1, x, y, z, 1)) * ops.exp(rough)


def _draw_index(likelihood, share):
    """Inverts the distribution over the last axis: `(batch, count)` int32."""
    reached = ops.cumsum(likelihood, -1)
    aim = share[..., None] * reached[..., -1:]
    passed = ops.sum(ops.cast(reached <= aim, "int32"), -1)
    return ops.minimum(passed, ops.shape(likelihood)[-1] - 1)
