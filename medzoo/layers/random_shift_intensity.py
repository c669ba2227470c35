"""RandomShiftIntensity: another level of intensities."""

from typing import Any

import keras
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomShiftIntensity(RandomVolumeLayer):
    """Adds one normally distributed number to all intensities of a volume.

    Args:
        stddev: float, standard deviation of what is added, in the unit of the
            images. Defaults to 0.1, made for images of unit variance.
        per_channel: bool, whether each channel has its own number. Defaults to False.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With `stddev` 0 it is the identity.

    Raises:
        ValueError: for a negative stddev.
    """

    def __init__(
        self,
        stddev: float = 0.1,
        per_channel: bool = False,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not stddev >= 0:
            raise ValueError(
                f"`stddev` must not be negative. Received: stddev={stddev}."
            )
        self.stddev = stddev
        self.per_channel = per_channel

    def draw(self, data: Any, seed: Any) -> Any:
        images = data[IMAGES]
        channels = images.shape[-1] if self.per_channel else 1
        shape = (ops.shape(images)[0], 1, 1, 1, channels)
        return {"offset": self.stddev * keras.random.normal(shape, seed=seed)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        return images + transformation["offset"]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "stddev": self.stddev,
            "per_channel": self.per_channel,
        }
