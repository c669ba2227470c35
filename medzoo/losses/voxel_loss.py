"""VoxelLoss: the base of losses that compare label maps with class scores."""

import keras
import numpy as np
from keras import ops

from medzoo.losses.voxel_arguments import agree, static_shape, voxel_arguments

# Sums over millions of voxels do not fit a narrower one.
DTYPES = ("float32", "float64")


class VoxelLoss(keras.losses.Loss):
    """Base of segmentation losses; subclasses write `values`.

    Args:
        from_logits: bool, whether predictions are logits (the default, as the
            networks of medzoo give them) or probabilities.
        reduction: str or None, as in `keras.losses.Loss`.
        name: str or None.
        dtype: "float32" (also for None, whatever the precision of the network) or
            "float64", what the loss is computed in.

    Input shape:
        `y_true`: `(batch, x, y, z)` or `(batch, x, y, z, 1)` class indices, or
        `(batch, x, y, z, classes)` one-hot or soft labels. `y_pred`:
        `(batch, x, y, z, classes)`; with one channel it is the foreground's, and
        `y_true` a mask. `sample_weight`: a number a volume, `(batch,)` or
        `(batch, 1)`, or a voxel, `(batch, x, y, z)` or `(batch, x, y, z, 1)`.

    Raises:
        ValueError: for shapes that do not fit; in eager calls also for class indices
            and probabilities out of range.
    """

    # Whether `values` gives a number a voxel, which Keras weights and reduces, or one
    # a volume, with weights of voxels inside.
    voxelwise = False

    def __init__(
        self,
        from_logits=True,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        if self.dtype not in DTYPES:
            raise ValueError(
                f"`dtype` of a loss must be one of {DTYPES}. Received: dtype={dtype}."
            )
        self.from_logits = from_logits

    @property
    def over_batch(self):
        """Whether sums go over all volumes of the batch, and with them weights."""
        return False

    @property
    def mixes_volumes(self):
        """Whether the loss of a batch is other than the mean of those of its volumes.

        Devices that have a part of the batch each cannot compute such a loss alone.
        """
        return self.over_batch

    def values(self, target, prediction, weights):
        """Returns the loss of each volume, `(batch,)`, or voxel, `(batch, x, y, z)`.

        Args:
            target: `(batch, x, y, z, classes)` float, in [0, 1].
            prediction: `(batch, x, y, z, classes)` float, as the caller gave it.
            weights: `(batch, x, y, z)` or broadcastable float, or None; always None
                for losses that are `voxelwise`.
        """
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None):
        name = type(self).__name__
        target, prediction = voxel_arguments(y_true, y_pred, self.from_logits, name)
        if sample_weight is None:
            return super().__call__(target, prediction)
        weights = _checked_weights(sample_weight, prediction, name)
        of_volumes = len(weights.shape) == 1
        if of_volumes and not (self.voxelwise or self.over_batch):
            return super().__call__(target, prediction, weights)
        if of_volumes:
            weights = ops.reshape(weights, (-1, 1, 1, 1))
        if not self.voxelwise:
            # In the sums over voxels, where Keras could only weight whole volumes.
            return super().__call__((target, weights), prediction)
        # In full, because Keras may divide by their sum.
        weights = ops.broadcast_to(weights, ops.shape(prediction)[:-1])
        return super().__call__(target, prediction, weights)

    def call(self, y_true, y_pred):
        target, weights = y_true if isinstance(y_true, tuple) else (y_true, None)
        return self.values(target, y_pred, weights)

    def get_config(self):
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "dtype": self.dtype,
        }


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
    """Refuses class weights that are not one a class."""
    if class_weights is not None and len(class_weights) != classes:
        raise ValueError(
            f"{name} needs one class weight a class. Received: "
            f"{len(class_weights)} weights, {classes} classes."
        )


def check_not_negative(**numbers):
    """Returns the one named number as a float; refuses it below 0 or not finite."""
    ((name, value),) = numbers.items()
    if not 0 <= value < float("inf"):
        raise ValueError(
            f"`{name}` must be finite and not negative. Received: {name}={value}."
        )
    return float(value)


def _checked_weights(sample_weight, prediction, name):
    """Returns weights of volumes, `(batch,)`, or of voxels, `(batch, x, y, z)`."""
    given, voxels = static_shape(sample_weight), static_shape(prediction)[:-1]
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    one_each = len(given) in (2, 5) and given[-1] == 1
    shape = given[:-1] if one_each else given
    if len(shape) not in (1, 4) or not agree(shape, voxels[: len(shape)]):
        raise ValueError(
            f"{name} takes a weight a volume or a voxel: {voxels[:1]} or {voxels}. "
            f"Received: sample_weight.shape={given}."
        )
    return ops.squeeze(weights, -1) if one_each else weights
