"""RandomContrast: intensities further from their mean, or closer to it."""

import keras
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomContrast(RandomVolumeLayer):
    """Multiplies the distance of intensities from the mean of their channel.

    Args:
        factor: float, the natural logarithm of what the distance is multiplied by is
            drawn from [-factor, factor]. Defaults to 0.3 (0.74 to 1.35).
        preserve_range: bool, whether the result is cut to the extremes that the
            channel had before. Defaults to True.
        per_channel: bool, whether each channel has its own factor. Defaults to False.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With `factor` 0 it is the identity.

    Raises:
        ValueError: for a negative factor.

    Source:
        Isensee et al., "nnU-Net", Nature Methods 18 (2021), supplementary note 4,
        with factors from 0.65 to 1.5.
    """

    def __init__(
        self,
        factor=0.3,
        preserve_range=True,
        per_channel=False,
        rate=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not factor >= 0:
            raise ValueError(
                f"`factor` must not be negative. Received: factor={factor}."
            )
        self.factor = factor
        self.preserve_range = preserve_range
        self.per_channel = per_channel

    def draw(self, data, seed):
        images = data[IMAGES]
        channels = images.shape[-1] if self.per_channel else 1
        shape = (ops.shape(images)[0], 1, 1, 1, channels)
        drawn = keras.random.uniform(shape, -self.factor, self.factor, seed=seed)
        return {"factor": ops.exp(drawn)}

    def transform_images(self, images, transformation, training=True):
        if transformation is None:
            return images
        axes = (1, 2, 3)
        # In this form a factor of 1 changes nothing at all.
        distance = images - ops.mean(images, axes, keepdims=True)
        result = images + distance * (transformation["factor"] - 1.0)
        if not self.preserve_range:
            return result
        low = ops.min(images, axes, keepdims=True)
        return ops.clip(result, low, ops.max(images, axes, keepdims=True))

    def get_config(self):
        return {
            **super().get_config(),
            "factor": self.factor,
            "preserve_range": self.preserve_range,
            "per_channel": self.per_channel,
        }
