"""Axes of a volume as an argument: by number or by anatomical name."""

import keras
from keras import ops

# Tensors are in RAS order.
ANATOMICAL = {"LR": 0, "PA": 1, "AP": 1, "IS": 2, "SI": 2}


def axis_indices(axes):
    """Returns the axes (0, 1, 2) that `axes` names, in the order given.

    Args:
        axes: tuple of int (0, 1, 2) or anatomical names ("LR", "PA", "IS").

    Raises:
        ValueError: for another axis, one that is named twice, or none.
    """
    known = all(axis in (0, 1, 2, *ANATOMICAL) for axis in axes)
    indices = [ANATOMICAL.get(axis, axis) for axis in axes] if known else []
    if not indices or len(set(indices)) < len(indices):
        raise ValueError(
            f"`axes` must be of (0, 1, 2) or {sorted(ANATOMICAL)}, each once. "
            f"Received: axes={axes}."
        )
    return indices


def as_axes(axes):
    """Returns `axes`, of which there may be one alone, as a tuple; checked."""
    axes = (axes,) if isinstance(axes, (int, str)) else tuple(axes)
    axis_indices(axes)
    return axes


def draw_axis(indices, shape, seed):
    """Draws one of some axes.

    Args:
        indices: list of int, from `axis_indices`.
        shape: tuple, of what is drawn.
        seed: `keras.random.SeedGenerator` or int.

    Returns:
        `(*shape, 3)` float32, 1 for the axis drawn and 0 for the others.
    """
    drawn = keras.random.randint(shape, 0, len(indices), seed=seed)
    drawn = ops.take(ops.convert_to_tensor(indices, dtype="int32"), drawn)
    return ops.one_hot(drawn, 3, dtype="float32")
