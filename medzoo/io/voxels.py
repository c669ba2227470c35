"""Voxel data types on reading and writing; NaN and Inf."""

import numpy as np

from medzoo.errors import InputError
from medzoo.io.refusal import refusal, shown

# Of all voxels: with fewer that are finite there is no image.
LEAST_FINITE = 0.01
# An object that is less than half of its image has more voxels than these.
LEAST_VOXELS = 1000
# Voxels within the object that may be missing: a few, or this share of it.
FEW, MOST_HOLES = 10, 0.01
# Voxels; narrower gaps belong to the object.
CLOSED_GAP = 2


def native(array):
    """Returns voxels in native byte order, all floats as float32.

    Args:
        array: of booleans, integers or floats.

    Returns:
        Booleans as uint8, integers as they are, floats as float32. A number beyond
        float32 becomes infinite and `without_non_finite` deals with it.
    """
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(np.float32, copy=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def without_non_finite(array, path):
    """Sets NaN and infinite voxels to the background.

    The background is 0 if that occurs, else the lowest finite value. Outside a head
    they are background however many, as SPM writes them.

    Args:
        array: of any numbers; changed in place.
        path: the file, for messages.

    Returns:
        The array and a list of warnings.

    Raises:
        InputError: if hardly a voxel is finite, or many within the object are not.
    """
    if array.dtype.kind != "f":
        return array, []
    finite = np.isfinite(array)
    count = array.size - int(np.count_nonzero(finite))
    if count == 0:
        return array, []
    _check_inside(finite, path)
    has_zero = bool((array == 0).any())
    background = 0.0 if has_zero else float(array.min(where=finite, initial=np.inf))
    array[~finite] = background
    return array, [
        f"Voxels should be finite numbers in {shown(path)}. Received: not "
        f"finite={count} of {array.size}. They are set to {background:g}."
    ]


def _check_inside(finite, path):
    """Refuses an image that has too many holes within what is finite."""
    good = int(np.count_nonzero(finite))
    inside = 0
    if good >= LEAST_FINITE * finite.size:
        inside = int(np.count_nonzero(_object(finite) & ~finite))
    little = good < LEAST_FINITE * finite.size
    little |= 2 * good < finite.size and good < LEAST_VOXELS
    if little or inside > max(FEW, MOST_HOLES * good):
        raise refusal(
            InputError,
            "The voxels of an object must be finite numbers",
            path,
            f"not finite={finite.size - good} of {finite.size}, "
            f"{inside} of them within the object",
            "Make the image again from its source.",
        )


def _object(finite):
    """What is finite or enclosed by it, small gaps closed: `(x, y, z)` bool."""
    from scipy.ndimage import binary_closing, binary_fill_holes

    if finite.ndim == 4:
        finite = finite.all(axis=-1)
        return _object(finite)[..., None]
    closed = binary_closing(finite, iterations=CLOSED_GAP) | finite
    return binary_fill_holes(closed)


def storable(array, path):
    """Voxels in a type that every image format takes, without changing a value.

    Args:
        array: a Volume's array.
        path: the file to be written, for messages.

    Returns:
        Array: bool as uint8, other floats as float32, 64-bit integers as int32.

    Raises:
        InputError: if it holds no real numbers, non-finite ones, or does not fit.
    """
    if array.dtype.kind not in "biuf":
        raise refusal(
            InputError,
            "Only real numbers can be written",
            path,
            f"dtype={array.dtype}",
            "Convert the array to float32 or to an integer type.",
        )
    result = native(array)
    if result.dtype.kind == "f" and not np.isfinite(result).all():
        raise refusal(
            InputError,
            "Only finite voxels within float32 can be written",
            path,
            f"not finite={int((~np.isfinite(result)).sum())} of {result.size}",
            "Find out where they come from; nothing was written.",
        )
    if result.dtype.itemsize < 8:
        return result
    low, high = int(result.min()), int(result.max())
    if low < -(2**31) or high >= 2**31:
        raise refusal(
            InputError,
            "64-bit integers must fit into 32 bits to be written",
            path,
            f"range={low}..{high}",
            "Renumber the labels or convert to float32.",
        )
    return result.astype(np.int32)
