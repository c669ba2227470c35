"""Streaming metrics of segmentations: Dice and volume difference, class by class."""

from typing import Any

import keras
from keras import ops

from medzoo.metrics.volume_arguments import (
    agree,
    one_hot_prediction,
    one_hot_target,
    static_shape,
    weights_of,
)


class LabelMapMetric(keras.metrics.Metric):
    """Base of metrics that compare label maps class by class; subclasses compare.

    Args:
        num_classes: int, at least 2, background included.
        include_background: bool, whether class 0 counts. Defaults to False.
        class_id: int or None, the only class to report; None for the mean.
        from_logits: bool, for predictions with one channel alone, the foreground:
            logits count above 0, probabilities above 0.5. Defaults to True.
        name: str.
        dtype: as in `keras.metrics.Metric`.

    Input shape:
        `y_true`: class indices, `(batch, x, y, z)` or `(batch, x, y, z, 1)`, or one-hot
        `(batch, x, y, z, num_classes)`. `y_pred`: class scores `(batch, x, y, z,
        num_classes)`, of which the largest wins; or one channel of foreground scores;
        or class indices of an integer type.

    Raises:
        ValueError: for arguments or shapes that do not fit; in eager calls also for
            class indices and probabilities out of range.
    """

    def __init__(
        self,
        num_classes,
        include_background=False,
        class_id=None,
        from_logits=True,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype or "float32")
        if num_classes < 2 or (
            class_id is not None and not 0 <= class_id < num_classes
        ):
            raise ValueError(
                "`num_classes` must be at least 2 and `class_id` one of them. "
                f"Received: num_classes={num_classes}, class_id={class_id}."
            )
        self.num_classes = num_classes
        self.include_background = include_background
        self.class_id = class_id
        self.from_logits = from_logits
        self.above = self.add_variable((num_classes,), "zeros", name="above")
        self.below = self.add_variable((num_classes,), "zeros", name="below")

    def compare(self, both, predicted, true):
        """Returns what is added above and below the line, each `(batch, classes)`.

        Args:
            both: voxels of a class in prediction and target, `(batch, classes)`.
            predicted: voxels in the prediction.
            true: voxels in the target.
        """
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: as said above.
            y_pred: as said above.
            sample_weight: a number a volume, `(batch,)`, or a voxel,
                `(batch, x, y, z)` or `(batch, x, y, z, 1)`, or None.
        """
        name = type(self).__name__
        true = one_hot_target(y_true, self.num_classes, name)
        predicted = one_hot_prediction(y_pred, self.num_classes, self.from_logits, name)
        shapes = static_shape(y_true), static_shape(y_pred)
        if not agree(shapes[0][:4], shapes[1][:4]):
            raise ValueError(
                f"{name} compares volumes of one size. Received: "
                f"y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}."
            )
        of_volumes, of_voxels = _weights(sample_weight, shapes[0][:4], name)
        axes = (1, 2, 3)
        above, below = self.compare(
            ops.sum(true * predicted * of_voxels, axes),
            ops.sum(predicted * of_voxels, axes),
            ops.sum(true * of_voxels, axes),
        )
        self.above.assign_add(ops.sum(above * of_volumes, 0))
        self.below.assign_add(ops.sum(below * of_volumes, 0))

    def per_class(self):
        """Returns the metric of every class, `(num_classes,)`; NaN where undefined."""
        above = ops.convert_to_tensor(self.above)
        below = ops.convert_to_tensor(self.below)
        quotient = above / ops.where(below > 0, below, 1.0)
        return ops.where(below > 0, quotient, float("nan"))

    def result(self):
        values = self.per_class()
        if self.class_id is not None:
            return values[self.class_id]
        first = 0 if self.include_background else 1
        below = ops.convert_to_tensor(self.below)[first:]
        defined = ops.cast(below > 0, "float32")
        total = ops.sum(ops.where(below > 0, values[first:], 0.0))
        count = ops.sum(defined)
        return ops.where(count > 0, total / ops.maximum(count, 1.0), float("nan"))

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "include_background": self.include_background,
            "class_id": self.class_id,
            "from_logits": self.from_logits,
        }


@keras.saving.register_keras_serializable(package="medzoo")
class DiceScore(LabelMapMetric):
    """Dice overlap of label maps: `2 |P and T| / (|P| + |T|)`, averaged over classes.

    A class that neither prediction nor target has is left out; one that only one of
    them has counts as 0.

    Args:
        num_classes: int, background included.
        per_volume: bool, the mean over volumes of each one's Dice (the default, as
            papers report it), or the Dice of all voxels seen together.
        include_background: bool. Defaults to False.
        class_id: int or None, the only class to report.
        from_logits: bool, for one channel of foreground scores. Defaults to True.
        name: str.
        dtype: as in `keras.metrics.Metric`.

    Example:
        >>> model.compile("adam", "sparse_categorical_crossentropy",
        ...               metrics=[DiceScore(num_classes=9)])

    Source:
        Dice, "Measures of the Amount of Ecologic Association Between Species" (1945).
    """

    def __init__(
        self,
        num_classes: int,
        per_volume: bool = True,
        include_background: bool = False,
        class_id: int | None = None,
        from_logits: bool = True,
        name: str = "dice_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes, include_background, class_id, from_logits, name, dtype
        )
        self.per_volume = per_volume

    def compare(self, both: Any, predicted: Any, true: Any) -> Any:
        total = predicted + true
        if not self.per_volume:
            return 2 * both, total
        there = ops.cast(total > 0, "float32")
        return 2 * both / ops.where(total > 0, total, 1.0), there

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "per_volume": self.per_volume}


@keras.saving.register_keras_serializable(package="medzoo")
class AbsoluteVolumeDifference(LabelMapMetric):
    """Absolute difference of volumes in percent of the true one, averaged.

    `100 | |P| - |T| | / |T|` for each volume and class; a class that a target has not
    is left out for that volume.

    Args:
        num_classes: int, background included.
        include_background: bool. Defaults to False.
        class_id: int or None, the only class to report.
        from_logits: bool, for one channel of foreground scores. Defaults to True.
        name: str.
        dtype: as in `keras.metrics.Metric`.

    Source:
        Mendrik et al., "MRBrainS Challenge" (2015).
    """

    def __init__(
        self,
        num_classes: int,
        include_background: bool = False,
        class_id: int | None = None,
        from_logits: bool = True,
        name: str = "absolute_volume_difference",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes, include_background, class_id, from_logits, name, dtype
        )

    def compare(self, both: Any, predicted: Any, true: Any) -> Any:
        there = true > 0
        share = ops.abs(predicted - true) / ops.where(there, true, 1.0)
        there = ops.cast(there, "float32")
        return 100 * share * there, there


def _weights(sample_weight, shape, name):
    """Returns weights of volumes, `(batch, 1)`, and voxels, `(batch, x, y, z, 1)`."""
    if sample_weight is None:
        return 1.0, 1.0
    weights = ops.expand_dims(weights_of(sample_weight, shape, name), -1)
    return (weights, 1.0) if len(weights.shape) == 2 else (1.0, weights)
