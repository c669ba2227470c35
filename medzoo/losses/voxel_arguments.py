"""What losses of label maps are called with, checked and brought into one form."""

import keras
import numpy as np
from keras import ops

# What asking a tensor of a graph for its numbers raises, on the several backends.
_NO_NUMBERS = (NotImplementedError, TypeError, AttributeError, RuntimeError)
# Half precision rounds probabilities; this far out of [0, 1] they may be.
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
        ValueError: for a rank, size, channel count or label type that does not fit, a
            class index or a probability out of range.
    """
    target, prediction = static_shape(y_true), static_shape(y_pred)
    _check_shapes(target, prediction, name)
    classes = prediction[-1]
    as_indices = len(target) == 4 or (target[-1] == 1 and classes > 1)
    _check_targets(y_true, as_indices, classes, name)
    if not from_logits:
        _check_probabilities(y_pred, name)
    y_true = ops.convert_to_tensor(y_true)
    y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    if len(target) == 4:
        y_true = ops.expand_dims(y_true, -1)
    if as_indices and classes > 1:
        y_true = ops.one_hot(ops.cast(y_true[..., 0], "int32"), classes)
    return ops.cast(y_true, "float32"), y_pred


def probabilities(y_pred, from_logits):
    """Returns probabilities: softmax over channels, or sigmoid of a single one."""
    if not from_logits:
        return y_pred
    if y_pred.shape[-1] == 1:
        return ops.sigmoid(y_pred)
    return ops.softmax(y_pred, axis=-1)


def static_shape(x):
    """Returns the shape as a tuple, None for sizes that are not known."""
    return tuple(np.shape(x))


def agree(shape, other):
    """Whether sizes are the same, as far as they are known."""
    return len(shape) == len(other) and all(
        None in (a, b) or a == b for a, b in zip(shape, other, strict=True)
    )


def numbers_of(x):
    """Returns a numpy array of what `x` holds, or None inside a compiled graph."""
    if isinstance(x, keras.KerasTensor):
        return None
    try:
        # Not `ops.convert_to_numpy`: TensorFlow warns about it inside a graph.
        values = np.asarray(x)
    except _NO_NUMBERS:
        return None
    # NumPy does not know that it is a number.
    return values.astype("float32") if values.dtype.name == "bfloat16" else values


def _check_shapes(target, prediction, name):
    if (
        len(prediction) != 5
        or len(target) not in (4, 5)
        or not agree(target[:4], prediction[:4])
    ):
        raise ValueError(
            f"{name} compares (batch, x, y, z[, 1 or classes]) with "
            "(batch, x, y, z, classes) of the same sizes. "
            f"Received: y_true.shape={target}, y_pred.shape={prediction}."
        )
    if len(target) == 5 and target[-1] not in (1, prediction[-1]):
        raise ValueError(
            f"{name} takes class indices (one channel) or one channel for each of "
            f"{prediction[-1]} classes. Received: y_true.shape={target}."
        )


def _check_targets(y_true, as_indices, classes, name):
    values = numbers_of(y_true)
    dtype = values.dtype if values is not None else y_true.dtype
    if not _is_number(dtype):
        raise ValueError(
            f"{name} takes numbers as labels. Received: y_true.dtype={dtype}."
        )
    if values is None or not values.size:
        return
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


def _is_number(dtype):
    try:
        name = keras.backend.standardize_dtype(dtype)
    except ValueError:
        return False
    return name == "bool" or "int" in name or "float" in name


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
