"""ConvolutionalAutoencoder3D: a volume through a vector and back."""

from math import prod

import keras

from medzoo.layers.convolution_blocks import (
    activate,
    convolve_normalize_activate,
    deconvolve,
    normalize_activate_drop,
    strided_kernel,
)
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.heads import factors, voxel_head
from medzoo.models.residual_encoder import check_input_shape, check_scales

ONE = (1, 1, 1)


@keras.saving.register_keras_serializable(package="medzoo")
class ConvolutionalAutoencoder3D(VolumeModel):
    """Gives a volume back after passing it through a vector of `latent_dim` numbers.

    Encoder: at every scale `num_convolutions` convolutions, the last one strided, each
    followed by normalisation and activation; a dense layer. Decoder: a dense layer
    with activation, then the mirrored transposed convolutions and convolutions, and a
    linear 1x1x1 convolution to the input's channels. A size that the strides do not
    divide is padded with zeros inside and the output cropped back.

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
            layer.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        As the input, float32. Of `encoder`: `(batch, latent_dim)`, float32.

    Raises:
        ValueError: if a size is None, or `filters` and `strides` differ in length.

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
        input_shape,
        latent_dim=128,
        filters=(16, 32, 64),
        strides=((2, 2, 2), (2, 2, 2), (2, 2, 2)),
        num_convolutions=1,
        normalization="batch",
        activation="relu6",
        use_bias=False,
        head_bias=False,
        dropout_rate=0.0,
        kernel_regularizer=None,
        recipe=None,
        **kwargs,
    ):
        counts = {"num_convolutions": num_convolutions, "latent_dim": latent_dim}
        check_scales(input_shape, filters, strides, **counts)
        check_input_shape(input_shape, fixed=True)
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
        }
        style = style_of(arguments, kwargs.get("dtype"))
        # Two models within this one: each is a Keras model on the weights of this one,
        # and none of them is tracked twice.
        encoder = _encoder(arguments, style)
        decoder = _decoder(arguments, encoder.get_layer("flatten").input.shape, style)
        inputs = keras.Input(tuple(input_shape), name="images")
        outputs = decoder(encoder(inputs))
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)

    @property
    def encoder(self):
        """Images to vectors, a `keras.Model` that shares this one's weights."""
        return self.get_layer("encoder")

    @property
    def decoder(self):
        """Vectors to images, a `keras.Model` that shares this one's weights."""
        return self.get_layer("decoder")


def _encoder(arguments, style):
    inputs = keras.Input(tuple(arguments["input_shape"]), name="images")
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
    latent = _dense(x, arguments["latent_dim"], style, "float32", "latent")
    return keras.Model(inputs, latent, name="encoder")


def _decoder(arguments, features, style):
    *sizes, channels = arguments["input_shape"]
    inputs = keras.Input((arguments["latent_dim"],), name="latent")
    x = _dense(inputs, prod(features[1:]), style, style.dtype, "unflatten")
    x = keras.layers.Reshape(features[1:], dtype=style.dtype, name="reshape")(x)
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
    surplus = [n - m for n, m in zip(x.shape[1:4], sizes, strict=True)]
    outputs = keras.layers.Cropping3D(
        [(n // 2, n - n // 2) for n in surplus],
        dtype="float32",
        data_format="channels_last",
        name="output",
    )(x)
    return keras.Model(inputs, outputs, name="decoder")


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
