"""The building blocks that all residual networks of medzoo share.

Each function adds Keras layers to a functional graph and returns its new end, so
that every convolution stays a named, reachable layer of the model.
"""

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import keras

from medzoo.layers.linear_kernel import LinearKernel
from medzoo.layers.linear_upsample_3d import LinearUpsample3D
from medzoo.layers.pad_channels import PadChannels

NORMALIZATIONS = ("batch", "group", "instance", "none")
UPSAMPLINGS = ("linear", "transposed", "nearest")
# Default of the networks that are made for images rather than for labels.
LEAKY_RELU = keras.layers.LeakyReLU(0.1, name="leaky_relu")


@dataclass(frozen=True)
class BlockStyle:
    """What the blocks of one network have in common.

    Args:
        normalization: str, one of "batch" (momentum 0.99, epsilon 1e-3), "group"
            (8 groups, or as many as divide the channels), "instance", "none".
        activation: str or callable, as in `keras.layers.Activation`, or a layer, of
            which every place gets a copy; "prelu" has one slope a place, from 0 on.
        use_bias: bool, whether convolutions have a bias.
        dropout_rate: float in [0, 1), spatial dropout between the two convolutions
            of a residual unit.
        kernel_regularizer: as in `keras.layers.Conv3D`; reaches every convolution.
        dtype: dtype or policy of every layer.
    """

    normalization: str = "batch"
    activation: Any = "relu6"
    use_bias: bool = False
    dropout_rate: float = 0.0
    kernel_regularizer: Any = None
    dtype: Any = None
    initializer: str = field(default="lecun_uniform")

    def __post_init__(self):
        if self.normalization not in NORMALIZATIONS:
            raise ValueError(
                f"`normalization` must be one of {NORMALIZATIONS}. "
                f"Received: normalization={self.normalization!r}."
            )

    def in_float32(self):
        """Returns the same style with layers in float32, for outputs."""
        return replace(self, dtype="float32")


def convolve(x, filters, kernel_size, strides, style, name, padding="same"):
    """Adds one `Conv3D`; `kernel_size` and `strides` per axis."""
    return keras.layers.Conv3D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=style.use_bias,
        kernel_initializer=style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype=style.dtype,
        data_format="channels_last",
        name=name,
    )(x)


def strided_kernel(strides, kernel_size=3):
    """Kernel size per axis: twice the stride where it strides, else `kernel_size`."""
    return tuple(2 * s if s > 1 else kernel_size for s in strides)


def normalize_activate(x, style, name):
    """Adds the normalisation (if any) and the activation that precede a convolution."""
    x = normalize(x, style, f"{name}_norm")
    return activate(x, style, f"{name}_activation")


def convolve_normalize_activate(x, filters, kernel_size, strides, style, name):
    """Adds a convolution and what follows it, in the order of the plain networks."""
    x = convolve(x, filters, kernel_size, strides, style, f"{name}_conv")
    return normalize_activate_drop(x, style, name)


def normalize_activate_drop(x, style, name):
    """Adds normalisation, activation and spatial dropout."""
    x = normalize_activate(x, style, name)
    return drop(x, style, f"{name}_dropout")


def pooling_dtype(style):
    """Returns the dtype of pooling layers: TensorFlow pools no float16 on a CPU."""
    half = keras.dtype_policies.get(style.dtype).compute_dtype == "float16"
    return "float32" if half else style.dtype


def activate(x, style, name):
    """Adds the activation, a layer of its own at every place."""
    activation = style.activation
    if activation == "prelu":
        layer = keras.layers.PReLU(
            shared_axes=(1, 2, 3, 4), dtype=style.dtype, name=name
        )
    elif isinstance(activation, keras.layers.Layer):
        settings = {**activation.get_config(), "name": name, "dtype": style.dtype}
        layer = type(activation).from_config(settings)
    else:
        layer = keras.layers.Activation(activation, dtype=style.dtype, name=name)
    return layer(x)


def drop(x, style, name):
    """Adds the spatial dropout, if the style has any."""
    if not style.dropout_rate:
        return x
    return keras.layers.SpatialDropout3D(
        style.dropout_rate, data_format="channels_last", dtype=style.dtype, name=name
    )(x)


def upsample(x, strides, kind, style, name):
    """Makes every axis longer by its stride, channels as they are.

    Args:
        x: `KerasTensor` of shape `(batch, x, y, z, channels)`.
        strides: three ints.
        kind: str, "linear" (trilinear, exact at the border), "nearest", or
            "transposed" (a trained transposed convolution, which starts as linear
            interpolation).
        style: `BlockStyle`.
        name: str, the layer's name.
    """
    strides = tuple(strides)
    if prod(strides) == 1:
        return x
    if kind == "transposed":
        return upsample_by_convolution(x, strides, style, name)
    if kind == "linear":
        return LinearUpsample3D(strides, dtype=style.dtype, name=name)(x)
    return keras.layers.UpSampling3D(
        strides, data_format="channels_last", dtype=style.dtype, name=name
    )(x)


def upsample_by_convolution(x, strides, style, name):
    """Adds a transposed convolution that starts as linear interpolation."""
    kernel = strided_kernel(strides, kernel_size=1)
    initializer = LinearKernel(strides)
    return deconvolve(x, x.shape[-1], kernel, strides, style, name, initializer)


