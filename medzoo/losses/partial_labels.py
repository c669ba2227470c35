"""PartialLabels: labels that stand for a set of classes."""

from typing import Any

import keras
from keras import ops

from medzoo.losses.voxel_arguments import probabilities, voxel_arguments


@keras.saving.register_keras_serializable(package="medzoo")
class PartialLabels(keras.losses.Loss):
    """Another loss, for labels that leave open which of some classes is right.

    Data sets of different protocols can be learned from together: one that has no class
    for lesions calls them white matter, and its white matter then means "either". The
    network's own output distributes such a label over its classes, in proportion to
    their probabilities; the inner loss sees that as its target. Of a cross-entropy the
    gradient is that of minus the logarithm of the sum of their probabilities.

    Args:
        loss: a loss of medzoo.losses, or its Keras configuration.
        name: str.
        **kwargs: of `keras.losses.Loss`; the inner loss's own count.

    Input shape:
        `y_true`: `(batch, x, y, z, classes)`, 1 at every class that may be right, else
        0; or `(batch, x, y, z)` or `(batch, x, y, z, 1)` class indices, of which each
        leaves nothing open. `y_pred`: `(batch, x, y, z, classes)`.

    Raises:
        ValueError: for another loss, or a rank, size, channel count or label type
            that does not fit.

    Example:
        >>> loss = PartialLabels(medzoo.losses.DiceCrossentropy())
        >>> loss([[[[[0, 1, 1]]]]], logits)  # class 1 or 2

    Source:
        Fidon et al., "Label-set Loss Functions for Partial Supervision" (2021); the
        target is the expectation step of Dempster et al. (1977).
    """

    def __init__(self, loss: Any, name: str = "partial_labels", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        if isinstance(loss, dict):
            loss = keras.saving.deserialize_keras_object(loss)
        if not isinstance(loss, keras.losses.Loss) or not hasattr(loss, "from_logits"):
            raise ValueError(
                "`loss` must be a loss of medzoo.losses. Received: "
                f"loss={type(loss).__name__}."
            )
        self.loss = loss

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        from_logits = self.loss.from_logits
        possible, y_pred = voxel_arguments(y_true, y_pred, from_logits, "PartialLabels")
        if possible.shape[-1] == 1:
            # One channel is the foreground alone: it is that, or it is not.
            return self.loss(possible, y_pred, sample_weight)
        p = probabilities(y_pred, from_logits)
        # The small share keeps a class alive whose probability is exactly 0.
        share = possible * (p + 1e-6)
        total = ops.sum(share, axis=-1, keepdims=True)
        target = share / ops.where(total > 0, total, 1.0)
        return self.loss(ops.stop_gradient(target), y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.loss),
        }
