"""RandomAffine3D: rotates, scales, shears and shifts volumes."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.random_warp import RandomWarp, magnitudes
from medzoo.layers.volume_layer import IMAGES


@keras.saving.register_keras_serializable(package="medzoo")
class RandomAffine3D(RandomWarp):
    """Resamples each volume through a random affine map about its centre.

    Images linearly, label maps by nearest neighbour, with the same draw. Each of the
    first four magnitudes is one number, or three, one for each axis.

    Args:
        rotation: float or three floats, degrees about each axis, drawn from
            [-rotation, rotation]. Defaults to 10.
        scale: float or three floats, natural logarithm of the size along each axis,
            likewise. Defaults to 0.1.
        shear: float or three floats (x by y, x by z, y by z), likewise. Defaults to 0.
        shift: float or three floats, voxels along each axis, likewise. Defaults to 0.
        isotropic_scale: float, natural logarithm of a further factor that all axes
            share, likewise. Defaults to 0.
        background: float, value of images outside; label maps and weights are 0
            there. Defaults to 0.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        interpolation: "linear" or "nearest", for images. Defaults to "linear".
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With all magnitudes 0 it is the identity.

    Raises:
        ValueError: for a negative magnitude or another interpolation.

    Example:
    >>> augment = medzoo.layers.RandomAffine3D(rotation=(0, 0, 30), shift=4)
    >>> augment({"images": t1, "segmentation_masks": labels}, training=True)
    """

    def __init__(
        self,
        rotation: float | Sequence[float] = 10.0,
        scale: float | Sequence[float] = 0.1,
        shear: float | Sequence[float] = 0.0,
        shift: float | Sequence[float] = 0.0,
        isotropic_scale: float = 0.0,
        background: float = 0.0,
        rate: float = 1.0,
        seed: int | None = None,
        interpolation: str = "linear",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            background=background,
            interpolation=interpolation,
            rate=rate,
            seed=seed,
            **kwargs,
        )
        self.rotation = magnitudes(rotation, "rotation")
        self.scale = magnitudes(scale, "scale")
        self.shear = magnitudes(shear, "shear")
        self.shift = magnitudes(shift, "shift")
        self.isotropic_scale = magnitudes(
            isotropic_scale, "isotropic_scale", per_axis=False
        )

    def draw(self, data: Any, seed: Any) -> Any:
        count = ops.shape(data[IMAGES])[0]

        def uniform(size, bound):
            drawn = keras.random.uniform((count, size), -1.0, 1.0, seed=seed)
            return drawn * np.asarray(bound, np.float32)

        angles = uniform(3, np.deg2rad(self.rotation))
        scales = ops.exp(uniform(3, self.scale) + uniform(1, self.isotropic_scale))
        shears = uniform(3, self.shear)
        matrix = ops.matmul(_rotation(angles), _scale_shear(scales, shears))
        return {"matrix": matrix, "shift": uniform(3, self.shift)}

    def coordinates(self, transformation: Any, sizes: Any) -> Any:
        return affine_coordinates(
            transformation["matrix"], transformation["shift"], sizes
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "scale": self.scale,
            "shear": self.shear,
            "shift": self.shift,
            "isotropic_scale": self.isotropic_scale,
        }


def affine_coordinates(matrix, shift, sizes, displacement=None):
    """Maps the voxel indices of volumes about their centre.

    Args:
        matrix: `(batch, 3, 3)` float32.
        shift: `(batch, 3)` float32, voxels.
        sizes: three ints or scalar tensors, of the volumes.
        displacement: None, or three tensors `(batch, x, y, z)`, voxels added to the
            indices first.

    Returns:
        Three float32 tensors `(batch, x, y, z)`.
    """
    centre = [(ops.cast(n, "float32") - 1.0) / 2.0 for n in sizes]
    index = voxel_indices(sizes)
    if displacement is not None:
        index = [i + d for i, d in zip(index, displacement, strict=True)]
    x, y, z = (i - c for i, c in zip(index, centre, strict=True))

    def row(axis):
        a, b, c = (
            ops.reshape(matrix[:, axis, column], (-1, 1, 1, 1)) for column in range(3)
        )
        offset = ops.reshape(shift[:, axis] + centre[axis], (-1, 1, 1, 1))
        # Without displacement each sum but the last is of a plane or a line.
        return (a * x + b * y) + (c * z + offset)

    return [row(axis) for axis in range(3)]


def voxel_indices(sizes):
    """Returns the index along each axis: `(1, x, 1, 1)`, `(1, 1, y, 1)`, ..."""
    lines = [ops.cast(ops.arange(n, dtype="int32"), "float32") for n in sizes]
    shapes = [(1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1)]
    return [ops.reshape(i, s) for i, s in zip(lines, shapes, strict=True)]


def _matrix(rows):
    """Nine `(batch,)` tensors, row by row -> `(batch, 3, 3)`."""
    return ops.reshape(ops.stack([e for row in rows for e in row], -1), (-1, 3, 3))


def _rotation(angles):
    x, y, z = (angles[:, axis] for axis in range(3))
    one, zero = ops.ones_like(x), ops.zeros_like(x)
    sin, cos = ops.sin, ops.cos
    about_x = _matrix(
        [[one, zero, zero], [zero, cos(x), -sin(x)], [zero, sin(x), cos(x)]]
    )
    about_y = _matrix(
        [[cos(y), zero, sin(y)], [zero, one, zero], [-sin(y), zero, cos(y)]]
    )
    about_z = _matrix(
        [[cos(z), -sin(z), zero], [sin(z), cos(z), zero], [zero, zero, one]]
    )
    return ops.matmul(about_z, ops.matmul(about_y, about_x))


def _scale_shear(scales, shears):
    a, b, c = (scales[:, axis] for axis in range(3))
    xy, xz, yz = (shears[:, axis] for axis in range(3))
    zero = ops.zeros_like(a)
    return _matrix([[a, xy, xz], [zero, b, yz], [zero, zero, c]])
