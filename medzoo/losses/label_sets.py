"""LabelSetDiceCrossentropy: many classes, and labels that leave some of them open."""

from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.losses.voxel_arguments import static_shape
from medzoo.losses.voxel_loss import check_not_negative

# Of a probability, before its logarithm.
LEAST = 1e-12


@keras.saving.register_keras_serializable(package="medzoo")
class LabelSetDiceCrossentropy(keras.losses.Loss):
    """Dice and cross-entropy for tens of classes, some labels standing for several.

    A label of `unions` stands for a set of classes: whole
    white matter where others have lobes. Its probability is the sum of theirs. Labels
    stay indices throughout; one channel a class, as `PartialLabels` takes them, would
    take gigabytes with a hundred classes.

    Args:
        unions: dict of label (an int, or a str as in JSON), from the number of classes
            on -> list of classes. Defaults to none.
        dice_weight: float, not negative. Defaults to 1.
        crossentropy_weight: float, not negative. Defaults to 1.
        smooth: float, not negative, of the Dice. Defaults to 1.
        reduction: as in `keras.losses.Loss`, over the volumes of the batch.
        name: str.

    Input shape:
        `y_true`: `(batch, x, y, z)` or `(batch, x, y, z, 1)` labels.
        `y_pred`: `(batch, x, y, z, classes)` logits.

    Output:
        For each volume the mean of minus the logarithm of its labels' probabilities,
        plus one minus the mean Dice over the labels that it has, 0 left out.

    Raises:
        ValueError: for shapes that do not fit, or labels of `unions` that do not go on
            from the number of classes.

    Example:
        >>> loss = LabelSetDiceCrossentropy(unions={4: [2, 3]})  # of 4 classes
        >>> loss([[[[0, 1, 4]]]], logits)

    Source:
        Fidon et al., "Label-set Loss Functions for Partial Supervision" (2021); Isensee
        et al., "nnU-Net" (2021).
    """

    def __init__(
        self,
        unions: dict[str, Any] | None = None,
        dice_weight: float = 1.0,
        crossentropy_weight: float = 1.0,
        smooth: float = 1.0,
        reduction: str = "sum_over_batch_size",
        name: str = "label_set_dice_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype or "float32")
        self.unions = {int(k): sorted(map(int, v)) for k, v in (unions or {}).items()}
        self.dice_weight = check_not_negative(dice_weight=dice_weight)
        self.crossentropy_weight = check_not_negative(
            crossentropy_weight=crossentropy_weight
        )
        self.smooth = check_not_negative(smooth=smooth)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        shape: Any = () if sample_weight is None else static_shape(sample_weight)
        if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            # Keras would broadcast them over the loss of each volume.
            raise ValueError(
                "LabelSetDiceCrossentropy weights volumes, not voxels. Received: "
                f"sample_weight.shape={shape}. Give a number a volume."
            )
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        logits = ops.cast(y_pred, "float32")
        labels = ops.cast(y_true, "int32")
        if len(labels.shape) == 5:
            labels = labels[..., 0]
        self._check(static_shape(labels), static_shape(logits))
        size = ops.shape(logits)
        voxels = size[1] * size[2] * size[3]
        logits = ops.reshape(logits, (size[0], voxels, size[4]))
        labels = ops.reshape(labels, (size[0], voxels))
        p = ops.softmax(logits, axis=-1)
        table = self._table(p.shape[-1])
        # Of each voxel the probability that its label leaves it.
        own = ops.sum(p * ops.take(table, labels, axis=0), axis=-1)
        crossentropy = -ops.mean(ops.log(ops.maximum(own, LEAST)), 1)
        dice = self._dice(p, own, labels, table)
        return self.crossentropy_weight * crossentropy + self.dice_weight * dice

    def _table(self, classes):
        """`(labels, classes)` float32: 1 at every class that a label may mean."""
        table = np.eye(classes + len(self.unions), classes, dtype=np.float32)
        for label, members in self.unions.items():
            table[label, members] = 1.0
        return table

    def _dice(self, p, own, labels, table):
        """One minus the mean Dice of each volume, `(batch,)`."""
        batch, count = ops.shape(p)[0], len(table)
        rows = ops.arange(batch, dtype="int32")[:, None] * count
        index = ops.reshape(labels + rows, (-1,))

        def summed(values):
            flat = ops.reshape(values, (-1,))
            sums = ops.segment_sum(flat, index, num_segments=batch * count)
            return ops.reshape(sums, (batch, count))

        both, true = summed(own), summed(ops.ones_like(own))
        # As a product of matrices, ten times as fast as a sum over the first axis.
        predicted = ops.matmul(ops.ones_like(own)[:, None, :], p)[:, 0] @ table.T
        dice = (2 * both + self.smooth) / (predicted + true + self.smooth)
        counts = np.array([0.0] + [1.0] * (count - 1), np.float32)
        there = ops.cast(true > 0, "float32") * counts
        return ops.sum((1 - dice) * there, -1) / ops.maximum(ops.sum(there, -1), 1.0)

    def _check(self, labels, logits):
        if len(labels) != 4 or len(logits) != 5:
            raise ValueError(
                "LabelSetDiceCrossentropy compares (batch, x, y, z[, 1]) labels with "
                "(batch, x, y, z, classes) logits. "
                f"Received: y_true.shape={labels}, y_pred.shape={logits}."
            )
        first = logits[-1]
        wanted = list(range(first, first + len(self.unions)))
        classes = [k for members in self.unions.values() for k in members]
        if sorted(self.unions) != wanted or not all(0 <= k < first for k in classes):
            raise ValueError(
                f"`unions` must have the labels {wanted}, each with classes below "
                f"{first}. Received: unions={self.unions}."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "unions": {str(k): v for k, v in self.unions.items()},
            "dice_weight": self.dice_weight,
            "crossentropy_weight": self.crossentropy_weight,
            "smooth": self.smooth,
        }
