"""Zero-padding of the channel axis, the parameter-free residual shortcut."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="medzoo")
class PadChannels(keras.layers.Layer):
    """Pads the channel axis with zeros on both sides up to `filters`.

    A residual unit that widens adds its input to an output with more channels;
    padding keeps that shortcut free of parameters.

    Args:
        filters: int, channels of the output. Not below the channels of the input.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`.

    Output shape:
        `(batch, x, y, z, filters)`; an odd surplus puts the extra channel last.

    Source:
        He et al., "Deep Residual Learning for Image Recognition" (2016), option A.
    """

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = int(filters)

    def call(self, inputs: Any) -> Any:
        missing = self.filters - inputs.shape[-1]
        before = missing // 2
        return ops.pad(inputs, [[0, 0]] * 4 + [[before, missing - before]])

    def build(self, input_shape: Any) -> None:
        if input_shape[-1] > self.filters:
            raise ValueError(
                "PadChannels can only add channels. "
                f"Received: filters={self.filters}, input_shape={input_shape}."
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}
