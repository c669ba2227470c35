"""DepthToSpace3D: channels rearranged into smaller voxels."""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
from keras import ops

from medzoo.layers.size_3d import three_ints


@keras.saving.register_keras_serializable(package="medzoo")
class DepthToSpace3D(keras.layers.Layer):
    """Rearranges channels into blocks of finer voxels (3-D pixel shuffle).

    A convolution on the coarse grid followed by this layer is a transposed convolution
    whose kernel is as large in fine voxels as its stride; it costs what a convolution
    on the coarse grid costs.

    Args:
        strides: int or three ints, small voxels along each axis of a large one.
            Defaults to 2.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels * sx * sy * sz)`; sizes may be None. The channels
        are ordered by small voxel (x slowest, z fastest), then by output channel.

    Output shape:
        `(batch, x * sx, y * sy, z * sz, channels)`.

    Raises:
        ValueError: if a factor is not a positive int, or does not divide the channels.

    Example:
        >>> DepthToSpace3D(2)(np.ones((1, 4, 4, 4, 24))).shape
        (1, 8, 8, 8, 3)

    Source:
        Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
        Efficient Sub-Pixel Convolutional Neural Network" (2016).
    """

    def __init__(self, strides: int | Sequence[int] = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strides = three_ints(strides, "strides")
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] % prod(self.strides):
            raise ValueError(
                "The product of `strides` must divide the number of channels. "
                f"Received: strides={self.strides}, input_shape={input_shape}."
            )

    def call(self, inputs: Any) -> Any:
        batch, x, y, z, channels = ops.shape(inputs)
        sx, sy, sz = self.strides
        channels = channels // (sx * sy * sz)
        # z first, then y and x: two transposes of few axes are faster than one of all.
        out = ops.reshape(inputs, (batch * x * y, z, sx * sy, sz * channels))
        out = ops.transpose(out, (0, 2, 1, 3))
        out = ops.reshape(out, (batch * x, y, sx, sy, z * sz * channels))
        out = ops.transpose(out, (0, 2, 1, 3, 4))
        return ops.reshape(out, (batch, x * sx, y * sy, z * sz, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *sizes, channels = input_shape
        longer = [
            None if n is None else n * s
            for n, s in zip(sizes, self.strides, strict=True)
        ]
        return (batch, *longer, channels // prod(self.strides))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strides": self.strides}
