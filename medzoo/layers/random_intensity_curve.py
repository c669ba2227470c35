"""RandomIntensityCurve: another contrast, the order of intensities kept."""

from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer

# Knots as shares of the level that stays where it is; the last one is open-ended.
KNOTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 2.5)


@keras.saving.register_keras_serializable(package="medzoo")
class RandomIntensityCurve(RandomVolumeLayer):
    """Sends intensities through a random increasing, piecewise linear curve.

    Scanners and sequences differ in how far grey matter, white matter and fluid lie
    apart; their order stays. One level keeps its value, and so does 0.

    Args:
        strength: float, the natural logarithm of the slope of each of the six pieces
            is drawn from [-strength, strength]. Defaults to 0.7.
        level: float or None, the intensity that keeps its value. Defaults to None: the
            mean of the voxels brighter than the volume's mean (mostly brain in a T1).
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input.
    """

    def __init__(
        self,
        strength: float = 0.7,
        level: float | None = None,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if level is not None and not level > 0:
            raise ValueError(f"`level` must be positive. Received: level={level}.")
        self.strength = strength
        self.level = level

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]
        shape = (count, len(KNOTS) - 1)
        drawn = keras.random.uniform(shape, -self.strength, self.strength, seed=seed)
        return {"slopes": ops.exp(drawn)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        slopes = transformation["slopes"]
        widths = np.diff(KNOTS).astype(np.float32)
        # The curve's own value at the level that is to stay.
        kept = ops.sum((slopes * widths)[:, : KNOTS.index(1.0)], 1, keepdims=True)
        slopes = (slopes / kept)[:, :, None, None, None, None]
        level = _bright_mean(images) if self.level is None else self.level
        # Below 0 and above the last knot the outer pieces go on.
        result = slopes[:, 0] * ops.minimum(images, level * KNOTS[1])
        for piece in range(1, len(KNOTS) - 1):
            low = level * KNOTS[piece]
            part = ops.maximum(images - low, 0.0)
            if piece < len(KNOTS) - 2:
                part = ops.minimum(part, level * float(widths[piece]))
            result = result + slopes[:, piece] * part
        return result

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "strength": self.strength,
            "level": self.level,
        }


def _bright_mean(images):
    axes = (1, 2, 3)
    bright = ops.cast(images > ops.mean(images, axes, keepdims=True), images.dtype)
    count = ops.maximum(ops.sum(bright, axes, keepdims=True), 1.0)
    return ops.maximum(ops.sum(images * bright, axes, keepdims=True) / count, 1e-6)
