"""ScaleChannels: a trained scale and offset a channel."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="medzoo")
class ScaleChannels(keras.layers.Layer):
    """Multiplies each channel by a trained number and adds another one.

    What batch normalisation does, without the statistics of the batch: where an image
    is made, they would take its own brightness and contrast away.

    Args:
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(..., channels)`.

    Output shape:
        As the input; the identity until trained.
    """

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1],)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")
        self.offset = self.add_weight(shape=shape, initializer="zeros", name="offset")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale + self.offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
