"""Dice and GeneralizedDice: one minus the overlap of prediction and target."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.losses.voxel_arguments import probabilities
from medzoo.losses.voxel_loss import (
    VoxelLoss,
    check_class_weights,
    check_count,
    check_not_negative,
)

VOLUME_WEIGHTS = ("square", "simple", "uniform")


@keras.saving.register_keras_serializable(package="medzoo")
class Dice(VoxelLoss):
    """One minus the soft Dice overlap, averaged over classes.

    For each class `(2 sum(p g) + smooth) / (sum(p) + sum(g) + smooth)`, with the
    probabilities p and the target g.

    Args:
        include_background: bool, whether class 0 counts. Defaults to True. A single
            channel is never left out.
        class_weights: sequence of float, one a channel (background included), or None
            for equal ones. Losses of classes are averaged with them: `sum(w L) /
            sum(w)`.
        squared: bool, squares `p` and `g` in the denominator (Milletari et al.).
        per_sample: bool, a Dice of each volume (the default), or one of all voxels of
            the batch together: steadier where a class is absent from many patches.
        only_present: bool, leaves out classes that a volume (or the batch) has not:
            the mean is over all that are kept in the batch, so that a volume with
            fewer classes weighs less. Otherwise a class that is absent and not
            predicted counts as Dice 1, and one predicted all the same as nearly 0.
            Defaults to False.
        smooth: float, not negative. Defaults to 1e-5.
        from_logits: bool. Defaults to True.
        reduction: as in `keras.losses.Loss`, over the volumes of the batch.
        name: str.
        dtype: as in `VoxelLoss`.

    Example:
        >>> model.compile("adam", medzoo.losses.Dice(include_background=False))

    Source:
        Milletari et al., "V-Net" (2016); Drozdzal et al., "The Importance of Skip
        Connections in Biomedical Image Segmentation" (2016).
    """

    def __init__(
        self,
        include_background: bool = True,
        class_weights: Sequence[float] | None = None,
        squared: bool = False,
        per_sample: bool = True,
        only_present: bool = False,
        smooth: float = 1e-5,
        from_logits: bool = True,
        reduction: str = "sum_over_batch_size",
        name: str = "dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        self.include_background = include_background
        self.class_weights = check_class_weights(class_weights)
        self.squared = squared
        self.per_sample = per_sample
        self.only_present = only_present
        self.smooth = check_not_negative(smooth=smooth)

    @property
    def over_batch(self) -> Any:
        return not self.per_sample

    @property
    def mixes_volumes(self) -> Any:
        # The mean over classes that are present is one over all volumes.
        return self.over_batch or self.only_present

    def values(self, target: Any, prediction: Any, weights: Any) -> Any:
        check_count(self.class_weights, prediction.shape[-1], "Dice")
        p = probabilities(prediction, self.from_logits)
        sums = overlap_sums(target, p, weights, self.per_sample, self.squared)
        both, predicted, true = sums
        loss = 1 - overlap(2 * both + self.smooth, predicted + true + self.smooth)
        share = self._shares(true)
        if not self.include_background and prediction.shape[-1] > 1:
            loss, share = loss[:, 1:], share[:, 1:]
        total = ops.sum(share, -1)
        if self.only_present:
            total = ops.mean(total)
        mean = ops.sum(loss * share, -1) / ops.where(total > 0, total, 1.0)
        return of_each_volume(mean, p)

    def _shares(self, true):
        """What each class counts in the mean, as `true`."""
        share = ops.ones_like(true)
        if self.class_weights is not None:
            share = share * ops.convert_to_tensor(self.class_weights, true.dtype)
        return ops.where(true > 0, share, 0.0) if self.only_present else share

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "include_background": self.include_background,
            "class_weights": self.class_weights,
            "squared": self.squared,
            "per_sample": self.per_sample,
            "only_present": self.only_present,
            "smooth": self.smooth,
        }


@keras.saving.register_keras_serializable(package="medzoo")
class GeneralizedDice(VoxelLoss):
    """One minus the Dice of all classes together, small classes weighted up.

    Numerator and denominator are summed over classes with weight `1 / volume^2`
    before they are divided. Classes that a volume has not take the largest weight of
    those that it has; a volume that has none costs nothing.

    Args:
        include_background: bool. Defaults to True. A single channel is never left
            out.
        volume_weights: str, "square" (1 / volume^2), "simple" (1 / volume) or
            "uniform" (1).
        per_sample: bool, a Dice of each volume (the default), or one of all voxels of
            the batch together.
        smooth: float, added to numerator and denominator, not negative. Defaults to
            0: with weights of 1 / volume^2 both are about 1 / volume, and MONAI's
            1e-5 would outweigh them above 100,000 voxels.
        from_logits: bool. Defaults to True.
        reduction: as in `keras.losses.Loss`, over the volumes of the batch.
        name: str.
        dtype: as in `VoxelLoss`.

    Source:
        Sudre et al., "Generalised Dice Overlap as a Deep Learning Loss Function for
        Highly Unbalanced Segmentations" (2017).
    """

    def __init__(
        self,
        include_background: bool = True,
        volume_weights: str = "square",
        per_sample: bool = True,
        smooth: float = 0.0,
        from_logits: bool = True,
        reduction: str = "sum_over_batch_size",
        name: str = "generalized_dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, reduction, name, dtype)
        if volume_weights not in VOLUME_WEIGHTS:
            raise ValueError(
                f"`volume_weights` must be one of {VOLUME_WEIGHTS}. "
                f"Received: volume_weights={volume_weights!r}."
            )
        self.include_background = include_background
        self.volume_weights = volume_weights
        self.per_sample = per_sample
        self.smooth = check_not_negative(smooth=smooth)

    @property
    def over_batch(self) -> Any:
        return not self.per_sample

    def values(self, target: Any, prediction: Any, weights: Any) -> Any:
        p = probabilities(prediction, self.from_logits)
        if not self.include_background and prediction.shape[-1] > 1:
            p, target = p[..., 1:], target[..., 1:]
        both, predicted, true = overlap_sums(target, p, weights, self.per_sample)
        share = self._shares(true)
        above = 2 * ops.sum(share * both, -1) + self.smooth
        below = ops.sum(share * (predicted + true), -1) + self.smooth
        return of_each_volume(1 - overlap(above, below), p)

    def _shares(self, volume):
        """Weights of classes, as `volume`."""
        if self.volume_weights == "uniform":
            return ops.ones_like(volume)
        present = volume > 0
        share = 1 / ops.where(present, volume, 1.0)
        if self.volume_weights == "square":
            share = ops.square(share)
        share = ops.where(present, share, 0.0)
        return ops.where(present, share, ops.max(share, -1, keepdims=True))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "include_background": self.include_background,
            "volume_weights": self.volume_weights,
            "per_sample": self.per_sample,
            "smooth": self.smooth,
        }


def overlap_sums(target, p, weights, per_sample, squared=False):
    """Returns the sums of `p g`, `p` and `g` over voxels, which weights multiply.

    Each `(batch, classes)`, or `(1, classes)` over the whole batch.
    """
    axes = (1, 2, 3) if per_sample else (0, 1, 2, 3)
    w = 1.0 if weights is None else weights[..., None]
    both = ops.sum(w * p * target, axes)
    if squared:
        p, target = ops.square(p), ops.square(target)
    sums = both, ops.sum(w * p, axes), ops.sum(w * target, axes)
    return sums if per_sample else tuple(ops.expand_dims(x, 0) for x in sums)


def overlap(above, below):
    """Returns `above / below`, and 1 where there is nothing to overlap."""
    there = below > 0
    return ops.where(there, above / ops.where(there, below, 1.0), 1.0)


def of_each_volume(loss, p):
    """Returns `(batch,)`: one number for the batch stands for each of its volumes."""
    return loss + ops.zeros_like(p[:, 0, 0, 0, 0])
