"""VoxelLoss: the base of losses that compare label maps with class scores."""

import keras
import numpy as np
from keras import ops

from medzoo.losses.voxel_arguments import voxel_arguments


class VoxelLoss(keras.losses.Loss):
    """Base of segmentation losses; subclasses write `values`.

    Args:
        from_logits: bool, whether predictions are logits (the default, as the
            networks of medzoo give them) or probabilities.
        reduction: str or None, as in `keras.losses.Loss`.
        name: str or None.
        dtype: as in `keras.losses.Loss`. Losses are computed in float32.

    Input shape:
        `y_true`: `(batch, x, y, z)` or `(batch, x, y, z, 1)` class indices, or
        `(batch, x, y, z, classes)` one-hot or soft labels. `y_pred`:
        `(batch, x, y, z, classes)`; with one channel it is the foreground's, and
        `y_true` a mask. `sample_weight`: a number a volume, `(batch,)`, or a voxel,
        `(batch, x, y, z)` or `(batch, x, y, z, 1)`.

    Raises:
        ValueError: for shapes that do not fit; in eager calls also for class indices
            and probabilities out of range.
    """

    def __init__(
        self,
        from_logits=True,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        self.from_logits = from_logits

    def values(self, target, prediction, weights):
        """Returns the loss of each volume, `(batch,)`.

        Args:
            target: `(batch, x, y, z, classes)` float32, in [0, 1].
            prediction: `(batch, x, y, z, classes)` float32, as the caller gave it.
            weights: `(batch, x, y, z)` or broadcastable float32, or None.
        """
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None):
        name = type(self).__name__
        target, prediction = voxel_arguments(y_true, y_pred, self.from_logits, name)
        weights = _voxel_weights(sample_weight, np.shape(y_pred), name)
        if weights is not None:
            # In the sums over voxels, where Keras could only weight whole volumes.
            return super().__call__((target, weights), prediction)
        return super().__call__(target, prediction, sample_weight)

    def call(self, y_true, y_pred):
        target, weights = y_true if isinstance(y_true, tuple) else (y_true, None)
        return self.values(target, y_pred, weights)

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}


def voxel_mean(values, weights):
    """Means over the voxels of each volume: `(batch, x, y, z)` -> `(batch,)`.

    Weights multiply and do not divide, as `sample_weight` does in Keras.
    """
    if weights is not None:
        values = values * weights
    return ops.mean(values, axis=(1, 2, 3))


def check_class_weights(class_weights):
    """Returns class weights as a list of floats, or None.

    Raises:
        ValueError: if one is negative or not finite, or all are 0.
    """
    if class_weights is None:
        return None
    numbers = [float(w) for w in class_weights]
    if not numbers or not np.isfinite(numbers).all() or min(numbers) < 0:
        raise ValueError(
            "`class_weights` must be finite and not negative. "
            f"Received: class_weights={class_weights}."
        )
    if not any(numbers):
        raise ValueError(
            "`class_weights` must not all be 0. "
            f"Received: class_weights={class_weights}."
        )
    return numbers


def check_count(class_weights, classes, name):
    """Refuses class weights that are not one a channel."""
    if class_weights is not None and len(class_weights) != classes:
        raise ValueError(
            f"{name} needs one class weight a class. Received: "
            f"{len(class_weights)} weights, {classes} classes."
        )


def _voxel_weights(sample_weight, shape, name):
    """Returns weights of voxels, `(batch, x, y, z)`, or None if they are of volumes."""
    if sample_weight is None or len(np.shape(sample_weight)) < 4:
        return None
    given = np.shape(sample_weight)
    if len(given) == 5 and given[-1] == 1:
        sample_weight = ops.squeeze(sample_weight, -1)
    elif len(given) != 4:
        raise ValueError(
            f"{name} takes a weight a volume or a voxel. "
            f"Received: sample_weight.shape={given}, y_pred.shape={shape}."
        )
    return ops.cast(sample_weight, "float32")
