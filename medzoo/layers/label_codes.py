"""Label maps with sparse codes: static tables from a code to what belongs to it."""

from numbers import Integral

import keras
import numpy as np
from keras import ops

# A table has one entry a code; FreeSurfer's go up to some 15000.
LARGEST_CODE = 2**20


def check_codes(codes, name):
    """Returns codes as a tuple of ints.

    Raises:
        ValueError: for other types, negative or huge codes, or the same twice.
    """
    codes = tuple(codes)
    known = all(isinstance(c, Integral) and 0 <= c <= LARGEST_CODE for c in codes)
    if not known or len(set(codes)) < len(codes):
        raise ValueError(
            f"`{name}` must be ints from 0 to {LARGEST_CODE}, each once. "
            f"Received: {name}={codes}."
        )
    return tuple(int(c) for c in codes)


def code_table(values, other=0):
    """Returns a table of what belongs to each code.

    Args:
        values: dict of code -> int.
        other: int, what belongs to any other code.

    Returns:
        `(largest code + 2,)` int32; the last entry is for all codes beyond.
    """
    table = np.full(max(values, default=0) + 2, other, "int32")
    for code, value in values.items():
        table[code] = value
    return table


def look_up(label_map, table):
    """Returns the entry of a table for each voxel of a label map.

    Args:
        label_map: tensor of ints or whole floats.
        table: array from `code_table`.

    Returns:
        int32 tensor of the shape of `label_map`.
    """
    last = len(table) - 1
    # Whole numbers in a float may be off by rounding after a resampling.
    if not ops.is_tensor(label_map):
        label_map = ops.convert_to_tensor(label_map)
    if keras.backend.is_float_dtype(label_map.dtype):
        label_map = ops.round(label_map)
    index = ops.cast(label_map, "int32")
    # Negative codes are in no table: they share its last entry.
    index = ops.where(index < 0, last, ops.minimum(index, last))
    return ops.take(ops.convert_to_tensor(table), index, axis=0)
