"""Label maps as files have them, as whole numbers."""

import numpy as np

from medzoo.errors import InputError

# Scaled label maps come back a little off what they were.
ROUNDING = 1e-3
# However large they are: labels that were interpolated are off by up to one half.
MOST_OFF = 0.2
# Share of the voxels of a one-hot map in which no channel is set.
MOST_WITHOUT_CLASS = 0.01


def whole_labels(array, name):
    """Returns a label map as whole numbers, `(x, y, z)`.

    Maps that were stored scaled (7.999996) are rounded. One-hot maps, a channel a
    class, background first, become the index of the class; a few voxels without a
    class are background.

    Args:
        array: `(x, y, z)`, or `(x, y, z, classes)` of zeros and ones.
        name: str or path, for messages.

    Returns:
        Integer array `(x, y, z)`.

    Raises:
        InputError: for values that are no whole numbers, or negative; for a one-hot
            map with more than one class a voxel, or with none in many.
    """
    if array.ndim == 4 and array.shape[3] > 1:
        return _from_one_hot(array, name)
    array = array if array.ndim == 3 else array[..., 0]
    if array.dtype.kind in "iub":
        whole = array
    else:
        rounded = np.rint(array)
        allowed = min(MOST_OFF, ROUNDING * max(1.0, np.abs(rounded).max()))
        if np.abs(array - rounded).max() > allowed:
            raise _no_labels(array, name)
        whole = rounded.astype(np.int32)
    if whole.min() < 0:
        raise _no_labels(array, name)
    return whole


def _from_one_hot(array, name):
    near = np.rint(array)
    if not (np.abs(array - near).max() <= ROUNDING and np.isin(near, (0, 1)).all()):
        raise _no_labels(array, name)
    total = near.sum(axis=-1)
    if total.max() > 1:
        raise InputError(
            "A label map of one channel a class must have one class a voxel. Received: "
            f"up to {int(total.max())} in {name}. Give one map of numbers."
        )
    none = float((total == 0).mean())
    if none > MOST_WITHOUT_CLASS:
        # Without a channel of background each class would become the one before it.
        raise InputError(
            "A label map of one channel a class must have one class a voxel, the first "
            f"being background. Received: {none:.1%} of the voxels of {name} without "
            "one. Put a channel of background first, or give one map of numbers."
        )
    return np.where(total > 0, near.argmax(axis=-1), 0).astype(np.int32)


def _no_labels(array, name):
    return InputError(
        "A label map must hold whole numbers of at least 0. Received: "
        f"values from {array.min()} to {array.max()} in {name}. Give another column."
    )
