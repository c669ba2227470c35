"""ResNet3D: the scalable pre-activation residual network for a label or a number."""

from collections.abc import Sequence
from typing import Any

import keras

from medzoo.layers.convolution_blocks import normalize_activate, strided_kernel
from medzoo.models.base import VolumeModel, plain, restored, style_of
from medzoo.models.heads import dense_head
from medzoo.models.residual_encoder import check_scales, residual_encoder

READOUT_NAME = "readout"


@keras.saving.register_keras_serializable(package="medzoo")
class ResNet3D(VolumeModel):
    """Classifies or regresses whole volumes: logits, or values in the target's unit.

    A first convolution, then for every further scale one strided residual unit and
    `num_units - 1` more; normalisation, activation, global average, dense head. With
    the default arguments and `head_bias=False` it has 1,270,352 trainable parameters.

    Args:
        input_shape: four ints or None, `(x, y, z, channels)`. Defaults to
            `(None, None, None, 1)`: any size.
        num_classes: int, outputs of the head; 1 for regression. Defaults to 2.
        filters: tuple of int, channels at each scale.
        strides: tuple of three ints a scale, the stride on entering it.
        num_units: int, residual units at each scale after the first.
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object, used everywhere. Defaults to "relu6".
        use_bias: bool, biases in convolutions. Defaults to False.
        head_bias: bool, a bias in the head. Defaults to True.
        dropout_rate: float in [0, 1), spatial dropout inside the units and dropout
            before the head. Defaults to 0.
        kernel_regularizer: str, Keras object or None; on every convolution and the
            head.
        readout_block: int or None. With a number, a linear readout of the input,
            averaged over blocks of so many voxels along each axis, is added to the
            head's output: what a volume shows at a fixed place counts directly, where
            a global average forgets the place. It starts at zero and needs a fixed
            `input_shape`, divisible by it. Defaults to None: no readout.
        output_scale: float, what the head's output is multiplied by. Defaults to 1.
        output_offset: float, what is added then, in the target's unit. Defaults to 0.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, num_classes)`, float32: logits, or `output_offset + output_scale * h`.

    Raises:
        ValueError: if `filters` and `strides` differ in length or rank is not 3-D.

    Example:
        >>> model = ResNet3D((64, 96, 96, 1), num_classes=1, output_offset=47.0)
        >>> model.compile("adam", "mae")

    Source:
        He et al., "Identity Mappings in Deep Residual Networks" (2016); the default
        topology is that of DLTK's resnet_3d (Pawlowski et al., 2017). The readout:
        Cheng et al., "Wide & Deep Learning for Recommender Systems" (2016).
    """

    def __init__(
        self,
        input_shape: Any = (None, None, None, 1),
        num_classes: int = 2,
        filters: Sequence[int] = (16, 32, 64, 128),
        strides: Sequence[Sequence[int]] = ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
        num_units: int = 1,
        normalization: str = "batch",
        activation: str = "relu6",
        use_bias: bool = False,
        head_bias: bool = True,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        readout_block: int | None = None,
        output_scale: float = 1.0,
        output_offset: float = 0.0,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        counts = {"num_units": num_units, "num_classes": num_classes}
        check_scales(input_shape, filters, strides, **counts)
        _check_readout(input_shape, readout_block)
        arguments = {
            "input_shape": input_shape,
            "num_classes": num_classes,
            "filters": filters,
            "strides": strides,
            "num_units": num_units,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
            "readout_block": readout_block,
            "output_scale": output_scale,
            "output_offset": output_offset,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        x = _body(inputs, filters, strides, num_units, style)
        x = _head(x, num_classes, head_bias, style)
        if readout_block is not None:
            linear = _readout(inputs, readout_block, num_classes, kernel_regularizer)
            x = keras.layers.Add(dtype="float32", name="wide_and_deep")([x, linear])
        # The unit of the target belongs to the network: loss and metrics are in it.
        outputs = keras.layers.Rescaling(
            output_scale, output_offset, dtype="float32", name="output"
        )(x)
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _body(x, filters, strides, num_units, style):
    kernel = strided_kernel(strides[0])
    x = residual_encoder(x, filters, strides, num_units, style, kernel)[-1]
    x = normalize_activate(x, style, "final")
    return keras.layers.GlobalAveragePooling3D(
        dtype=style.dtype, data_format="channels_last", name="features"
    )(x)


def _head(x, num_classes, head_bias, style):
    if style.dropout_rate:
        x = keras.layers.Dropout(
            style.dropout_rate, dtype=style.dtype, name="head_dropout"
        )(x)
    return dense_head(x, num_classes, head_bias, style)


def _readout(inputs, block, num_classes, kernel_regularizer):
    x = keras.layers.AveragePooling3D(
        block, dtype="float32", data_format="channels_last", name="blocks"
    )(inputs)
    x = keras.layers.Flatten(dtype="float32", name="blocks_in_a_row")(x)
    # Else one step of Adam, the same for thousands of weights, would move the answer
    # by years.
    x = keras.layers.Rescaling(
        readout_scale(x.shape[-1]), dtype="float32", name="blocks_scaled"
    )(x)
    return keras.layers.Dense(
        num_classes,
        kernel_initializer="zeros",
        kernel_regularizer=restored(kernel_regularizer),
        dtype="float32",
        name=READOUT_NAME,
    )(x)


def readout_scale(num_means):
    """Returns what the readout multiplies the means of its blocks by."""
    return num_means**-0.5


def _check_readout(input_shape, block):
    if block is None:
        return
    sizes = tuple(input_shape[:3])
    if block < 1 or any(n is None or n % block for n in sizes):
        raise ValueError(
            "`readout_block` must divide a fixed `input_shape`. "
            f"Received: readout_block={block}, input_shape={tuple(input_shape)}."
        )
