"""MarkChannels: which channels of an image are there."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="medzoo")
class MarkChannels(keras.layers.Layer):
    """Appends one channel for each of an image: 1 where that one is there, else 0.

    A channel that is 0 in the whole volume counts as missing. So a network that takes
    any subset of several scans is told which it got, and need not guess from a window
    whether a dark place is air or a scan that was never made.

    Args:
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`, whole volumes.

    Output shape:
        `(batch, x, y, z, 2 * channels)`.

    Example:
        >>> MarkChannels()(volume).shape
        (1, 160, 192, 160, 6)
    """

    def call(self, inputs: Any) -> Any:
        present = ops.any(ops.not_equal(inputs, 0), axis=(1, 2, 3), keepdims=True)
        marks = ops.broadcast_to(ops.cast(present, inputs.dtype), ops.shape(inputs))
        return ops.concatenate([inputs, marks], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], 2 * input_shape[-1])
