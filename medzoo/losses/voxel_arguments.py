"""What losses and metrics of label maps are called with, checked and in one form."""

import keras
import numpy as np
from keras import ops

# What asking a tensor of a graph for its numbers raises, on the several backends.
_NO_NUMBERS = (NotImplementedError, TypeError, AttributeError, RuntimeError)
_TOLERANCE = 1e-3


def voxel_arguments(y_true, y_pred, from_logits, name):
    """Brings targets and predictions of a segmentation into one form.

    Values are checked where there are any: in eager calls, not inside a compiled
    graph.

    Args:
        y_true: `(batch, x, y, z)` or `(batch, x, y, z, 1)` class indices, or
            `(batch, x, y, z, classes)` one-hot or soft labels.
        y_pred: `(batch, x, y, z, classes)` logits or probabilities. One channel is
            the foreground of two classes (sigmoid).
        from_logits: bool, whether `y_pred` is logits.
        name: str, who asks, for the message.

    Returns:
        `(batch, x, y, z, classes)` float32 targets, and `y_pred` as float32.

    Raises:
        ValueError: for a rank, channel count or label type that does not fit, a class
            index or a probability out of range.
    """
    target, prediction = np.shape(y_true), np.shape(y_pred)
    if len(prediction) != 5 or len(target) not in (4, 5):
        raise ValueError(
            f"{name} compares (batch, x, y, z[, 1 or classes]) with "
            "(batch, x, y, z, classes). "
            f"Received: y_true.shape={target}, y_pred.shape={prediction}."
        )
    classes = prediction[-1]
    if len(target) == 5 and target[-1] not in (1, classes):
        raise ValueError(
            f"{name} takes class indices (one channel) or one channel for each of "
            f"{classes} classes. Received: y_true.shape={target}."
        )
    as_indices = len(target) == 4 or (target[-1] == 1 and classes > 1)
    _check_targets(y_true, as_indices, classes, name)
    if not from_logits:
        _check_probabilities(y_pred, name)
    y_true = ops.convert_to_tensor(y_true)
    if len(target) == 4:
        y_true = ops.expand_dims(y_true, -1)
    if as_indices and classes > 1:
        y_true = ops.one_hot(ops.cast(y_true[..., 0], "int32"), classes)
    return ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")


def probabilities(y_pred, from_logits):
    """Returns probabilities: softmax over channels, or sigmoid of a single one."""
    if not from_logits:
        return y_pred
    if y_pred.shape[-1] == 1:
        return ops.sigmoid(y_pred)
    return ops.softmax(y_pred, axis=-1)


def numbers_of(x):
    """Returns a numpy array of what `x` holds, or None inside a compiled graph."""
    if not ops.is_tensor(x) and not isinstance(x, keras.KerasTensor):
        return np.asarray(x)
    try:
        return ops.convert_to_numpy(x)
    except _NO_NUMBERS:
        return None


def _check_targets(y_true, as_indices, classes, name):
    values = numbers_of(y_true)
    if values is None or not values.size:
        return
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} takes numbers as labels. Received: y_true.dtype={values.dtype}."
        )
    low, high = float(values.min()), float(values.max())
    if as_indices:
        whole = values.dtype.kind != "f" or bool((values == np.rint(values)).all())
        last = max(classes - 1, 1)
        if not whole or not 0 <= low <= high <= last:
            raise ValueError(
                f"{name} takes whole numbers from 0 to {last} as class indices. "
                f"Received: y_true from {low:g} to {high:g}"
                f"{'' if whole else ', not whole'}."
            )
    elif not 0 <= low <= high <= 1:
        raise ValueError(
            f"{name} takes one-hot or soft labels in [0, 1]. "
            f"Received: y_true from {low:g} to {high:g}."
        )


def _check_probabilities(y_pred, name):
    values = numbers_of(y_pred)
    if values is None or not values.size:
        return
    low, high = float(values.min()), float(values.max())
    if not -_TOLERANCE <= low <= high <= 1 + _TOLERANCE:
        raise ValueError(
            f"{name} takes probabilities in [0, 1] with from_logits=False. "
            f"Received: y_pred from {low:g} to {high:g}. Pass from_logits=True for "
            "logits."
        )
