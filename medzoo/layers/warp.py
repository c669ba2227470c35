"""One warp for all spatial layers: sampling volumes at real-valued voxel indices."""

from itertools import product

from keras import ops


def warp(volumes, coordinates, *, interpolation="linear", background=0.0):
    """Samples each volume of a batch at given voxel indices.

    Eight flat gathers with shared weights: several times faster than
    `keras.ops.image.map_coordinates` in three dimensions.

    Args:
        volumes: `(batch, x, y, z, channels)`.
        coordinates: `(batch, u, v, w, 3)` float32, voxel indices into `volumes`.
        interpolation: "linear" or "nearest".
        background: float, the value outside.

    Returns:
        `(batch, u, v, w, channels)`, of the dtype of `volumes`.
    """
    sizes = ops.shape(volumes)
    flat = ops.reshape(volumes, (-1, sizes[-1]))
    offset = ops.reshape(
        ops.arange(sizes[0]) * (sizes[1] * sizes[2] * sizes[3]), (-1, 1, 1, 1)
    )
    if interpolation == "nearest":
        index = [
            ops.cast(ops.floor(coordinates[..., a] + 0.5), "int32") for a in range(3)
        ]
        return _gather(flat, index, offset, sizes, background)
    floor = ops.floor(coordinates)
    rest = coordinates - floor
    low = [ops.cast(floor[..., axis], "int32") for axis in range(3)]
    result = 0.0
    for corner in product((0, 1), repeat=3):
        index = [low[axis] + corner[axis] for axis in range(3)]
        weight = 1.0
        for axis in range(3):
            share = rest[..., axis]
            weight = weight * (share if corner[axis] else 1.0 - share)
        value = _gather(flat, index, offset, sizes, background)
        result = result + weight[..., None] * value
    return ops.cast(result, volumes.dtype)


def _gather(flat, index, offset, sizes, background):
    inside = True
    clipped = []
    for axis in range(3):
        last = sizes[axis + 1] - 1
        inside = ops.logical_and(inside, index[axis] >= 0)
        inside = ops.logical_and(inside, index[axis] <= last)
        clipped.append(ops.clip(index[axis], 0, last))
    row = (clipped[0] * sizes[2] + clipped[1]) * sizes[3] + clipped[2] + offset
    value = ops.take(flat, row, axis=0)
    return ops.where(inside[..., None], value, ops.cast(background, flat.dtype))