def deconvolve(x, filters, kernel_size, strides, style, name, initializer=None):
    """Adds one `Conv3DTranspose` with same padding: sizes times `strides`."""
    return keras.layers.Conv3DTranspose(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=style.use_bias,
        kernel_initializer=initializer or style.initializer,
        kernel_regularizer=style.kernel_regularizer,
        dtype=style.dtype,
        data_format="channels_last",
        name=name,
    )(x)


def check_upsampling(kind):
    """Raises ValueError unless `kind` is a known upsampling."""
    if kind not in UPSAMPLINGS:
        raise ValueError(
            f"`upsampling` must be one of {UPSAMPLINGS}. Received: upsampling={kind!r}."
        )


def residual_unit(x, filters, strides, style, name, *, narrowing=(3, 3, 3), last=None):
    """Adds one full pre-activation residual unit.

    Twice normalise, activate, convolve; the first convolution strides. The shortcut
    is the raw input: max-pooled by the stride, then padded with zero channels where
    the unit widens, or convolved where it narrows.

    Args:
        x: `KerasTensor` of shape `(batch, x, y, z, channels)`.
        filters: int, channels of the output.
        strides: three ints.
        style: `BlockStyle`.
        name: str, prefix of the names of its layers.
        narrowing: three ints, kernel of the shortcut where the unit narrows.
        last: initializer of the second convolution; None for that of the style.

    Returns:
        `KerasTensor` of shape `(batch, ceil(x / sx), ceil(y / sy), ceil(z / sz),
        filters)`.

    Source:
        He et al., "Identity Mappings in Deep Residual Networks" (2016).
    """
    shortcut = x
    x = normalize_activate(x, style, f"{name}_1")
    kernel = strided_kernel(strides)
    x = convolve(x, filters, kernel, strides, style, f"{name}_1_conv")
    x = normalize_activate(x, style, f"{name}_2")
    x = drop(x, style, f"{name}_dropout")
    last = replace(style, initializer=last or style.initializer)
    x = convolve(x, filters, (3, 3, 3), (1, 1, 1), last, f"{name}_2_conv")
    shortcut = _match(shortcut, filters, strides, style, name, narrowing)
    return keras.layers.Add(dtype=style.dtype, name=f"{name}_add")([x, shortcut])


def joining_unit(fine, coarse, filters, style, name):
    """Adds one residual unit of two inputs, of which the second is smooth.

    It is `residual_unit` of both concatenated, but only `fine` is seen with neighbours:
    every other convolution of the inputs is one of 1 x 1 x 1. Sums of convolutions
    stand for those of what is concatenated.

    Args:
        fine: `KerasTensor` of shape `(batch, x, y, z, channels)`.
        coarse: likewise, of the same size, such as what was upsampled.
        filters: int, channels of the output.
        style: `BlockStyle`.
        name: str, prefix of the names of its layers.

    Returns:
        `KerasTensor` of shape `(batch, x, y, z, filters)`.
    """
    first, shortcuts = [], []
    for part, x, kernel in (("fine", fine, 3), ("coarse", coarse, 1)):
        y = normalize_activate(x, style, f"{name}_1_{part}")
        kernel = (kernel,) * 3
        y = convolve(y, filters, kernel, (1, 1, 1), style, f"{name}_1_{part}_conv")
        first.append(y)
        shortcut_name = f"{name}_shortcut_{part}_conv"
        y = convolve(x, filters, (1, 1, 1), (1, 1, 1), style, shortcut_name)
        shortcuts.append(y)
    x = keras.layers.Add(dtype=style.dtype, name=f"{name}_1_sum")(first)
    x = normalize_activate(x, style, f"{name}_2")
    x = drop(x, style, f"{name}_dropout")
    x = convolve(x, filters, (3, 3, 3), (1, 1, 1), style, f"{name}_2_conv")
    add = keras.layers.Add(dtype=style.dtype, name=f"{name}_add")
    return add([x, *shortcuts])


def _match(shortcut, filters, strides, style, name, narrowing):
    if prod(strides) > 1:
        # "same" rounds up as the strided convolution does, so any size fits.
        shortcut = keras.layers.MaxPooling3D(
            strides,
            strides,
            padding="same",
            dtype=pooling_dtype(style),
            data_format="channels_last",
            name=f"{name}_pool",
        )(shortcut)
    channels = shortcut.shape[-1]
    if channels < filters:
        return PadChannels(filters, dtype=style.dtype, name=f"{name}_pad")(shortcut)
    if channels > filters:
        return convolve(
            shortcut, filters, narrowing, (1, 1, 1), style, f"{name}_shortcut_conv"
        )
    return shortcut


def normalize(x, style, name):
    """Adds the normalisation that the style asks for, if any."""
    if style.normalization == "none":
        return x
    if style.normalization == "batch":
        return keras.layers.BatchNormalization(
            momentum=0.99, epsilon=1e-3, dtype=style.dtype, name=name
        )(x)
    channels = x.shape[-1]
    groups = channels
    if style.normalization == "group":
        groups = next(g for g in range(min(8, channels), 0, -1) if channels % g == 0)
    return keras.layers.GroupNormalization(
        groups, epsilon=1e-5, dtype=style.dtype, name=name
    )(x)
