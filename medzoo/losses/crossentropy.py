"""Cross-entropies that weight classes by how rare they are, and the sum with Dice."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.losses.dice import Dice
from medzoo.losses.voxel_loss import (
    VoxelLoss,
    check_class_weights,
    check_count,
    check_not_negative,
    voxel_mean,
)

# Of probabilities, before their logarithm.
EPSILON = 1e-7


@keras.saving.register_keras_serializable(package="medzoo")
class MedianFrequencyCrossentropy(VoxelLoss):
    """Cross-entropy with weights from how often classes occur in a data set.

    Each voxel counts `class_weights` of its class: median frequency over the class's
    frequency, which `median_frequency_weights` takes from counts.

    Args:
        class_weights: sequence of float, one a class; two for a single channel, of
            background and foreground.
        from_logits: bool. Defaults to True.
        reduction: as in `keras.losses.Loss`, over voxels.
        name: str.
        dtype: as in `VoxelLoss`.

    Example:
        >>> counts = count_classes("cases.csv", "labels", num_classes=9)
        >>> weights = median_frequency_weights(*counts)
        >>> loss = MedianFrequencyCrossentropy(weights)

    Source:
        Eigen and Fergus, "Predicting Depth, Surface Normals and Semantic Labels with
        a Common Multi-Scale Convolutional Architecture" (2015).
    """

    voxelwise = True

    def __init__(
        self,
        class_weights: Sequence[float],
        from_logits: bool = True,
        reduction: str = "sum_over_batch_size",
        name: str = "median_frequency_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.class_weights = check_class_weights(class_weights)

    def values(self, target: Any, prediction: Any, weights: Any) -> Any:
        check_count(self.class_weights, max(2, prediction.shape[-1]), "The loss")
        share = ops.convert_to_tensor(self.class_weights, prediction.dtype)
        each = voxel_crossentropies(target, prediction, self.from_logits)
        return ops.sum(share * each, -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_weights": self.class_weights}


@keras.saving.register_keras_serializable(package="medzoo")
class BalancedCrossentropy(VoxelLoss):
    """Cross-entropy with weights from how often classes occur in the batch.

    A voxel of class c counts `N / (C (n_c + 1e-8))`: with N voxels in the batch, C
    classes, n_c voxels of class c every class that is present has the same total.
    Voxels are counted whatever their `sample_weight`.

    Args:
        from_logits: bool. Defaults to True.
        reduction: as in `keras.losses.Loss`, over voxels.
        name: str.
        dtype: as in `VoxelLoss`.

    Source:
        DLTK's sparse_balanced_crossentropy (Pawlowski et al., 2017).
    """

    voxelwise = True

    def __init__(
        self,
        from_logits: bool = True,
        reduction: str = "sum_over_batch_size",
        name: str = "balanced_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)

    @property
    def mixes_volumes(self) -> Any:
        return True

    def values(self, target: Any, prediction: Any, weights: Any) -> Any:
        classes = two_channels(target)
        counts = ops.sum(classes, (0, 1, 2, 3))
        share = ops.sum(counts) / (classes.shape[-1] * (counts + 1e-8))
        # A class that is absent has no voxel to count; its weight would be 1e8.
        share = ops.stop_gradient(ops.where(counts > 0, share, 0.0))
        each = voxel_crossentropies(target, prediction, self.from_logits)
        return ops.sum(share * each, -1)


@keras.saving.register_keras_serializable(package="medzoo")
class DiceCrossentropy(Dice):
    """The weighted sum of `Dice` and the mean cross-entropy of all voxels.

    Args:
        dice_weight: float, not negative. Defaults to 1.
        crossentropy_weight: float, not negative. Defaults to 1.
        include_background: bool, of the Dice part.
        class_weights: sequence of float, one a channel, or None. The Dice part is
            averaged with them; in the cross-entropy they multiply each voxel.
        squared: bool, of the Dice part.
        per_sample: bool, of the Dice part.
        only_present: bool, of the Dice part.
        smooth: float, of the Dice part.
        from_logits: bool. Defaults to True.
        reduction: as in `keras.losses.Loss`, over the volumes of the batch.
        name: str.
        dtype: as in `VoxelLoss`.

    Source:
        Isensee et al., "nnU-Net" (2021).
    """

    def __init__(
        self,
        dice_weight: float = 1.0,
        crossentropy_weight: float = 1.0,
        include_background: bool = True,
        class_weights: Sequence[float] | None = None,
        squared: bool = False,
        per_sample: bool = True,
        only_present: bool = False,
        smooth: float = 1e-5,
        from_logits: bool = True,
        reduction: str = "sum_over_batch_size",
        name: str = "dice_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            include_background=include_background,
            class_weights=class_weights,
            squared=squared,
            per_sample=per_sample,
            only_present=only_present,
            smooth=smooth,
            from_logits=from_logits,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
        self.dice_weight = check_not_negative(dice_weight=dice_weight)
        self.crossentropy_weight = check_not_negative(
            crossentropy_weight=crossentropy_weight
        )

    def values(self, target: Any, prediction: Any, weights: Any) -> Any:
        each = voxel_crossentropies(target, prediction, self.from_logits)
        if self.class_weights is not None:
            each = ops.convert_to_tensor(self.class_weights, each.dtype) * each
        crossentropy = voxel_mean(ops.sum(each, -1), weights)
        dice = super().values(target, prediction, weights)
        return self.dice_weight * dice + self.crossentropy_weight * crossentropy

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dice_weight": self.dice_weight,
            "crossentropy_weight": self.crossentropy_weight,
        }


def median_frequency_weights(voxels: Any, voxels_where_present: Any) -> list[Any]:
    """Returns class weights: the median of the classes' frequencies over each.

    Args:
        voxels: `(classes,)`, voxels of each class in the data set.
        voxels_where_present: `(classes,)`, all voxels of the volumes that have it.

    Returns:
        list of float. A class that never occurs has weight 0.

    Raises:
        ValueError: if counts are negative, or a class has more voxels than there are.
    """
    count = np.asarray(voxels, np.float64)
    total = np.asarray(voxels_where_present, np.float64)
    fit = count.ndim == 1 and count.shape == total.shape
    if not fit or (count < 0).any() or (count > total).any() or not count.any():
        raise ValueError(
            "`voxels` and `voxels_where_present` must be counts of each class, the "
            f"first not above the second. Received: voxels={voxels}, "
            f"voxels_where_present={voxels_where_present}."
        )
    present = count > 0
    frequency = np.where(present, count, 1) / np.where(present, total, 1)
    weights = np.where(present, np.median(frequency[present]) / frequency, 0)
    return [float(w) for w in weights]


def voxel_crossentropies(target, prediction, from_logits):
    """Returns `-g log p` of each class: `(batch, x, y, z, classes)`.

    A single channel counts as two classes: background, foreground.
    """
    if prediction.shape[-1] == 1:
        target = two_channels(target)
        if from_logits:
            logs = [ops.log_sigmoid(-prediction), ops.log_sigmoid(prediction)]
            return -target * ops.concatenate(logs, -1)
        prediction = two_channels(prediction)
    if from_logits:
        return -target * ops.log_softmax(prediction, axis=-1)
    return -target * ops.log(ops.clip(prediction, EPSILON, 1.0))


def two_channels(x):
    """Returns background and foreground of a single channel; others as they are."""
    return ops.concatenate([1 - x, x], -1) if x.shape[-1] == 1 else x
