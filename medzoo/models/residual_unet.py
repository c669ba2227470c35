"""ResidualUNet3D: residual encoder and decoder joined by skip connections."""

from collections.abc import Sequence
from typing import Any

import keras

from medzoo.layers.convolution_blocks import (
    LEAKY_RELU,
    check_upsampling,
    joining_unit,
    residual_unit,
    strided_kernel,
    upsample,
)
from medzoo.layers.pad_to_multiple_3d import PadToMultiple3D
from medzoo.models.base import VolumeModel, plain, style_of
from medzoo.models.deep_supervision import DeepSupervision
from medzoo.models.heads import at_full_size, factors, sub_voxel_head, voxel_head
from medzoo.models.residual_encoder import check_scales, residual_encoder

HEAD_UPSAMPLINGS = ("linear", "sub_voxel")
# No name that Keras has for a function: an .h5 file would give that instead.
JOININGS = ("concatenated", "summed")


@keras.saving.register_keras_serializable(package="medzoo")
class ResidualUNet3D(DeepSupervision, VolumeModel):
    """Segments volumes of any size; returns logits for every voxel.

    The encoder of `ResNet3D`; then at every scale, from coarse to fine: upsampling,
    concatenation with the encoder's features, one residual unit (`num_units` in the
    symmetric form). With the default arguments and `head_bias=False` it has 2,286,832
    trainable parameters. A size that the strides do not divide is padded with zeros
    inside and the output cropped back. A first stride above 1 makes the network that
    much cheaper; `head_upsampling` says how the logits come back to full size.

    Args:
        input_shape: four ints or None, `(x, y, z, channels)`. Defaults to
            `(None, None, None, 1)`: any size.
        num_classes: int, background included. Defaults to 2.
        filters: tuple of int, channels at each scale.
        strides: tuple of three ints a scale, the stride on entering it; 1 along an
            axis with thick slices keeps it.
        num_units: int, residual units at each scale after the first.
        symmetric: bool, as many units in the decoder as in the encoder; False for one
            at each scale. Defaults to True.
        joining: str, or a sequence with one a decoder scale, the finest first: how its
            first unit joins the encoder's features with the upsampled ones.
            "concatenated" (the default), or "summed": convolutions of either are added,
            and upsampled features and shortcuts have kernels of 1. At the finest scale
            that is a third of the operations of `mrbrains_tissue_unet`.
        upsampling: str, "linear" (trilinear, without parameters; the default),
            "transposed" (trained, starts as linear) or "nearest".
        head_upsampling: str, how a first stride above 1 is undone: "linear", logits are
            interpolated (the default), or "sub_voxel", a convolution gives the logits
            of every small voxel, which loses nothing of what the strided first
            convolution (twice as wide as its stride then) has seen.
        head_kernel_size: int, of that convolution. 1 makes it 27 times cheaper, which
            many classes ask for. Defaults to 3.
        deep_supervision: bool, one output from each decoder scale. Defaults to False.
        normalization: "batch", "group", "instance" or "none".
        activation: str or Keras object. Defaults to a leaky ReLU of slope 0.1.
        use_bias: bool, biases in convolutions. Defaults to False.
        head_bias: bool, a bias in the last convolution. Defaults to True.
        dropout_rate: float in [0, 1), spatial dropout inside the units. Defaults to 0.
        kernel_regularizer: str, Keras object or None; on every convolution.
        recipe: dict or None, a recipe.json's content.
        **kwargs: `name`, `trainable`, `dtype`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, x, y, z, num_classes)`, float32 logits. With `deep_supervision` a list
        of `len(filters) - 1` such tensors, all of the input's size: output 0 is the
        network's prediction, each further one comes from the next coarser scale and is
        interpolated. `fit(x, y)` compares them all with the same `y` (a list of one
        `y` an output works too) and `loss_weights` takes one number an output;
        metrics look at output 0 alone.

    Raises:
        ValueError: if `filters` and `strides` differ in length or rank is not 3-D.

    Example:
        >>> model = ResidualUNet3D(num_classes=4, deep_supervision=True)
        >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> model.compile("adam", loss, loss_weights=[1.0, 0.5, 0.25])
        >>> logits = model.predict(images)[0]

    Source:
        Ronneberger et al., "U-Net" (2015); He et al., "Identity Mappings in Deep
        Residual Networks" (2016); Lee et al., "Deeply-Supervised Nets" (2015); Shi et
        al., "Efficient Sub-Pixel Convolutional Neural Network" (2016). The
        default topology is that of DLTK's residual_unet_3d (Pawlowski et al., 2017),
        `symmetric=False` that of its asymmetric_residual_unet_3d.
    """

    def __init__(
        self,
        input_shape: Any = (None, None, None, 1),
        num_classes: int = 2,
        filters: Sequence[int] = (16, 32, 64, 128),
        strides: Sequence[Sequence[int]] = ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2)),
        num_units: int = 1,
        symmetric: bool = True,
        joining: str | Sequence[str] = "concatenated",
        upsampling: str = "linear",
        head_upsampling: str = "linear",
        head_kernel_size: int = 3,
        deep_supervision: bool = False,
        normalization: str = "batch",
        activation: str = LEAKY_RELU,
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
        sub_voxel = _is_sub_voxel(head_upsampling)
        arguments = {
            "input_shape": input_shape,
            "num_classes": num_classes,
            "filters": filters,
            "strides": strides,
            "num_units": num_units,
            "symmetric": symmetric,
            "joining": joining,
            "upsampling": upsampling,
            "head_upsampling": head_upsampling,
            "head_kernel_size": head_kernel_size,
            "deep_supervision": deep_supervision,
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
        stem = strided_kernel(strides[0]) if sub_voxel else (3, 3, 3)
        scales = residual_encoder(x, filters, strides, num_units, style, stem)
        scales = _decode(scales, arguments, style)
        outputs = [
            _output(x, scale, inputs, arguments, style)
            for scale, x in enumerate(scales if deep_supervision else scales[:1])
        ]
        outputs = outputs if deep_supervision else outputs[0]
        super().__init__(inputs, outputs, plain(arguments), recipe, **kwargs)


def _output(x, scale, inputs, arguments, style):
    """Adds the logits of a decoder scale, 0 the finest, at the input's size."""
    suffix = f"_scale{scale}" if scale else ""
    factor = factors(arguments["strides"])[scale]
    classes, bias = arguments["num_classes"], arguments["head_bias"]
    if scale == 0 and _is_sub_voxel(arguments["head_upsampling"]):
        kernel_size = arguments["head_kernel_size"]
        logits = sub_voxel_head(x, classes, factor, bias, style, kernel_size)
        factor = (1, 1, 1)
    else:
        logits = voxel_head(x, classes, bias, style, f"head{suffix}")
    return at_full_size(logits, inputs, factor, f"output{suffix}")


def _is_sub_voxel(kind):
    if kind not in HEAD_UPSAMPLINGS:
        raise ValueError(
            f"`head_upsampling` must be one of {HEAD_UPSAMPLINGS}. "
            f"Received: head_upsampling={kind!r}."
        )
    return kind == "sub_voxel"


def _decode(scales, arguments, style):
    """Returns the end of every decoder scale, the finest first."""
    upsampling = arguments["upsampling"]
    num_units = arguments["num_units"] if arguments["symmetric"] else 1
    joinings = _joinings(arguments["joining"], len(scales) - 1)
    x = scales[-1]
    decoded = []
    for scale in range(len(scales) - 2, -1, -1):
        name = f"decoder{scale}"
        strides = arguments["strides"][scale + 1]
        x = upsample(x, strides, upsampling, style, f"{name}_up")
        filters = scales[scale].shape[-1]
        x = _joined(scales[scale], x, joinings[scale], style, name)
        for unit in range(1, num_units):
            x = residual_unit(x, filters, (1, 1, 1), style, f"{name}_unit{unit + 1}")
        decoded.insert(0, x)
    return decoded or scales


def _joined(fine, coarse, joining, style, name):
    """The first unit of a decoder scale."""
    filters = fine.shape[-1]
    if joining == "summed":
        return joining_unit(fine, coarse, filters, style, f"{name}_unit1")
    concatenate = keras.layers.Concatenate(dtype=style.dtype, name=f"{name}_concat")
    x = concatenate([fine, coarse])
    return residual_unit(x, filters, (1, 1, 1), style, f"{name}_unit1")


def _joinings(given, count):
    """One of `JOININGS` for each decoder scale, of one for all or of one each."""
    each = list(given) if isinstance(given, (list, tuple)) else [given] * count
    if len(each) != count or any(kind not in JOININGS for kind in each):
        raise ValueError(
            f"`joining` must be one of {JOININGS}, or one for each of {count} decoder "
            f"scales. Received: joining={given!r}."
        )
    return each
