"""One warp for all spatial layers: sampling volumes at real-valued voxel indices."""

from keras import ops

INTERPOLATIONS = ("linear", "nearest")


def warp(volumes, coordinates, *, interpolation="linear", background=0.0):
    """Samples each volume of a batch at given voxel indices.

    Flat gathers from a volume with a margin of background, so that nothing has to be
    asked about the border: several times faster than
    `keras.ops.image.map_coordinates` in three dimensions, and again several times
    where XLA compiles it (one loop over the voxels, all channels together).

    Args:
        volumes: `(batch, x, y, z, channels)`.
        coordinates: voxel indices into `volumes`, float32: `(batch, u, v, w, 3)`, or
            one tensor `(batch, u, v, w)` for each of the three axes, which is faster.
        interpolation: "linear" or "nearest".
        background: float, the value outside.

    Returns:
        `(batch, u, v, w, channels)`, of the dtype of `volumes`.
    """
    if not isinstance(coordinates, (list, tuple)):
        coordinates = [coordinates[..., axis] for axis in range(3)]
    if interpolation == "nearest":
        return _nearest(volumes, coordinates, background)
    sampled = _linear(ops.cast(volumes, "float32"), coordinates, background)
    return ops.cast(sampled, volumes.dtype)


def _nearest(volumes, coordinates, background):
    flat, sizes = _flat(volumes, background, 1)
    # With the margin of one voxel, a cast rounds what is half a voxel off to nearest.
    index = [
        ops.cast(ops.clip(c + 1.5, 0.0, _float(n - 1)), "int32")
        for c, n in zip(coordinates, sizes[1:], strict=True)
    ]
    return ops.take(flat, flat_rows(index, sizes), axis=0)


def _linear(volumes, coordinates, background):
    # Two voxels at the end: the upper neighbour of the last index is background too.
    flat, sizes = _flat(volumes, background, 2)
    low, share = [], []
    for coordinate, size in zip(coordinates, sizes[1:], strict=True):
        position = ops.clip(coordinate + 1.0, 0.0, _float(size - 2))
        floor = ops.cast(position, "int32")
        low.append(floor)
        share.append(ops.expand_dims(position - ops.cast(floor, "float32"), -1))
    row = flat_rows(low, sizes)
    steps = (sizes[2] * sizes[3], sizes[3], 1)

    def between(row, axis):
        if axis == 3:
            return ops.take(flat, row, axis=0)
        lower = between(row, axis + 1)
        upper = between(row + steps[axis], axis + 1)
        return lower + share[axis] * (upper - lower)

    return between(row, 0)


def _flat(volumes, background, after):
    """Voxels with a margin as rows `(voxels, channels)`, and the sizes with it."""
    batch, *sizes, channels = ops.shape(volumes)
    margin = [[0, 0], *[[1, after]] * 3, [0, 0]]
    padded = ops.pad(
        volumes, margin, constant_values=ops.cast(background, volumes.dtype)
    )
    sizes = [batch, *[n + 1 + after for n in sizes]]
    return ops.reshape(padded, (-1, channels)), sizes


def flat_rows(index, sizes):
    """Where voxels lie in a batch of volumes that is flattened to rows.

    Args:
        index: three int32 tensors that broadcast to `(batch, u, v, w)`.
        sizes: four ints or scalar tensors, (batch, x, y, z).

    Returns:
        `(batch, u, v, w)` int32.
    """
    batch, x, y, z = sizes
    first = ops.reshape(ops.arange(batch, dtype="int32") * x, (-1, 1, 1, 1))
    return ((index[0] + first) * y + index[1]) * z + index[2]


def _float(value):
    return ops.cast(value, "float32")
