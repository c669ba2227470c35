"""Output layers of networks, in float32, and upsampling to the input's size."""

from itertools import accumulate
from math import prod

import keras

from medzoo.layers.convolution_blocks import normalize_activate
from medzoo.layers.crop_like_3d import CropLike3D
from medzoo.layers.depth_to_space_3d import DepthToSpace3D
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.models.base import VolumeModel

SUB_VOXEL_SCALE = 0.1


def factors(strides):
    """Returns the factor of every scale against the input, three ints a scale."""
    product = accumulate(
        strides, lambda a, b: tuple(p * q for p, q in zip(a, b, strict=True))
    )
    return [tuple(factor) for factor in product]


def voxel_head(x, num_classes, head_bias, style, name=VolumeModel.head_name):
    """Adds the last convolution, 1 x 1 x 1.

    float32 whatever the policy: losses take logarithms of what it gives.
    """
    return keras.layers.Conv3D(
        num_classes,
        1,
        use_bias=head_bias,
        kernel_initializer=style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype="float32",
        data_format="channels_last",
        name=name,
    )(x)


def sub_voxel_head(x, num_classes, factor, head_bias, style, kernel_size=3):
    """Adds a convolution that gives the logits of smaller voxels.

    Its input is normalised and activated first, as at the end of He et al. (2016).

    Args:
        x: `KerasTensor`, features on the coarse grid.
        num_classes: int.
        factor: three ints, small voxels along each axis of a large one.
        head_bias: bool.
        style: `BlockStyle`.
        kernel_size: int, of the convolution, in large voxels.

    Returns:
        `KerasTensor`, `(batch, x * fx, y * fy, z * fz, num_classes)` float32.
    """
    x = normalize_activate(x, style, "last")
    logits = keras.layers.Conv3D(
        num_classes * prod(factor),
        kernel_size,
        padding="same",
        use_bias=head_bias,
        kernel_initializer=style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype="float32",
        data_format="channels_last",
        name=VolumeModel.head_name,
    )(x)
    if kernel_size > 1:
        # Steps of Adam are as large for each of 27 times `filters` weights: without the
        # scale a single one would throw logits about by more than their range.
        logits = keras.layers.Rescaling(SUB_VOXEL_SCALE, dtype="float32", name="scale")(
            logits
        )
    return DepthToSpace3D(factor, dtype="float32", name="subvoxels")(logits)


def dense_head(x, units, head_bias, style):
    """Adds the last dense layer.

    float32 whatever the policy: a value in years needs more than 8 bits.
    """
    return keras.layers.Dense(
        units,
        use_bias=head_bias,
        kernel_initializer=style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype="float32",
        name=VolumeModel.head_name,
    )(x)


def at_full_size(logits, inputs, factor, name="output"):
    """Interpolates logits to the padded input's size and crops off the padding."""
    if prod(factor) > 1:
        logits = LinearUpsample3D(factor, dtype="float32", name=f"{name}_up")(logits)
    return CropLike3D(dtype="float32", name=name)([logits, inputs])
