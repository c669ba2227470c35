"""ZScore: zero mean and unit deviation a volume and channel."""

import keras
from keras import ops

from medzoo.layers.volume_layer import VolumeLayer

REGIONS = ("whole", "foreground", "above_mean")


@keras.saving.register_keras_serializable(package="medzoo")
class ZScore(VolumeLayer):
    """Subtracts the mean and divides by the deviation, each volume and channel apart.

    Args:
        region: str, the voxels that mean and deviation are taken over: "whole"
            (all; the default), "foreground" (those that are not 0), "above_mean"
            (those brighter than the mean of all: in a T1 of a head mostly brain,
            with or without skull and however much background there is).
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, float32. A constant volume becomes zeros.

    Example:
        >>> ZScore(region="above_mean")(volume)
    """

    def __init__(self, region="whole", **kwargs):
        super().__init__(**kwargs)
        if region not in REGIONS:
            raise ValueError(
                f"`region` must be one of {REGIONS}. Received: region={region!r}."
            )
        self.region = region

    def transform_images(self, images, transformation, training=True):
        images = ops.cast(images, "float32")
        axes = (1, 2, 3)
        inside = self._inside(images, axes)
        count = ops.maximum(ops.sum(inside, axes, keepdims=True), 1.0)
        mean = ops.sum(images * inside, axes, keepdims=True) / count
        centred = images - mean
        variance = ops.sum(ops.square(centred) * inside, axes, keepdims=True) / count
        # Below this a deviation is rounding: dividing would amplify it.
        tiny = 1e-6 * ops.maximum(ops.abs(mean), 1e-30)
        deviation = ops.sqrt(variance)
        varies = deviation > tiny
        return ops.where(varies, centred / ops.where(varies, deviation, 1.0), 0.0)

    def _inside(self, images, axes):
        if self.region == "foreground":
            return ops.cast(images != 0, "float32")
        if self.region == "above_mean":
            return ops.cast(images > ops.mean(images, axes, keepdims=True), "float32")
        return ops.ones_like(images)

    def get_config(self):
        return {**super().get_config(), "region": self.region}
