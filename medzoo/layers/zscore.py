"""ZScore: zero mean and unit deviation a volume and channel."""

from typing import Any

import keras
from keras import ops

from medzoo.layers.region import SPATIAL_AXES, check_region, draw_mask, inside_region
from medzoo.layers.volume_layer import VolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class ZScore(VolumeLayer):
    """Subtracts mean, divides by deviation, separately for each volume and channel.

    Args:
        region: str, the voxels that mean and deviation are taken over: "whole"
            (all; the default), "foreground" (those that are not 0), "above_mean"
            (those brighter than the mean of all: in a T1 of a head mostly brain,
            with or without skull and however much background there is), "mask"
            (those where the entry "segmentation_masks", or else "weights", is above
            0; a volume without any is taken as a whole).
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, float32. A constant volume becomes zeros.

    Raises:
        ValueError: for an unknown region, or "mask" without an entry to take it from.

    Example:
        >>> ZScore(region="above_mean")(volume)
        >>> ZScore(region="mask")({"images": volume, "segmentation_masks": brain})
    """

    def __init__(self, region: str = "whole", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_region(region)
        self.region = region

    def get_random_transformation(
        self, data: Any, training: bool | None = True, seed: Any = None
    ) -> Any:
        return draw_mask(self.region, data, type(self).__name__)

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        images = ops.cast(images, "float32")
        if self.region == "whole":
            mean = ops.mean(images, SPATIAL_AXES, keepdims=True)
            centred = images - mean
            variance = ops.mean(ops.square(centred), SPATIAL_AXES, keepdims=True)
        else:
            inside = inside_region(images, self.region, transformation)
            inside = ops.cast(inside, "float32")
            count = ops.maximum(_sum(inside), 1.0)
            mean = _sum(images * inside) / count
            centred = images - mean
            variance = _sum(ops.square(centred) * inside) / count
        # Below this a deviation is rounding: dividing would amplify it.
        tiny = 1e-6 * ops.maximum(ops.abs(mean), 1e-30)
        deviation = ops.sqrt(variance)
        varies = deviation > tiny
        return centred * ops.where(varies, 1 / ops.where(varies, deviation, 1.0), 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "region": self.region}


def _sum(values):
    return ops.sum(values, SPATIAL_AXES, keepdims=True)
