"""LinearUpsample3D: trilinear interpolation by integer factors, exact at the border."""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
from keras import ops

from medzoo.layers.size_3d import three_ints


@keras.saving.register_keras_serializable(package="medzoo")
class LinearUpsample3D(keras.layers.Layer):
    """Makes each axis an integer factor longer by linear interpolation.

    Voxels keep their edges: output voxel `j` of an axis lies at `(j + 0.5) / s - 0.5`
    of the input (half-pixel centres), and beyond the outermost centres the outermost
    voxel goes on. That is the trilinear resize of TensorFlow, PyTorch (without
    `align_corners`) and `jax.image`; a constant stays constant up to the border,
    where a transposed convolution with a linear kernel darkens.

    Args:
        strides: int or three ints, the factor along each axis. Defaults to 2.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`; sizes may be None.

    Output shape:
        `(batch, x * sx, y * sy, z * sz, channels)`, in the layer's compute dtype.

    Raises:
        ValueError: if a factor is not a positive int, or the rank is not 5.

    Example:
        >>> LinearUpsample3D((1, 2, 2))(np.ones((1, 4, 8, 8, 3))).shape
        (1, 4, 16, 16, 3)
    """

    def __init__(self, strides: int | Sequence[int] = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strides = three_ints(strides, "strides")
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        # The last axis first: with few channels its product is the least efficient
        # one, and it runs on the smallest tensor.
        for axis in (3, 2, 1):
            if self.strides[axis - 1] > 1:
                x = _upsample(x, axis, self.strides[axis - 1])
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *sizes, channels = input_shape
        longer = [
            None if n is None else n * s
            for n, s in zip(sizes, self.strides, strict=True)
        ]
        return (batch, *longer, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strides": self.strides}


def _upsample(x, axis, stride):
    # A product with the matrix of interpolation weights. Though all but two of a
    # row's entries are zero, it is faster to train through than shifted slices or a
    # resize by image operations.
    shape = list(ops.shape(x))
    matrix = ops.cast(_interpolation_matrix(shape[axis], stride), x.dtype)
    rows = ops.reshape(x, (-1, shape[axis], prod(shape[axis + 1 :])))
    shape[axis] = shape[axis] * stride
    return ops.reshape(ops.matmul(matrix, rows), shape)


def _interpolation_matrix(size, stride):
    """Returns `(size * stride, size)` float32 whose rows sum to 1."""
    index = ops.arange(size, dtype="int32")
    # Offset of each output voxel within the input voxel that it lies in.
    offset = (ops.arange(stride, dtype="float32") + 0.5) / stride - 0.5
    offset = ops.tile(ops.reshape(offset, (1, stride)), (size, 1))
    position = ops.reshape(index, (-1, 1))
    outside = ops.logical_or(
        ops.logical_and(position == 0, offset < 0),
        ops.logical_and(position == size - 1, offset > 0),
    )
    offset = ops.where(outside, 0.0, offset)
    # The difference of whole numbers first: exact however long the axis is.
    between = ops.cast(ops.expand_dims(position - index, 1), "float32")
    distance = ops.abs(between + ops.expand_dims(offset, -1))
    weights = ops.maximum(1.0 - distance, 0.0)
    return ops.reshape(weights, (size * stride, size))
