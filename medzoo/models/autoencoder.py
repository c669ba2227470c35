"""ConvolutionalAutoencoder3D: encodes a volume as a vector and decodes it."""

from collections.abc import Sequence
from math import prod
from typing import Any

import keras

from medzoo.layers.add_volume import AddVolume
from medzoo.layers.convolution_blocks import (
    activate,
    convolve_normalize_activate,
    deconvolve,
    normalize_activate_drop,
    strided_kernel,
)
from medzoo.layers.displace_3d import Displace3D
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.models.autoencoder_paths import (
    MEAN,
    added,
    check_paths,
    crop_to,
    decode_displacement,
    decode_linearly,
    encode_linearly,
)
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.heads import factors, voxel_head
from medzoo.models.residual_encoder import check_input_shape, check_scales

ONE = (1, 1, 1)


@keras.saving.register_keras_serializable(package="medzoo")
class ConvolutionalAutoencoder3D(VolumeModel):
    """Reconstructs a volume from a latent vector of length `latent_dim`.

    Encoder: at every scale `num_convolutions` convolutions, the last one strided, each
    followed by normalisation and activation; a dense layer. Decoder: a dense layer
    with activation, then the mirrored transposed convolutions and convolutions, and a
    linear 1x1x1 convolution to the input's channels. A size that the strides do not
    divide is padded with zeros inside and the output cropped back.

    Beside it there may be a linear path, of which few scans are enough to learn from:
    a convolution without activation makes some numbers of every block of voxels, a
    dense layer adds those to the vector; and back, with a trained mean volume. With
    `filters=()` it is all that there is. A deformation bends what was decoded.

    `encoder` and `decoder` are Keras models of their own that share their weights with
    this one: `model.encoder.predict(images)` gives the vectors.

    Args:
        input_shape: four ints, `(x, y, z, channels)`; sizes are fixed.
        latent_dim: int, length of the vector. Defaults to 128.
        filters: tuple of int, channels at each scale.
        strides: tuple of three ints a scale, the stride on leaving it.
        num_convolutions: int, convolutions a scale. Defaults to 1.
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to "relu6".
        use_bias: bool, biases in convolutions and dense layers. Defaults to False.
        head_bias: bool, a bias in the last convolution. Defaults to False.
        dropout_rate: float in [0, 1), spatial dropout after each activation. Defaults
            to 0.
        kernel_regularizer: str, Keras object or None; on every convolution and dense
            layer of the convolutional path.
        linear_filters: int or None, numbers a block of the linear path; None for no
            such path. Defaults to None.
        block_size: three ints, voxels of a block, and of a step of the deformation.
            Defaults to (8, 8, 8).
        deformation: bool, whether the vector also displaces the voxels of the image.
            Defaults to False.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        As the input, float32. Of `encoder`: `(batch, latent_dim)`, float32.

    Raises:
        ValueError: if a size is None, `filters` and `strides` differ in length, or
            there is neither a convolutional nor a linear path.

    Example:
        >>> model = ConvolutionalAutoencoder3D((32, 40, 32, 1))
        >>> model.compile("adam", "mse")
        >>> model.fit(images, images)

    Source:
        Masci et al., "Stacked Convolutional Auto-Encoders" (2011); the default
        topology is that of DLTK's convolutional_autoencoder_3d (Pawlowski et al.,
        2017).
    """

    def __init__(
        self,
        input_shape: Any,
        latent_dim: int = 128,
        filters: Sequence[int] = (16, 32, 64),
        strides: Sequence[Sequence[int]] = ((2, 2, 2), (2, 2, 2), (2, 2, 2)),
        num_convolutions: int = 1,
        normalization: str = "batch",
        activation: str = "relu6",
        use_bias: bool = False,
        head_bias: bool = False,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        linear_filters: int | None = None,
        block_size: Sequence[int] = (8, 8, 8),
        deformation: bool = False,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        counts = {"num_convolutions": num_convolutions, "latent_dim": latent_dim}
        check_scales(input_shape, filters, strides, **counts)
        check_input_shape(input_shape, fixed=True)
        check_paths(filters, linear_filters, block_size)
        arguments = {
            "input_shape": input_shape,
            "latent_dim": latent_dim,
            "filters": filters,
            "strides": strides,
            "num_convolutions": num_convolutions,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
            "linear_filters": linear_filters,
            "block_size": block_size,
            "deformation": deformation,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        # Two models within this one: each is a Keras model on the weights of this one,
        # and none of them is tracked twice.
        encoder = _encoder(arguments, style)
        decoder = _decoder(arguments, encoder, style)
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        outputs = decoder(encoder(inputs))
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)

    @property
    def encoder(self) -> Any:
        """The encoder, a `keras.Model` that shares this model's weights."""
        return self.get_layer("encoder")

    @property
    def decoder(self) -> Any:
        """The decoder, a `keras.Model` that shares this model's weights."""
        return self.get_layer("decoder")


def _encoder(arguments, style):
    inputs = keras.Input(
        tuple(arguments["input_shape"]), dtype="float32", name="images"
    )
    parts = []
    if arguments["filters"]:
        parts.append(_encode(inputs, arguments, style))
    if arguments["linear_filters"] is not None:
        parts.append(encode_linearly(inputs, arguments))
    return keras.Model(inputs, added(parts), name="encoder")


def _encode(inputs, arguments, style):
    multiple = factors(arguments["strides"])[-1]
    x = PadToMultiple3D(multiple, dtype=style.dtype, name="pad")(inputs)
    for scale, (filters, strides) in enumerate(_scales(arguments)):
        steps = [ONE] * (arguments["num_convolutions"] - 1) + [strides]
        for number, step in enumerate(steps, start=1):
            name = f"scale{scale}_{number}"
            kernel = strided_kernel(step)
            x = convolve_normalize_activate(x, filters, kernel, step, style, name)
    x = keras.layers.Flatten(
        dtype=style.dtype, data_format="channels_last", name="flatten"
    )(x)
    # float32 whatever the policy: it is an output.
    return _dense(x, arguments["latent_dim"], style, "float32", "latent")


def _decoder(arguments, encoder, style):
    latent = keras.Input((arguments["latent_dim"],), dtype="float32", name="latent")
    parts = []
    if arguments["filters"]:
        features = encoder.get_layer("flatten").input.shape[1:]
        parts.append(_decode(latent, arguments, features, style))
    if arguments["linear_filters"] is not None:
        parts.append(decode_linearly(latent, arguments))
    x = added(parts)
    if arguments["linear_filters"] is not None:
        x = AddVolume(dtype="float32", name=MEAN)(x)
    if arguments["deformation"]:
        moved = decode_displacement(latent, arguments)
        x = Displace3D(dtype="float32", name="displace")([x, moved])
    return keras.Model(latent, x, name="decoder")


def _decode(latent, arguments, features, style):
    *sizes, channels = arguments["input_shape"]
    x = _dense(latent, prod(features), style, style.dtype, "unflatten")
    x = keras.layers.Reshape(features, dtype=style.dtype, name="reshape")(x)
    x = activate(x, style, "unflatten_activation")
    for scale, (filters, strides) in reversed(list(enumerate(_scales(arguments)))):
        name = f"scale{scale}_up"
        kernel = strided_kernel(strides)
        x = deconvolve(x, filters, kernel, strides, style, f"{name}_conv")
        x = normalize_activate_drop(x, style, name)
        for number in range(1, arguments["num_convolutions"]):
            name = f"scale{scale}_{number}"
            x = convolve_normalize_activate(x, filters, (3, 3, 3), ONE, style, name)
    x = voxel_head(x, channels, arguments["head_bias"], style)
    return crop_to(x, sizes, "output")


def _scales(arguments):
    strides = [tuple(s) for s in arguments["strides"]]
    return list(zip(arguments["filters"], strides, strict=True))


def _dense(x, units, style, dtype, name):
    return keras.layers.Dense(
        units,
        use_bias=style.use_bias,
        kernel_initializer=style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype=dtype,
        name=name,
    )(x)
