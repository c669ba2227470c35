"""RandomErasing3D: boxes in which nothing is seen."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.ranges import range_within, whole_range
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomErasing3D(RandomVolumeLayer):
    """Sets the voxels of random boxes to a value, in all channels.

    Boxes lie wholly within the volume.

    Args:
        num_boxes: two ints, or one for both: range of the number of boxes.
            Defaults to 1.
        size: two floats in [0, 1], or one, the upper bound: range of the length of a
            box along each axis, drawn for each, as a share of the axis. Defaults to
            (0.1, 0.4).
        value: float, of images in a box. Defaults to 0.
        mask_value: int or None, what label maps become there. Defaults to None: they
            are left alone, so that a network learns to fill in.
        weight_value: float or None, what weights become there. Defaults to None.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With a size of 0, or no box, it is the identity.

    Raises:
        ValueError: for negative numbers, or sizes outside [0, 1].

    Source:
        DeVries, Taylor, "Improved Regularization of Convolutional Neural Networks with
        Cutout" (2017).
    """

    def __init__(
        self,
        num_boxes: int | Sequence[int] = 1,
        size: float | Sequence[float] = (0.1, 0.4),
        value: float = 0.0,
        mask_value: int | None = None,
        weight_value: float | None = None,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.num_boxes = whole_range(num_boxes, "num_boxes")
        self.size = range_within(size, "size", most=1.0)
        self.value = value
        self.mask_value = mask_value
        self.weight_value = weight_value

    def draw(self, data: Any, seed: Any) -> Any:
        low, high = self.num_boxes
        shape = (ops.shape(data[IMAGES])[0], high, 3)
        number = keras.random.randint((shape[0], 1, 1), low, high + 1, seed=seed)
        present = ops.arange(high, dtype="int32")[None, :, None] < number
        size = keras.random.uniform(shape, *self.size, seed=seed)
        return {
            "size": size * ops.cast(present, "float32"),
            "position": keras.random.uniform(shape, seed=seed),
        }

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self._fill(images, self.value, transformation)

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self._fill(masks, self.mask_value, transformation)

    def transform_weights(
        self, weights: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        return self._fill(weights, self.weight_value, transformation)

    def _fill(self, volumes, value, transformation):
        if transformation is None or value is None or not self.num_boxes[1]:
            return volumes
        inside = _inside_boxes(
            ops.shape(volumes)[1:4],
            ops.convert_to_tensor(transformation["size"]),
            ops.convert_to_tensor(transformation["position"]),
        )
        return ops.where(inside[..., None], ops.cast(value, volumes.dtype), volumes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_boxes": self.num_boxes,
            "size": self.size,
            "value": self.value,
            "mask_value": self.mask_value,
            "weight_value": self.weight_value,
        }


def _inside_boxes(sizes, size, position):
    """Bool `(batch, x, y, z)`, of shares `(batch, boxes, 3)` of the axes."""
    box = True
    for axis, voxels in enumerate(sizes):
        total = ops.cast(voxels, "float32")
        length = ops.round(size[..., axis] * total)[..., None]
        start = ops.floor(position[..., axis, None] * (total - length + 1.0))
        index = ops.cast(ops.arange(voxels, dtype="int32"), "float32")
        along = ops.logical_and(index >= start, index < start + length)
        others = [2 + other for other in range(3) if other != axis]
        box = ops.logical_and(box, ops.expand_dims(along, others))
    return ops.any(box, 1)
