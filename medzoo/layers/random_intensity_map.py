"""RandomIntensityMap: any contrast out of a real scan, the order not kept."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.ranges import range_within
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer

# Knots as shares of the level that stays where it is; beyond the last it is constant.
KNOTS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.4, 2.0)


@keras.saving.register_keras_serializable(package="medzoo")
class RandomIntensityMap(RandomVolumeLayer):
    """Sends intensities through a random piecewise linear map that may fall and rise.

    Fluid may become brighter than white matter, and grey matter brighter or darker than
    both, as in T2, FLAIR and proton density; noise, texture and partial volume of the
    scan stay real. 0 stays 0, and one level keeps its value.

    Args:
        values: two floats, range that the values at the knots are drawn from, as shares
            of `level`. Defaults to (0.1, 1.6).
        level: float, the intensity that keeps its value. Defaults to 1, white matter
            where scans are scaled to it.
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
        values: Sequence[float] = (0.1, 1.6),
        level: float = 1.0,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if not level > 0:
            raise ValueError(f"`level` must be positive. Received: level={level}.")
        self.values = range_within(values, "values")
        self.level = level

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]
        low, high = self.values
        drawn = keras.random.uniform((count, len(KNOTS)), low, high, seed=seed)
        kept = np.array([knot in (0.0, 1.0) for knot in KNOTS])
        return {"values": ops.where(kept, np.array(KNOTS, np.float32), drawn)}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        values = transformation["values"] * self.level
        widths = np.diff(KNOTS).astype(np.float32) * self.level
        slopes = (values[:, 1:] - values[:, :-1]) / widths
        slopes = slopes[:, :, None, None, None, None]
        result = 0.0
        for piece, width in enumerate(widths):
            part = ops.clip(images - KNOTS[piece] * self.level, 0.0, float(width))
            result = result + slopes[:, piece] * part
        return result

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "values": self.values, "level": self.level}
