"""SuperResolution3D: upsampling of a volume by a network."""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras

from medzoo.layers.convolution_blocks import (
    convolve,
    convolve_normalize_activate,
    normalize_activate,
    residual_unit,
    strided_kernel,
)
from medzoo.layers.depth_to_space_3d import DepthToSpace3D
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.size_3d import three_ints
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.residual_encoder import check_counts, check_input_shape

BLOCKS = ("plain", "residual")
HEADS = ("transposed", "sub_voxel")


@keras.saving.register_keras_serializable(package="medzoo")
class SuperResolution3D(VolumeModel):
    """Upsamples a volume over the same field of view.

    Blocks of `num_convolutions` convolutions, each followed by normalisation and
    activation, at the coarse resolution; one transposed convolution to the fine one.
    With the default arguments it has 73,872 trainable parameters.

    Args:
        input_shape: four ints or None, `(x, y, z, channels)`. Defaults to
            `(None, None, None, 1)`: any size.
        filters: tuple of int, channels of each block.
        num_convolutions: int, convolutions a block. Defaults to 1.
        upsampling_factor: int or three ints. Defaults to `(2, 2, 2)`.
        residual: bool, whether the output is added to the linear interpolation of the
            input. The untrained network then is that interpolation: its last kernel
            starts at zero. Defaults to False.
        blocks: str, "plain" or "residual": a first convolution, then blocks of
            `num_convolutions` pre-activation units of two convolutions, each unit
            added to its input and 0 before training. Defaults to "plain".
        first_kernel_size: int or three ints, kernel of the first convolution; with
            one input channel a larger one costs little. Defaults to 3.
        head: str, "transposed" (kernel twice the factor) or "sub_voxel" (a
            convolution of 3^3 whose channels are the fine voxels, several times as
            fast). Defaults to "transposed".
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to "relu6".
        use_bias: bool, biases in convolutions. Defaults to False.
        head_bias: bool, a bias in the last, transposed convolution. Defaults to False.
        dropout_rate: float in [0, 1), spatial dropout after each activation. Defaults
            to 0.
        kernel_regularizer: str, Keras object or None; on every convolution.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, x * fx, y * fy, z * fz, channels)`, float32; the outer edges of the
        outermost voxels stay where they are.

    Raises:
        ValueError: if a factor or a count is not a positive int.

    Example:
        >>> model = SuperResolution3D(upsampling_factor=(1, 1, 4), residual=True)

    Source:
        Dong et al., "Accelerating the Super-Resolution Convolutional Neural Network"
        (2016); the default topology is that of DLTK's simple_super_resolution_3d
        (Pawlowski et al., 2017). Sub-voxel head: Shi et al., "Real-Time Single Image
        and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
        Network" (2016). The residual: Kim et al., "Accurate Image
        Super-Resolution Using Very Deep Convolutional Networks" (2016).
    """

    def __init__(
        self,
        input_shape: Any = (None, None, None, 1),
        filters: Sequence[int] = (16, 32, 64),
        num_convolutions: int = 1,
        upsampling_factor: int | Sequence[int] = (2, 2, 2),
        residual: bool = False,
        blocks: str = "plain",
        first_kernel_size: int | Sequence[int] = 3,
        head: str = "transposed",
        normalization: str = "batch",
        activation: str = "relu6",
        use_bias: bool = False,
        head_bias: bool = False,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        check_input_shape(input_shape)
        check_counts(num_convolutions=num_convolutions)
        _check_choice("blocks", blocks, BLOCKS)
        _check_choice("head", head, HEADS)
        factor = three_ints(upsampling_factor, "upsampling_factor")
        arguments = {
            "input_shape": input_shape,
            "filters": filters,
            "num_convolutions": num_convolutions,
            "upsampling_factor": upsampling_factor,
            "residual": residual,
            "blocks": blocks,
            "first_kernel_size": first_kernel_size,
            "head": head,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        first = three_ints(first_kernel_size, "first_kernel_size")
        build = _residual_blocks if blocks == "residual" else _plain_blocks
        x = build(inputs, filters, num_convolutions, first, style)
        add_head = _sub_voxel_head if head == "sub_voxel" else _transposed_head
        outputs = add_head(x, input_shape[3], factor, residual, head_bias, style)
        if residual:
            linear = LinearUpsample3D(factor, dtype="float32", name="linear")(inputs)
            outputs = keras.layers.Add(dtype="float32", name="output")(
                [linear, outputs]
            )
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {choices}. Received: {name}={value!r}."
        )


def _plain_blocks(x, filters, num_convolutions, first_kernel, style):
    kernel = first_kernel
    for block, width in enumerate(filters, start=1):
        for number in range(1, num_convolutions + 1):
            name = f"block{block}_{number}"
            x = convolve_normalize_activate(x, width, kernel, (1, 1, 1), style, name)
            kernel = (3, 3, 3)
    return x


def _residual_blocks(x, filters, num_units, first_kernel, style):
    x = convolve(x, filters[0], first_kernel, (1, 1, 1), style, "first_conv")
    for block, width in enumerate(filters, start=1):
        for number in range(1, num_units + 1):
            # A unit that starts at zero keeps the deepest stack from exploding without
            # normalisation (Zhang et al., "Fixup Initialization", 2019).
            x = residual_unit(
                x,
                width,
                (1, 1, 1),
                style,
                f"block{block}_{number}",
                narrowing=(1, 1, 1),
                last="zeros",
            )
    return normalize_activate(x, style, "last")


def _sub_voxel_head(x, channels, factor, residual, head_bias, style):
    x = keras.layers.Conv3D(
        channels * prod(factor),
        3,
        padding="same",
        use_bias=head_bias,
        kernel_initializer="zeros" if residual else style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype="float32",
        data_format="channels_last",
        name=VolumeModel.head_name,
    )(x)
    return DepthToSpace3D(factor, dtype="float32", name="fine")(x)


def _transposed_head(x, channels, factor, residual, head_bias, style):
    # Twice the factor: every fine voxel sees as many coarse ones as its neighbours.
    return keras.layers.Conv3DTranspose(
        channels,
        strided_kernel(factor),
        strides=factor,
        padding="same",
        use_bias=head_bias,
        kernel_initializer="zeros" if residual else style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype="float32",
        data_format="channels_last",
        name=VolumeModel.head_name,
    )(x)
