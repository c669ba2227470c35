"""AddVolume: a trained volume that is added to every volume of a batch."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="medzoo")
class AddVolume(keras.layers.Layer):
    """Adds one trained volume, zero at first: a bias with an entry a voxel.

    Args:
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)`, all but the batch known.

    Output shape:
        As the input.

    Raises:
        ValueError: if a size is not known.

    Example:
        >>> AddVolume()(np.ones((2, 8, 8, 8, 1))).shape
        (2, 8, 8, 8, 1)
    """

    def build(self, input_shape: Any) -> None:
        if None in input_shape[1:]:
            raise ValueError(
                "A trained volume needs fixed sizes. "
                f"Received: input_shape={input_shape}."
            )
        self.volume = self.add_weight(
            shape=input_shape[1:], initializer="zeros", name="volume"
        )

    def call(self, inputs: Any) -> Any:
        return inputs + self.volume

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
