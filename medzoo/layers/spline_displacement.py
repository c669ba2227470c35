"""Smooth displacements: cubic B-splines over a grid of control points."""

import keras
import numpy as np
from keras import ops

# A cubic B-spline displacement cannot fold where no coefficient exceeds this share of
# the spacing of control points: 1 / 2.48 in three dimensions (Choi and Lee 2000).
LARGEST_SHARE = 0.4


def grid_sizes(sizes, control_points, spacing, least):
    """Returns how many control points there are along each axis.

    Args:
        sizes: three ints or scalar tensors, of the volumes.
        control_points: three ints.
        spacing: None, float or three floats: voxels between control points, rounded
            so that whole cells span the volume. It goes before `control_points`.
        least: int, the fewest along an axis.

    Returns:
        Three ints.

    Raises:
        ValueError: if a spacing is to divide a size that is not known yet.
    """
    if spacing is None:
        return control_points
    if not all(isinstance(n, int) for n in sizes):
        raise ValueError(
            "`spacing` of control points needs volumes of known sizes. "
            f"Received: spacing={spacing} and sizes that are not static. "
            "Give `control_points` instead, or crop or pad to a fixed size before."
        )
    steps = np.broadcast_to(spacing, 3)
    cells = (round((n - 1) / step) for n, step in zip(sizes, steps, strict=True))
    return tuple(max(least, 3 + count) for count in cells)


def draw_control(count, points, bound, fixed_border, seed):
    """Draws the coefficients of random displacements.

    Args:
        count: int or scalar tensor, volumes.
        points: three ints, control points along each axis.
        bound: `(3,)` float32, voxels: coefficients along each axis are drawn uniformly
            from [-bound, bound].
        fixed_border: bool, whether the outermost voxels stay where they are.
        seed: `keras.random.SeedGenerator` or int.

    Returns:
        `(count, *points, 3)` float32.
    """
    shape = (count, *points, 3)
    control = keras.random.uniform(shape, -1.0, 1.0, seed=seed) * bound
    if fixed_border:
        for axis in (1, 2, 3):
            control = _still_at_both_ends(control, axis)
    return control


def largest_displacement(displacement, sizes, points, prevent_folding):
    """Returns the bound of coefficients along each axis, `(3,)` float32, in voxels.

    Args:
        displacement: float or three floats, what was asked for.
        sizes: three ints or scalar tensors, of the volumes.
        points: three ints, control points along each axis.
        prevent_folding: bool, whether to stay below what cannot fold.
    """
    asked = ops.convert_to_tensor(displacement, dtype="float32") * ops.ones((3,))
    if not prevent_folding:
        return asked
    spacing = [
        (ops.cast(n, "float32") - 1.0) / (count - 3.0)
        for n, count in zip(sizes, points, strict=True)
    ]
    return ops.minimum(asked, LARGEST_SHARE * ops.stack(spacing))


def displacement_field(control, sizes):
    """Evaluates B-spline displacements at every voxel.

    Args:
        control: `(batch, i, j, k, 3)` float32, coefficients in voxels.
        sizes: three ints or scalar tensors, (x, y, z).

    Returns:
        Three float32 tensors `(batch, x, y, z)`, the displacement along each axis. No
        value exceeds the largest coefficient.
    """
    count = ops.shape(control)[0]
    i, j, k = control.shape[1:4]
    x, y, z = sizes
    along_x, along_y, along_z = (
        cubic_b_splines(n, points) for n, points in zip(sizes, (i, j, k), strict=True)
    )

    def component(axis):
        field = ops.reshape(control[..., axis], (count, i, j * k))
        field = ops.reshape(ops.matmul(along_x, field), (count, x, j, k))
        field = ops.matmul(along_y, field)  # (batch, x, y, k)
        field = ops.reshape(field, (count, x * y, k))
        field = ops.matmul(field, ops.transpose(along_z))
        return ops.reshape(field, (count, x, y, z))

    return [component(axis) for axis in range(3)]


def cubic_b_splines(size, points):
    """Values of the uniform cubic B-splines at the voxels of one axis.

    The first and the last voxel lie on the second and the last but one control point,
    so that the cells between, `points - 3`, span the volume.

    Args:
        size: int or scalar tensor, voxels.
        points: int, control points.

    Returns:
        `(size, points)` float32, not negative, whose rows sum to 1.
    """
    step = (points - 3.0) / ops.maximum(ops.cast(size, "float32") - 1.0, 1.0)
    position = ops.cast(ops.arange(size, dtype="int32"), "float32") * step
    knots = ops.arange(points, dtype="float32") - 1.0
    distance = ops.abs(position[:, None] - knots[None])
    near = 2.0 / 3.0 + ops.square(distance) * (0.5 * distance - 1.0)
    far = ops.power(ops.maximum(2.0 - distance, 0.0), 3) / 6.0
    return ops.where(distance < 1.0, near, far)


def _still_at_both_ends(control, axis):
    """Replaces two control points at each end, so that the outermost voxels stay.

    At a knot the spline is (a + 4 b + c) / 6: b = 0 and a = -c leave c free.
    """
    inner = ops.take(control, np.arange(2, control.shape[axis] - 2), axis)
    first, last = ops.take(inner, [0], axis), ops.take(inner, [-1], axis)
    zero = ops.zeros_like(first)
    return ops.concatenate([-first, zero, inner, zero, -last], axis)
