"""What layers share that resample volumes at moved voxel indices."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer
from medzoo.layers.warp import INTERPOLATIONS, warp

COORDINATES = "coordinates"


class RandomWarp(RandomVolumeLayer):
    """Base of layers that resample each volume at randomly moved voxel indices.

    Images by `interpolation`, label maps and weights by nearest neighbour, all at the
    same indices. Subclasses write `draw` and `coordinates`.

    Args:
        background: float, value of images outside; label maps and weights are 0
            there. Defaults to 0.
        interpolation: "linear" or "nearest", for images. Defaults to "linear".
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Raises:
        ValueError: for another interpolation.
    """

    needs_images = False

    def __init__(
        self,
        background: float = 0.0,
        interpolation: str = "linear",
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"`interpolation` must be one of {INTERPOLATIONS}. "
                f"Received: interpolation={interpolation!r}."
            )
        self.background = background
        self.interpolation = interpolation

    def coordinates(self, transformation: dict[str, Any], sizes: Sequence[int]) -> Any:
        """Returns where each voxel of the result is taken from.

        Args:
            transformation: dict, what `draw` returned.
            sizes: three ints or scalar tensors, of the volumes.

        Returns:
            Three float32 tensors `(batch, x, y, z)`, voxel indices along the axes.
        """
        raise NotImplementedError

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self._resample(
            images, transformation, self.interpolation, self.background
        )

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        # Outside is background (0) and has no weight, whatever images have there.
        return self._resample(masks, transformation, "nearest", 0)

    def _apply(self, entries, drawn, training):
        if drawn is not None:
            # Once for the image and all that belongs to it.
            sizes = ops.shape(entries[IMAGES])[1:4]
            drawn = {**drawn, COORDINATES: self.coordinates(drawn, sizes)}
        return super()._apply(entries, drawn, training)

    def _resample(self, volumes, transformation, interpolation, background):
        if transformation is None:
            return volumes
        coordinates = transformation.get(COORDINATES)
        if coordinates is None:
            coordinates = self.coordinates(transformation, ops.shape(volumes)[1:4])
        return warp(
            volumes, coordinates, interpolation=interpolation, background=background
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "background": self.background,
            "interpolation": self.interpolation,
        }


def magnitudes(value, name, per_axis=True, positive=False):
    """Returns a magnitude, or one for each axis, as float or tuple, checked.

    Args:
        value: float, or three floats.
        name: str, the argument's name, for the message.
        per_axis: bool, whether there may be three.
        positive: bool, whether 0 is refused.

    Raises:
        ValueError: for negative, non-finite or other values.
    """
    several = per_axis and isinstance(value, (list, tuple))
    values = tuple(value) if several else (value,)
    if len(values) != (3 if several else 1) or not all(
        isinstance(v, Real) and math.isfinite(v) and v >= 0 and (v or not positive)
        for v in values
    ):
        count = "a number or three" if per_axis else "a number"
        sign = "positive" if positive else "not negative"
        raise ValueError(
            f"`{name}` must be {count}, finite and {sign}. Received: {name}={value}."
        )
    values = tuple(float(v) for v in values)
    return values if several else values[0]
