"""RescaleIntensity: a linear map of intensities onto a range."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.volume_layer import VolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RescaleIntensity(VolumeLayer):
    """Maps two percentiles of a volume, or two given values, onto a range.

    Percentiles are taken of each volume and channel apart.

    Args:
        out_range: two floats, what the percentiles become. Defaults to (0, 1).
        percentiles: two floats in [0, 100]. Defaults to (0, 100).
        clip: bool, whether values beyond are cut to the range. Defaults to True.
        in_range: two floats or None, the values that become the ends of the range,
            alike for all volumes and instead of percentiles (CT). Defaults to None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, float32. A constant volume becomes the lower end of the range,
        unless `in_range` is given.

    Raises:
        ValueError: for percentiles or an `in_range` that do not ascend, or for both,
            or an `out_range` that is not two different finite numbers.
    """

    def __init__(
        self,
        out_range: Sequence[float] = (0.0, 1.0),
        percentiles: Sequence[float] = (0, 100),
        clip: bool = True,
        in_range: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        low, high = _two_numbers("percentiles", percentiles)
        if not 0 <= low < high <= 100:
            raise ValueError(
                "`percentiles` must ascend within [0, 100]. "
                f"Received: percentiles={percentiles}."
            )
        if in_range is not None:
            if not in_range[0] < in_range[1] or (low, high) != (0, 100):
                raise ValueError(
                    "`in_range` must ascend, and leaves no room for `percentiles`. "
                    f"Received: in_range={in_range}, percentiles={percentiles}."
                )
            in_range = tuple(float(value) for value in in_range)
        start, end = _two_numbers("out_range", out_range)
        if not start != end:
            raise ValueError(
                f"The ends of `out_range` must differ. Received: out_range={out_range}."
            )
        self.out_range = tuple(out_range)
        self.percentiles = tuple(percentiles)
        self.clip = clip
        self.in_range = in_range

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        images = ops.cast(images, "float32")
        if self.in_range is None:
            low, high = (self._percentile(images, p) for p in self.percentiles)
        else:
            low, high = (ops.full((1, 1, 1, 1, 1), end) for end in self.in_range)
        span = high - low
        varies = span > 0
        share = (images - low) / ops.where(varies, span, 1.0)
        share = ops.where(varies, share, 0.0)
        if self.clip:
            share = ops.clip(share, 0.0, 1.0)
        start, end = self.out_range
        return start + share * (end - start)

    def _percentile(self, images, percentile):
        if percentile == 0:
            return ops.min(images, (1, 2, 3), keepdims=True)
        if percentile == 100:
            return ops.max(images, (1, 2, 3), keepdims=True)
        shape = ops.shape(images)
        flat = ops.reshape(images, (shape[0], -1, shape[-1]))
        value = ops.quantile(flat, percentile / 100, axis=1)
        return ops.reshape(value, (shape[0], 1, 1, 1, shape[-1]))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "out_range": self.out_range,
            "percentiles": self.percentiles,
            "clip": self.clip,
            "in_range": self.in_range,
        }


def _two_numbers(name, given):
    try:
        first, second = (float(value) for value in given)
    except (TypeError, ValueError):
        first = second = math.nan
    if not (math.isfinite(first) and math.isfinite(second)):
        raise ValueError(
            f"`{name}` must be two finite numbers. Received: {name}={given!r}."
        )
    return first, second
