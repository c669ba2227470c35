"""Linear maps along one axis of a volume, as matrices.

Smoothing, slices and interpolation act on each axis apart. As products with a matrix
they may differ from volume to volume and still have static shapes, which compiled
code needs, and run at the speed of matrix multiplication.
"""

from math import pi

from keras import ops


def apply_along_axis(volumes, matrix, axis):
    """Multiplies every line of voxels along one axis by a matrix.

    Args:
        volumes: `(batch, x, y, z, channels)` float32.
        matrix: `(..., m, n)` float32, n being the size of that axis: one matrix, one a
            volume `(batch, m, n)`, or one a volume and channel
            `(batch, channels, m, n)`.
        axis: int, 0, 1 or 2.

    Returns:
        `volumes` with size m along that axis.
    """
    if len(matrix.shape) == 4:
        channels = [
            apply_along_axis(volumes[..., c : c + 1], matrix[:, c], axis)
            for c in range(volumes.shape[-1])
        ]
        return ops.concatenate(channels, -1) if len(channels) > 1 else channels[0]
    shape = list(ops.shape(volumes))
    batch, *sizes, count = shape
    shape[axis + 1] = ops.shape(matrix)[-2]
    if len(matrix.shape) == 3 and axis:
        matrix = ops.expand_dims(matrix, 1)
    if axis == 0:
        lines = ops.reshape(volumes, (batch, sizes[0], -1))
        return ops.reshape(ops.matmul(matrix, lines), shape)
    if axis == 1:
        lines = ops.reshape(volumes, (batch, sizes[0], sizes[1], -1))
        return ops.reshape(ops.matmul(matrix, lines), shape)
    # The lines are rows here: a product with few columns would be slow.
    lines = ops.transpose(volumes, (0, 1, 2, 4, 3)) if count != 1 else volumes
    lines = ops.reshape(lines, (batch, sizes[0], -1, sizes[2]))
    lines = ops.matmul(lines, ops.swapaxes(matrix, -1, -2))
    if count == 1:
        return ops.reshape(lines, shape)
    lines = ops.reshape(lines, (batch, sizes[0], sizes[1], count, shape[3]))
    return ops.transpose(lines, (0, 1, 2, 4, 3))


def gaussian_matrix(size, sigma):
    """Smoothing with a Gaussian; at the border its weights are normalised anew.

    Args:
        size: int, n.
        sigma: float32 tensor of any shape, standard deviation in voxels; 0 gives
            exactly the identity.

    Returns:
        `(..., n, n)` float32 whose rows sum to 1.
    """
    sigma = ops.maximum(sigma, 1e-3)[..., None, None]
    index = _indices(size)
    weights = ops.exp(-0.5 * ops.square((index[:, None] - index[None]) / sigma))
    return weights / ops.sum(weights, -1, keepdims=True)


def slice_matrix(size, spacing, thickness):
    """Averages over slices: slice j is centred `(j + 0.5) * spacing` from the edge.

    Args:
        size: int, n.
        spacing: float32 tensor of any shape, voxels from one slice to the next, at
            least 1. With 1 and thickness 1 it is exactly the identity.
        thickness: float32 tensor of the shape of `spacing`, voxels that are averaged;
            0 takes the one voxel that the centre lies in.

    Returns:
        `(..., n, n)` float32, a slice a row; rows beyond the last slice are 0 or
        cut off at the edge, and are not meant to be used.
    """
    index = _indices(size)
    spacing = _at_most(spacing, size)[..., None, None]
    half = 0.5 * thickness[..., None, None]
    centre = (index[:, None] + 0.5) * spacing
    low = ops.maximum(centre - half, index[None])
    high = ops.minimum(centre + half, index[None] + 1.0)
    overlap = ops.maximum(high - low, 0.0)
    nearest = ops.cast(ops.floor(centre) == index[None], "float32")
    weights = ops.where(half > 0, overlap, nearest)
    total = ops.sum(weights, -1, keepdims=True)
    return weights / ops.where(total > 0, total, 1.0)


def interpolation_matrix(size, spacing):
    """Interpolates linearly from the slices of `slice_matrix` back to voxels.

    Args:
        size: int, n.
        spacing: float32 tensor of any shape, as in `slice_matrix`.

    Returns:
        `(..., n, n)` float32 whose rows sum to 1; beyond the outermost slice centres
        the outermost slice goes on.
    """
    index = _indices(size)
    spacing = _at_most(spacing, size)[..., None, None]
    last = ops.maximum(ops.floor(_float(size) / spacing - 0.5), 0.0)
    position = (index[:, None] + 0.5) / spacing - 0.5
    position = ops.clip(position, 0.0, last)
    return ops.maximum(1.0 - ops.abs(position - index[None]), 0.0)


def hat_matrix(size, points):
    """Linear interpolation from evenly spaced control points to voxels.

    Args:
        size: int, number of voxels; the first and the last lie on control points.
        points: int, number of control points, at least 2.

    Returns:
        `(size, points)` float32 whose rows sum to 1.
    """
    step = _float(points - 1) / ops.maximum(_float(size) - 1.0, 1.0)
    position = _indices(size) * step
    return ops.maximum(1.0 - ops.abs(position[:, None] - _indices(points)[None]), 0.0)


def spectrum_matrix(size, passed):
    """Multiplies the Fourier coefficients along an axis by real numbers.

    Args:
        size: int, n.
        passed: `(batch, n)` float32, what the coefficient of each frequency is
            multiplied by, in the order of `signed_frequencies`; alike for k and -k.

    Returns:
        `(batch, n, n)` float32, the circulant matrix of the equivalent convolution.
    """
    index = ops.arange(size, dtype="int32")
    # The remainder first: whole numbers keep a cosine of many turns exact.
    turns = ops.mod(index[:, None] * index[None], size)
    cosines = ops.cos((2 * pi) * (ops.cast(turns, "float32") / _float(size)))
    kernel = ops.matmul(passed, cosines) / _float(size)
    return ops.take(kernel, ops.mod(index[:, None] - index[None], size), axis=1)


def signed_frequencies(size):
    """Returns the frequencies of a Fourier transform, 0, 1, ..., -2, -1, as int32."""
    index = ops.arange(size, dtype="int32")
    return ops.where(index <= (size - 1) // 2, index, index - size)


def _indices(size):
    return ops.cast(ops.arange(size, dtype="int32"), "float32")


def _float(value):
    return ops.cast(value, "float32")


def _at_most(spacing, size):
    return ops.minimum(spacing, _float(size))
