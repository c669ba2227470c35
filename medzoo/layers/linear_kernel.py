"""LinearKernel: a transposed convolution that starts as linear interpolation."""

import keras
import numpy as np

from medzoo.layers.size_3d import three_ints


@keras.saving.register_keras_serializable(package="medzoo")
class LinearKernel(keras.initializers.Initializer):
    """Kernel of a strided `Conv3DTranspose` that interpolates each channel linearly.

    With kernel size `2 * stride` (1 where the stride is 1) and same padding the layer
    then equals `LinearUpsample3D` inside the volume; at the border it fades, for
    outside there are zeros.

    Args:
        strides: int or three ints, those of the layer.

    Example:
        >>> keras.layers.Conv3DTranspose(
        ...     8, 4, 2, "same", kernel_initializer=LinearKernel(2)
        ... )

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation" (2015),
        section 3.3.
    """

    def __init__(self, strides):
        self.strides = three_ints(strides, "strides")

    def __call__(self, shape, dtype=None):
        weights = np.ones((1, 1, 1), "float32")
        for axis, (size, stride) in enumerate(
            zip(shape[:3], self.strides, strict=True)
        ):
            weights = weights * np.expand_dims(
                _hat(size, stride), [a for a in range(3) if a != axis]
            )
        # (x, y, z, output channels, input channels), each channel onto itself.
        channels = np.eye(*shape[3:], dtype="float32")
        kernel = weights[..., None, None] * channels
        return keras.ops.convert_to_tensor(kernel, dtype or "float32")

    def get_config(self):
        return {"strides": self.strides}


def _hat(size, stride):
    # An odd stride has its middle on a voxel, an even one between two.
    centre = stride - 1 if stride % 2 else stride - 0.5
    distance = np.abs(np.arange(size) - centre)
    return np.maximum(1 - distance / stride, 0).astype("float32")
