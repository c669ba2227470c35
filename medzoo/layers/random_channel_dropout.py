"""RandomChannelDropout: scans with sequences missing."""

from typing import Any

import keras
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomChannelDropout(RandomVolumeLayer):
    """Sets whole channels to a value, and leaves at least one of each volume.

    Unlike `keras.layers.SpatialDropout3D` nothing is scaled, so that a channel that
    was dropped looks like a sequence that was not scanned.

    Args:
        probability: float in [0, 1], of each channel to be dropped; where all would
            be, one chosen at random stays. Defaults to 0.25.
        value: float, what is in a dropped channel. Defaults to 0.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. One channel alone is always left as it is.

    Raises:
        ValueError: for a probability outside [0, 1].
    """

    def __init__(
        self,
        probability: float = 0.25,
        value: float = 0.0,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not 0 <= probability <= 1:
            raise ValueError(
                "`probability` must lie in [0, 1]. "
                f"Received: probability={probability}."
            )
        self.probability = probability
        self.value = value

    def draw(self, data: Any, seed: Any) -> Any:
        images = data[IMAGES]
        shape = (ops.shape(images)[0], images.shape[-1])
        drawn = keras.random.uniform(shape, seed=seed)
        largest = ops.max(drawn, -1, keepdims=True)
        # The channel with the largest number is the last to go, and never goes.
        return {
            "dropped": ops.logical_and(drawn < self.probability, drawn < largest),
        }

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        dropped = ops.convert_to_tensor(transformation["dropped"])
        return ops.where(dropped[:, None, None, None], float(self.value), images)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "probability": self.probability,
            "value": self.value,
        }
