"""SuperResolution3D: a finer volume out of a coarse one."""

import keras

from medzoo.layers.convolution_blocks import (
    convolve_normalize_activate,
    strided_kernel,
)
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.size_3d import three_ints
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.residual_encoder import check_counts, check_input_shape


@keras.saving.register_keras_serializable(package="medzoo")
class SuperResolution3D(VolumeModel):
    """Gives a volume with more and smaller voxels over the same field of view.

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
        (Pawlowski et al., 2017). The residual: Kim et al., "Accurate Image
        Super-Resolution Using Very Deep Convolutional Networks" (2016).
    """

    def __init__(
        self,
        input_shape=(None, None, None, 1),
        filters=(16, 32, 64),
        num_convolutions=1,
        upsampling_factor=(2, 2, 2),
        residual=False,
        normalization="batch",
        activation="relu6",
        use_bias=False,
        head_bias=False,
        dropout_rate=0.0,
        kernel_regularizer=None,
        recipe=None,
        **kwargs,
    ):
        check_input_shape(input_shape)
        check_counts(num_convolutions=num_convolutions)
        factor = three_ints(upsampling_factor, "upsampling_factor")
        arguments = {
            "input_shape": input_shape,
            "filters": filters,
            "num_convolutions": num_convolutions,
            "upsampling_factor": upsampling_factor,
            "residual": residual,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        inputs = keras.Input(tuple(input_shape), name="images")
        x = inputs
        for block, width in enumerate(filters, start=1):
            for number in range(1, num_convolutions + 1):
                name = f"block{block}_{number}"
                x = convolve_normalize_activate(
                    x, width, (3, 3, 3), (1, 1, 1), style, name
                )
        outputs = _head(x, input_shape[3], factor, residual, head_bias, style)
        if residual:
            linear = LinearUpsample3D(factor, dtype="float32", name="linear")(inputs)
            outputs = keras.layers.Add(dtype="float32", name="output")(
                [linear, outputs]
            )
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _head(x, channels, factor, residual, head_bias, style):
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
