"""RandomFlip3D: mirrors volumes along axes."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.axis_names import axis_indices
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomFlip3D(RandomVolumeLayer):
    """Mirrors each volume along each given axis with probability one half.

    Args:
        axes: tuple of int (0, 1, 2) or anatomical names ("LR", "PA", "IS"; in RAS
            order), each axis once; or one of them. Defaults to ("LR",), the one
            symmetry that heads have.
        rate: float, share of volumes considered. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input.

    Raises:
        ValueError: for another axis, or one that is named twice.

    Example:
    >>> flip = medzoo.layers.RandomFlip3D(axes=("LR", "PA"))
    >>> flip({"images": t1, "segmentation_masks": labels}, training=True)
    """

    needs_images = False

    def __init__(
        self,
        axes: int | str | Sequence[int | str] = ("LR",),
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.axes = (axes,) if isinstance(axes, (int, str)) else tuple(axes)
        axis_indices(self.axes)

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]
        return {"flip": keras.random.uniform((count, len(self.axes)), seed=seed) < 0.5}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        for column, axis in enumerate(axis_indices(self.axes)):
            mirrored = ops.flip(images, 1 + axis)
            flip = ops.reshape(transformation["flip"][:, column], (-1, 1, 1, 1, 1))
            images = ops.where(flip, mirrored, images)
        return images

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self.transform_images(masks, transformation, training)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes}
