"""BalancedCrop3D: patches whose centres are shared out among classes."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.crop import nearest_start
from medzoo.layers.random_crop_3d import RandomCrop3D
from medzoo.layers.volume_layer import IMAGES, MASKS


@keras.saving.register_keras_serializable(package="medzoo")
class BalancedCrop3D(RandomCrop3D):
    """Cuts one patch out of each volume, about a voxel of a class drawn at random.

    First a class is drawn from those that the label map holds, then one of its voxels,
    each as likely; the patch is centred there as far as the volume reaches. Axes that
    are too short are padded about the centre. A volume without any of the classes
    gives a patch from anywhere. At inference the patch is the one in the centre.

    Args:
        patch_size: int or three ints, voxels.
        num_classes: int, background (0) included. Labels beyond are no centres.
        class_weights: sequence of `num_classes` floats, how often each class is drawn,
            in proportion; classes with 0 never are. Defaults to None: all equally.
        value: float, of images where they are padded; label maps and weights are 0
            there. Defaults to 0.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        Dict with "images" and "segmentation_masks", the latter class indices in one
        channel or one-hot in `num_classes` channels.

    Output shape:
        As the input, with `patch_size` in place of x, y and z.

    Raises:
        ValueError: for class weights that do not fit, at the call without label map.

    Example: three patches in four about the lesion, one about background.
    >>> layer = medzoo.layers.BalancedCrop3D(64, num_classes=2, class_weights=(1, 3))
    >>> layer({"images": flair, "segmentation_masks": lesion}, training=True)

    Source:
        Kamnitsas et al., "Efficient Multi-Scale 3D CNN with Fully Connected CRF for
        Accurate Brain Lesion Segmentation" (2017), section 2.1.
    """

    num_classes: int
    class_weights: tuple[float, ...] | None

    def __init__(
        self,
        patch_size: int | Sequence[int],
        num_classes: int,
        class_weights: Sequence[float] | None = None,
        value: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(patch_size, value, seed=seed, **kwargs)
        if not isinstance(num_classes, Integral) or num_classes < 2:
            raise ValueError(
                "`num_classes` must be an int, at least 2. "
                f"Received: num_classes={num_classes}."
            )
        self.num_classes = int(num_classes)
        self.class_weights = _weights(class_weights, self.num_classes)

    def draw(self, data: dict[str, Any], seed: Any) -> Any:
        """Returns `{"start": (batch, 3) int32}`, the first voxel of each patch.

        Args:
            data: dict of batched tensors, the label maps among them.
            seed: `keras.random.SeedGenerator` or int.

        Raises:
            ValueError: if there are none, or not with one or `num_classes` channels.
        """
        anywhere = super().draw(data, seed)["start"]
        labels = self._labels(data)
        drawn = keras.random.uniform((ops.shape(labels)[0], 2), seed=seed)
        counts = [_sum(labels == c, (2, 3)) for c in range(self.num_classes)]
        counts = ops.stack(counts, 1)  # (batch, classes, x)
        voxels = ops.sum(counts, -1)
        chosen, possible = self._draw_class(voxels, drawn[:, 0])
        # (batch, classes) with one 1 a row picks what belongs to the class.
        picked = ops.one_hot(chosen, self.num_classes, dtype="int32")
        total = ops.sum(voxels * picked, 1)
        rank = ops.cast(ops.floor(drawn[:, 1] * ops.cast(total, "float32")), "int32")
        centre = _voxel_of_rank(
            labels == chosen[:, None, None, None],
            ops.sum(counts * picked[..., None], 1),
            ops.minimum(rank, total - 1),
        )
        start = centre - np.array(self.patch_size, np.int32) // 2
        start = nearest_start(data[IMAGES], start, self.patch_size)
        return {"start": ops.where(possible[:, None], start, anywhere)}

    def _draw_class(self, voxels, drawn):
        """One class a volume, and whether there is any to draw."""
        weights = self.class_weights or (1.0,) * self.num_classes
        weights = ops.where(voxels > 0, np.array(weights, np.float32), 0.0)
        share = ops.cumsum(weights, -1)
        below = share <= drawn[:, None] * share[:, -1:]
        chosen = ops.minimum(_sum(below, -1), self.num_classes - 1)
        return chosen, share[:, -1] > 0

    def _labels(self, data):
        if MASKS not in data:
            raise ValueError(
                "BalancedCrop3D draws patches by the classes of their voxels and needs "
                f'an entry "{MASKS}". Received: keys={sorted(data)}. '
                "RandomCrop3D needs none."
            )
        masks = data[MASKS]
        channels = masks.shape[-1]
        if channels not in (1, self.num_classes):
            raise ValueError(
                f'"{MASKS}" must be class indices in one channel or one-hot in '
                f"{self.num_classes}. Received: shape={tuple(masks.shape)}."
            )
        if channels == 1:
            return ops.cast(masks[..., 0], "int32")
        return ops.cast(ops.argmax(masks, -1), "int32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "class_weights": self.class_weights,
        }


def _weights(class_weights, num_classes):
    if class_weights is None:
        return None
    weights = tuple(class_weights)
    if (
        len(weights) != num_classes
        or not all(isinstance(w, Real) and w >= 0 for w in weights)
        or not 0 < sum(weights) < math.inf
    ):
        raise ValueError(
            f"`class_weights` must be {num_classes} numbers, none negative and one "
            f"positive. Received: class_weights={class_weights}."
        )
    return tuple(float(w) for w in weights)


def _voxel_of_rank(mask, counts, rank):
    """The voxel of a mask that comes after `rank` others, axis by axis.

    Args:
        mask: `(batch, x, y, z)` bool.
        counts: `(batch, x)` int32, voxels of the mask in each plane.
        rank: `(batch,)` int32.

    Returns:
        `(batch, 3)` int32, its index.
    """
    batch, x, y, z = ops.shape(mask)
    volume = ops.arange(batch, dtype="int32")
    i, rank = _interval(counts, rank)
    plane = ops.take(ops.reshape(mask, (-1, y, z)), volume * x + i, 0)
    j, rank = _interval(_sum(plane, -1), rank)
    line = ops.take(ops.reshape(plane, (-1, z)), volume * y + j, 0)
    k, _ = _interval(ops.cast(line, "int32"), rank)
    return ops.stack([i, j, k], -1)


def _interval(counts, rank):
    """Which of consecutive intervals a rank falls into, and its rank in there."""
    passed = ops.cumsum(counts, -1) <= rank[:, None]
    index = ops.minimum(_sum(passed, -1), ops.shape(counts)[-1] - 1)
    return index, rank - ops.sum(ops.where(passed, counts, 0), -1)


def _sum(mask, axis):
    return ops.sum(ops.cast(mask, "int32"), axis)
