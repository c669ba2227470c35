"""Generator3D and Discriminator3D: the two networks of a DCGAN."""

from collections.abc import Sequence
from typing import Any

import keras

from medzoo.layers.convolution_blocks import (
    check_upsampling,
    convolve,
    convolve_normalize_activate,
    normalize_activate_drop,
    upsample,
)
from medzoo.layers.scale_channels import ScaleChannels
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.heads import dense_head
from medzoo.models.residual_encoder import (
    check_counts,
    check_input_shape,
    check_scales,
)


@keras.saving.register_keras_serializable(package="medzoo")
class Generator3D(VolumeModel):
    """Generates volumes from noise vectors.

    From one voxel with `latent_dim` channels on, at every stage: upsampling,
    convolution, normalisation, activation. The last stage has no normalisation, which
    would take brightness and contrast from the volume, only a scale and an offset a
    channel. With the default arguments it has 9,315,266 trainable parameters, over
    half of them in the upsampling.

    Args:
        latent_dim: int, length of the noise vector. Defaults to 100.
        filters: tuple of int, channels of each stage; the last are the volume's.
        kernel_sizes: tuple of int or three ints, one a stage.
        strides: tuple of three ints a stage, the factor of its upsampling. Their
            product is the volume's size, by default `(4, 64, 64)`.
        upsampling: str, "transposed" (trained, starts as linear; the default),
            "linear" or "nearest".
        output_activation: str or callable. Defaults to "tanh": values in [-1, 1].
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to "leaky_relu" (slope 0.2).
        use_bias: bool, biases in convolutions. Defaults to False.
        dropout_rate: float in [0, 1), spatial dropout after each activation. Defaults
            to 0.
        kernel_regularizer: str, Keras object or None; on every convolution.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, latent_dim)`, usually of a normal distribution.

    Output shape:
        `(batch, x, y, z, filters[-1])`, float32.

    Raises:
        ValueError: if `filters`, `kernel_sizes` and `strides` differ in length.

    Example:
        >>> Generator3D()(keras.random.normal((2, 100))).shape
        (2, 4, 64, 64, 1)

    Source:
        Radford et al., "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks" (2016); default sizes as in DLTK's
        dcgan_generator_3d (Pawlowski et al., 2017).
    """

    def __init__(
        self,
        latent_dim: int = 100,
        filters: Sequence[int] = (256, 128, 64, 32, 1),
        kernel_sizes: Sequence[int | Sequence[int]] = (4, 3, 3, 3, 4),
        strides: Sequence[Sequence[int]] = (
            (4, 4, 4),
            (1, 2, 2),
            (1, 2, 2),
            (1, 2, 2),
            (1, 2, 2),
        ),
        upsampling: str = "transposed",
        output_activation: str = "tanh",
        normalization: str = "batch",
        activation: str = "leaky_relu",
        use_bias: bool = False,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        check_counts(latent_dim=latent_dim)
        check_scales((1, 1, 1, latent_dim), filters, strides)
        check_upsampling(upsampling)
        _check_kernels(kernel_sizes, filters)
        arguments = {
            "latent_dim": latent_dim,
            "filters": filters,
            "kernel_sizes": kernel_sizes,
            "strides": strides,
            "upsampling": upsampling,
            "output_activation": output_activation,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        noise = keras.Input((latent_dim,), dtype="float32", name="noise")
        x = keras.layers.Reshape(
            (1, 1, 1, latent_dim), dtype=style.dtype, name="voxel"
        )(noise)
        for stage, width in enumerate(filters, start=1):
            step, kernel = strides[stage - 1], kernel_sizes[stage - 1]
            x = upsample(x, step, upsampling, style, f"stage{stage}_up")
            if stage < len(filters):
                name = f"stage{stage}"
                x = convolve_normalize_activate(x, width, kernel, 1, style, name)
        x = convolve(x, filters[-1], kernel_sizes[-1], 1, style.in_float32(), "head")
        x = ScaleChannels(dtype="float32", name="head_scale")(x)
        outputs = keras.layers.Activation(
            output_activation, dtype="float32", name="output"
        )(x)
        super().__init__(noise, outputs, plain(arguments), recipe, **kwargs)


@keras.saving.register_keras_serializable(package="medzoo")
class Discriminator3D(VolumeModel):
    """Returns one logit per volume, for real against generated.

    Strided convolutions, each followed by normalisation and activation, then a dense
    layer. With the default arguments it has 4,656,705 trainable parameters.

    Args:
        input_shape: four ints, `(x, y, z, channels)`; sizes are fixed. Defaults to
            `(4, 64, 64, 1)`, what `Generator3D` gives.
        filters: tuple of int, channels of each convolution.
        strides: tuple of three ints for each of them.
        kernel_size: int or three ints. Defaults to 3.
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to "leaky_relu" (slope 0.2).
        use_bias: bool, biases in convolutions. Defaults to False.
        head_bias: bool, a bias in the dense layer. Defaults to True.
        dropout_rate: float in [0, 1), spatial dropout after each activation. Defaults
            to 0.
        kernel_regularizer: str, Keras object or None; on every convolution and the
            dense layer.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, 1)`, float32 logits.

    Raises:
        ValueError: if a size is None, or `filters` and `strides` differ in length.

    Example:
        >>> Discriminator3D()(np.zeros((2, 4, 64, 64, 1))).shape
        (2, 1)

    Source:
        As `Generator3D`; default sizes as in DLTK's dcgan_discriminator_3d.
    """

    def __init__(
        self,
        input_shape: Any = (4, 64, 64, 1),
        filters: Sequence[int] = (64, 128, 256, 512),
        strides: Sequence[Sequence[int]] = ((2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2)),
        kernel_size: int | Sequence[int] = 3,
        normalization: str = "batch",
        activation: str = "leaky_relu",
        use_bias: bool = False,
        head_bias: bool = True,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        check_scales(input_shape, filters, strides)
        check_input_shape(input_shape, fixed=True)
        arguments = {
            "input_shape": input_shape,
            "filters": filters,
            "strides": strides,
            "kernel_size": kernel_size,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        x = inputs
        for stage, (width, step) in enumerate(
            zip(filters, strides, strict=True), start=1
        ):
            name = f"stage{stage}"
            x = convolve(x, width, kernel_size, tuple(step), style, f"{name}_conv")
            x = normalize_activate_drop(x, style, name)
        x = keras.layers.Flatten(
            dtype=style.dtype, data_format="channels_last", name="flatten"
        )(x)
        outputs = dense_head(x, 1, head_bias, style)
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _check_kernels(kernel_sizes, filters):
    if len(kernel_sizes) != len(filters):
        raise ValueError(
            "`kernel_sizes` must hold one for every entry of `filters`. "
            f"Received: kernel_sizes={kernel_sizes}, filters={filters}."
        )
