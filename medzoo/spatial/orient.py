"""Reordering and flipping of axes towards an anatomical orientation; lossless."""

from typing import Any

import numpy as np

from medzoo.errors import InputError

PAIRS = ("LR", "PA", "IS")


# Any: a Volume draws itself through this module, which therefore does not import it.
def orient(volume: Any, orientation: str = "RAS") -> Any:
    """Permutes and flips axes to the given orientation.

    Voxel values and world positions stay exactly as they are.

    Args:
        volume: Volume.
        orientation: str, three letters, one of each pair L/R, P/A, I/S: where the
            first, second and third axis point to. Defaults to "RAS".

    Returns:
        Volume, its array contiguous.

    Raises:
        InputError: for a string that is no orientation.
    """
    source = _signed_axes(volume.orientation)
    target = _signed_axes(orientation)
    order = [next(i for i, s in enumerate(source) if s[0] == t[0]) for t in target]
    array = volume.array.transpose(*order, *range(3, volume.array.ndim))
    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1
    for new_axis, old_axis in enumerate(order):
        flipped = source[old_axis][1] != target[new_axis][1]
        to_old[old_axis, new_axis] = -1 if flipped else 1
        if flipped:
            array = np.flip(array, new_axis)
            to_old[old_axis, 3] = array.shape[new_axis] - 1
    affine = volume.affine @ to_old
    return volume.with_array(np.ascontiguousarray(array)).with_affine(affine)


def _signed_axes(orientation):
    """("R", "A", "S") -> [(0, 1), (1, 1), (2, 1)]: world axis and direction."""
    axes = [
        next((p for p, pair in enumerate(PAIRS) if letter in pair), None)
        for letter in orientation
    ]
    if sorted(axes, key=str) != [0, 1, 2]:
        raise InputError(
            "An orientation names one of each pair L/R, P/A, I/S. "
            f'Received: orientation={orientation!r}. Use for instance "RAS".'
        )
    return [
        (axis, PAIRS[axis].index(letter))
        for axis, letter in zip(axes, orientation, strict=True)
    ]
