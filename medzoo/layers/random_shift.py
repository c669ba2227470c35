"""RandomShift: another level of intensities."""

import keras
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomShift(RandomVolumeLayer):
    """Adds one normally distributed number to all intensities of a channel.

    Args:
        deviation: float, standard deviation of what is added, in the unit of the
            images. Defaults to 0.1, made for images of unit deviation.
        per_channel: bool, whether each channel has its own number. Defaults to True.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With `deviation` 0 it is the identity.

    Raises:
        ValueError: for a negative deviation.
    """

    def __init__(self, deviation=0.1, per_channel=True, rate=1.0, seed=None, **kwargs):
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not deviation >= 0:
            raise ValueError(
                f"`deviation` must not be negative. Received: deviation={deviation}."
            )
        self.deviation = deviation
        self.per_channel = per_channel

    def draw(self, data, seed):
        images = data[IMAGES]
        channels = images.shape[-1] if self.per_channel else 1
        shape = (ops.shape(images)[0], 1, 1, 1, channels)
        return {"offset": self.deviation * keras.random.normal(shape, seed=seed)}

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        return images + transformation["offset"]

    def get_config(self):
        return {
            **super().get_config(),
            "deviation": self.deviation,
            "per_channel": self.per_channel,
        }
