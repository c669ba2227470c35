"""The building blocks that all residual networks of medzoo share.

Each function adds Keras layers to a functional graph and returns its new end, so
that every convolution stays a named, reachable layer of the model.
"""

from dataclasses import dataclass, field
from math import prod
from typing import Any

import keras

from medzoo.layers.pad_channels import PadChannels

NORMALIZATIONS = ("batch", "group", "instance", "none")


@dataclass(frozen=True)
class BlockStyle:
    """What the blocks of one network have in common.

    Args:
        normalization: str, one of "batch" (momentum 0.99, epsilon 1e-3), "group"
            (8 groups, or as many as divide the channels), "instance", "none".
        activation: str or callable, as in `keras.layers.Activation`.
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


def convolve(x, filters, kernel_size, strides, style, name):
    """Adds one `Conv3D` with same padding; `kernel_size` per axis."""
    return keras.layers.Conv3D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
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
    x = _normalize(x, style, f"{name}_norm")
    return keras.layers.Activation(
        style.activation, dtype=style.dtype, name=f"{name}_activation"
    )(x)


def residual_unit(x, filters, strides, style, name):
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
    if style.dropout_rate:
        x = keras.layers.SpatialDropout3D(
            style.dropout_rate, dtype=style.dtype, name=f"{name}_dropout"
        )(x)
    x = convolve(x, filters, (3, 3, 3), (1, 1, 1), style, f"{name}_2_conv")
    shortcut = _match(shortcut, filters, strides, style, name)
    return keras.layers.Add(dtype=style.dtype, name=f"{name}_add")([x, shortcut])


def _match(shortcut, filters, strides, style, name):
    if prod(strides) > 1:
        # "same" rounds up as the strided convolution does, so any size fits.
        shortcut = keras.layers.MaxPooling3D(
            strides,
            strides,
            padding="same",
            dtype=style.dtype,
            data_format="channels_last",
            name=f"{name}_pool",
        )(shortcut)
    channels = shortcut.shape[-1]
    if channels < filters:
        return PadChannels(filters, dtype=style.dtype, name=f"{name}_pad")(shortcut)
    if channels > filters:
        return convolve(
            shortcut, filters, (3, 3, 3), (1, 1, 1), style, f"{name}_shortcut_conv"
        )
    return shortcut


def _normalize(x, style, name):
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
