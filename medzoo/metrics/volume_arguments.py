"""Validation of the arguments of streaming metrics."""

import keras
import numpy as np
from keras import ops

# What asking a tensor of a graph for its numbers raises, on the several backends.
_NO_NUMBERS = (NotImplementedError, TypeError, AttributeError, RuntimeError)
# Half precision rounds probabilities; this far out of [0, 1] they may be.
_TOLERANCE = 1e-3


def static_shape(x):
    """Returns the shape as a tuple, None for sizes that are not known."""
    return tuple(np.shape(x))


def agree(shape, other):
    """Whether sizes are the same, as far as they are known."""
    return len(shape) == len(other) and all(
        None in (a, b) or a == b for a, b in zip(shape, other, strict=True)
    )


def one_hot_target(y_true, num_classes, name):
    """Returns the target as `(batch, x, y, z, num_classes)` float32, zeros and ones.

    Args:
        y_true: class indices `(batch, x, y, z)` or `(batch, x, y, z, 1)`, or one-hot
            `(batch, x, y, z, num_classes)`.
        num_classes: int.
        name: str, who asks, for the message.

    Raises:
        ValueError: for another shape, for what is no number, and in eager calls for
            indices that are not whole or out of range.
    """
    x, scored = _checked(y_true, num_classes, name, "y_true")
    if scored:
        _check_range(x, 1, name, "one-hot labels in [0, 1]", "y_true")
        return ops.one_hot(ops.argmax(x, -1), num_classes, dtype="float32")
    return _one_hot_indices(x, num_classes, name, "y_true")


def one_hot_prediction(y_pred, num_classes, from_logits, name):
    """Returns the most likely class as `(batch, x, y, z, num_classes)` float32.

    Args:
        y_pred: as the target, or class scores, of which the largest wins, or one
            channel of foreground scores of a float type.
        num_classes: int.
        from_logits: bool, whether foreground scores are logits.
        name: str, who asks, for the message.

    Raises:
        ValueError: as `one_hot_target`, and in eager calls for probabilities out of
            range.
    """
    x, scored = _checked(y_pred, num_classes, name, "y_pred")
    if scored:
        return ops.one_hot(ops.argmax(x, -1), num_classes, dtype="float32")
    if not keras.backend.is_float_dtype(x.dtype):
        return _one_hot_indices(x, num_classes, name, "y_pred")
    if num_classes != 2:
        raise ValueError(
            f"{name} takes a score for each of {num_classes} classes. "
            f"Received: y_pred.shape={static_shape(y_pred)}."
        )
    if not from_logits:
        _check_range(x, 1, name, "probabilities in [0, 1]", "y_pred", _TOLERANCE)
    foreground = x > (0.0 if from_logits else 0.5)
    return ops.one_hot(ops.cast(foreground, "int32"), 2, dtype="float32")


def weights_of(sample_weight, shape, name):
    """Returns weights of volumes, `(batch,)`, or of voxels, `(batch, x, y, z)`.

    Args:
        sample_weight: `(batch,)`, `(batch, 1)`, `(batch, x, y, z)` or
            `(batch, x, y, z, 1)`.
        shape: tuple, `(batch, x, y, z)`, or `(batch,)` where voxels cannot be
            weighted.
        name: str, who asks, for the message.

    Raises:
        ValueError: for another shape.
    """
    given = static_shape(sample_weight)
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    one_each = len(given) in (2, 5) and given[-1] == 1
    found = given[:-1] if one_each else given
    if len(found) not in {1, len(shape)} or not agree(found, shape[: len(found)]):
        wanted = " or ".join(str(s) for s in sorted({shape[:1], shape}, key=len))
        raise ValueError(
            f"{name} takes weights {wanted}. Received: sample_weight.shape={given}."
        )
    return ops.squeeze(weights, -1) if one_each else weights


def _checked(x, num_classes, name, what):
    """Returns a tensor, scores with their channel, and whether it is scores."""
    shape = static_shape(x)
    if len(shape) not in (4, 5) or (
        len(shape) == 5 and shape[4] not in (1, num_classes)
    ):
        raise ValueError(
            f"{name} takes (batch, x, y, z[, 1 or {num_classes}]). "
            f"Received: {what}.shape={shape}."
        )
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    if not _is_number(dtype):
        raise ValueError(
            f"{name} takes numbers as labels. Received: {what}.dtype={dtype}."
        )
    x = ops.convert_to_tensor(x)
    if len(shape) == 5 and shape[4] == num_classes:
        return x, True
    return (x[..., 0] if len(shape) == 5 else x), False


def _one_hot_indices(x, num_classes, name, what):
    rule = f"class indices from 0 to {num_classes - 1}"
    _check_range(x, num_classes - 1, name, rule, what, whole=True)
    return ops.one_hot(ops.cast(x, "int32"), num_classes, dtype="float32")


def _check_range(x, last, name, rule, what, tolerance=0, whole=False):
    try:
        values = np.asarray(x)
    except _NO_NUMBERS:
        return  # inside a compiled graph there is nothing to look at
    if not values.size:
        return
    low, high = float(values.min()), float(values.max())
    fractional = whole and bool((values != np.rint(values)).any())
    if fractional or not -tolerance <= low <= high <= last + tolerance:
        raise ValueError(
            f"{name} takes {rule}. Received: {what} from {low:g} to {high:g}"
            f"{', not whole' if fractional else ''}."
        )


def _is_number(dtype):
    try:
        name = keras.backend.standardize_dtype(dtype)
    except ValueError:
        return False
    return name == "bool" or "int" in name or "float" in name
