"""One crop for all layers that cut patches of a fixed size out of volumes."""

from keras import ops

from medzoo.layers.warp import flat_rows

MODES = ("constant", "edge")


def crop(volumes, start, size, *, mode="constant", value=0.0):
    """Cuts a patch out of each volume of a batch.

    Args:
        volumes: `(batch, x, y, z, channels)`.
        start: `(batch, 3)` int32, index of the first voxel of each patch; negative, or
            too near to the end, where the patch reaches beyond the volume.
        size: three ints, of the patch.
        mode: "constant" or "edge", what lies beyond.
        value: float, the constant.

    Returns:
        `(batch, *size, channels)`, of the dtype of `volumes`.
    """
    sizes = ops.shape(volumes)
    index, inside = [], True
    for axis in range(3):
        line = start[:, axis, None] + ops.arange(size[axis], dtype="int32")
        shape = [-1, 1, 1, 1]
        shape[axis + 1] = size[axis]
        line = ops.reshape(line, shape)
        last = sizes[axis + 1] - 1
        index.append(ops.clip(line, 0, last))
        inside = ops.logical_and(inside, ops.logical_and(line >= 0, line <= last))
    flat = ops.reshape(volumes, (-1, sizes[-1]))
    patch = ops.take(flat, flat_rows(index, sizes[:4]), axis=0)
    if mode == "edge":
        return patch
    return ops.where(inside[..., None], patch, ops.cast(value, volumes.dtype))


def centred_start(volumes, size):
    """Returns where a centred patch starts, `(batch, 3)` int32.

    Of an odd number of voxels to cut off or to add, the end gets the one more.

    Args:
        volumes: `(batch, x, y, z, channels)`.
        size: three ints, of the patch.
    """
    sizes = ops.shape(volumes)
    axes = [_half(sizes[axis + 1] - size[axis]) for axis in range(3)]
    return ops.zeros((sizes[0], 1), dtype="int32") + ops.stack(axes)[None]


def nearest_start(volumes, start, size):
    """Moves patches into their volumes; centres them on axes that are too short.

    Args:
        volumes: `(batch, x, y, z, channels)`.
        start: `(batch, 3)` int32.
        size: three ints, of the patch.

    Returns:
        `(batch, 3)` int32.
    """
    centred = centred_start(volumes, size)
    sizes = ops.shape(volumes)
    room = [ops.cast(sizes[axis + 1] - size[axis], "int32") for axis in range(3)]
    room = ops.stack(room)[None]
    return ops.where(room < 0, centred, ops.clip(start, 0, ops.maximum(room, 0)))


def _half(difference):
    """Half of an int or an int tensor, rounded towards zero."""
    difference = ops.cast(difference, "int32")
    return ops.sign(difference) * (ops.abs(difference) // 2)
