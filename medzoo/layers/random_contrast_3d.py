"""RandomContrast3D: intensities further from their mean, or closer to it."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.ranges import factor_range
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomContrast3D(RandomVolumeLayer):
    """Multiplies the distance of intensities from the mean of their channel.

    Args:
        factor: float, or two floats `(lower, upper)`, as of
            `keras.layers.RandomContrast`: the distance is multiplied by a number from
            1 - lower to 1 + upper. Defaults to 0.3 (0.7 to 1.3).
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
        factor: float | Sequence[float] = 0.3,
        preserve_range: bool = True,
        per_channel: bool = False,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self._range = factor_range(factor, "factor")
        self.factor = factor
        self.preserve_range = preserve_range
        self.per_channel = per_channel

    def draw(self, data: Any, seed: Any) -> Any:
        images = data[IMAGES]
        channels = images.shape[-1] if self.per_channel else 1
        shape = (ops.shape(images)[0], 1, 1, 1, channels)
        return {"factor": keras.random.uniform(shape, *self._range, seed=seed)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
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

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "preserve_range": self.preserve_range,
            "per_channel": self.per_channel,
        }
