"""FCN3D: a residual encoder with a classifier on each scale, summed."""

from collections.abc import Sequence
from typing import Any

import keras

from medzoo.layers.convolution_blocks import (
    check_upsampling,
    convolve,
    normalize,
    upsample,
)
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.heads import at_full_size, factors, voxel_head
from medzoo.models.residual_encoder import check_scales, residual_encoder


@keras.saving.register_keras_serializable(package="medzoo")
class FCN3D(VolumeModel):
    """Segments volumes of any size; returns logits for every voxel.

    The encoder of `ResNet3D`; a 1x1x1 convolution scores the classes at the coarsest
    scale, and from coarse to fine the scores are upsampled and the normalised scores
    of the encoder's next finer scale added. Few parameters beside the encoder's: with
    the default arguments and `head_bias=False` it has 1,270,336 trainable ones. A size
    that the strides do not divide is padded with zeros inside and the output cropped
    back; a first stride above 1 is undone by linear interpolation of the logits.

    Args:
        input_shape: four ints or None, `(x, y, z, channels)`. Defaults to
            `(None, None, None, 1)`: any size.
        num_classes: int, background included. Defaults to 2.
        filters: tuple of int, channels at each scale.
        strides: tuple of three ints a scale, the stride on entering it.
        num_units: int, residual units at each scale after the first.
        upsampling: str, "linear" (trilinear, without parameters; the default),
            "transposed" (trained, starts as linear) or "nearest".
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to "relu6".
        use_bias: bool, biases in convolutions. Defaults to False.
        head_bias: bool, a bias in the last convolution. Defaults to True.
        dropout_rate: float in [0, 1), spatial dropout inside the units. Defaults to 0.
        kernel_regularizer: str, Keras object or None; on every convolution.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, x, y, z, num_classes)`, float32 logits.

    Raises:
        ValueError: if `filters` and `strides` differ in length or rank is not 3-D.

    Example:
        >>> model = FCN3D(filters=(16, 32, 64), strides=[(1, 1, 1)] + 2 * [(1, 2, 2)])

    Source:
        Long et al., "Fully Convolutional Networks for Semantic Segmentation" (2015);
        the default topology is that of DLTK's residual_fcn_3d (Pawlowski et al.,
        2017).
    """

    def __init__(
        self,
        input_shape: Any = (None, None, None, 1),
        num_classes: int = 2,
        filters: Sequence[int] = (16, 32, 64, 128),
        strides: Sequence[Sequence[int]] = ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
        num_units: int = 1,
        upsampling: str = "linear",
        normalization: str = "batch",
        activation: str = "relu6",
        use_bias: bool = False,
        head_bias: bool = True,
        dropout_rate: float = 0.0,
        kernel_regularizer: str | None = None,
        recipe: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        counts = {"num_units": num_units, "num_classes": num_classes}
        check_scales(input_shape, filters, strides, **counts)
        check_upsampling(upsampling)
        arguments = {
            "input_shape": input_shape,
            "num_classes": num_classes,
            "filters": filters,
            "strides": strides,
            "num_units": num_units,
            "upsampling": upsampling,
            "normalization": normalization,
            "activation": activation,
            "use_bias": use_bias,
            "head_bias": head_bias,
            "dropout_rate": dropout_rate,
            "kernel_regularizer": kernel_regularizer,
        }
        style = style_of(arguments, kwargs.get("dtype"))
        inputs = keras.Input(tuple(input_shape), dtype="float32", name="images")
        x = PadToMultiple3D(factors(strides)[-1], dtype=style.dtype, name="pad")(inputs)
        scales = residual_encoder(x, filters, strides, num_units, style, (3, 3, 3))
        x = _add_scores(scales, num_classes, strides, upsampling, style)
        logits = voxel_head(x, num_classes, head_bias, style)
        outputs = at_full_size(logits, inputs, tuple(strides[0]))
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _add_scores(scales, num_classes, strides, upsampling, style):
    # The names begin with "head": all of it belongs to the classes.
    x, one = scales[-1], (1, 1, 1)
    for scale in range(len(scales) - 2, -1, -1):
        if x.shape[-1] != num_classes:
            x = convolve(x, num_classes, one, one, style, f"head_scale{scale + 1}")
        x = upsample(x, strides[scale + 1], upsampling, style, f"head_up{scale}")
        skip = convolve(
            scales[scale], num_classes, one, one, style, f"head_scale{scale}"
        )
        skip = normalize(skip, style, f"head_scale{scale}_norm")
        x = keras.layers.Add(dtype=style.dtype, name=f"head_add{scale}")([x, skip])
    return x
