"""RandomAffine3D: rotates, scales, shears and shifts volumes."""

import keras
import numpy as np
from keras import ops

from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer
from medzoo.layers.warp import warp


@keras.saving.register_keras_serializable(package="medzoo")
class RandomAffine3D(RandomVolumeLayer):
    """Resamples each volume through a random affine map about its centre.

    Images linearly, label maps by nearest neighbour, with the same draw.

    Args:
        rotation: float, degrees about each axis, drawn from [-rotation, rotation].
        scale: float, natural logarithm of the size along each axis, likewise.
        shear: float, likewise.
        shift: float, voxels along each axis, likewise.
        isotropic_scale: float, natural logarithm of a further factor that all axes
            share, likewise. Defaults to 0.
        background: float, value of images outside; label maps and weights are 0
            there. Defaults to 0.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With all magnitudes 0 it is the identity.
    """

    def __init__(
        self,
        rotation=10.0,
        scale=0.1,
        shear=0.0,
        shift=0.0,
        isotropic_scale=0.0,
        background=0.0,
        rate=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.shift = shift
        self.isotropic_scale = isotropic_scale
        self.background = background

    def draw(self, data, seed):
        count = ops.shape(data[IMAGES])[0]

        def uniform(size, bound):
            return keras.random.uniform((count, size), -bound, bound, seed=seed)

        angles = uniform(3, float(np.deg2rad(self.rotation)))
        scales = ops.exp(uniform(3, self.scale) + uniform(1, self.isotropic_scale))
        shears = uniform(3, self.shear)
        matrix = ops.matmul(_rotation(angles), _scale_shear(scales, shears))
        return {"matrix": matrix, "shift": uniform(3, self.shift)}

    def transform_images(self, images, transformation, training=True):
        return self._resample(images, transformation, "linear", self.background)

    def transform_segmentation_masks(self, masks, transformation, training=True):
        # Outside is background (0) and has no weight, whatever images have there.
        return self._resample(masks, transformation, "nearest", 0)

    def _resample(self, volumes, transformation, interpolation, background):
        if transformation is None:
            return volumes
        shape = volumes.shape[1:4]
        centre = (np.asarray(shape, np.float32) - 1) / 2
        axes = [
            np.arange(n, dtype=np.float32) - c
            for n, c in zip(shape, centre, strict=True)
        ]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        moved = ops.matmul(
            grid[None], ops.transpose(transformation["matrix"], (0, 2, 1))
        )
        moved = moved + (transformation["shift"] + centre)[:, None]
        moved = ops.reshape(moved, (-1, *shape, 3))
        return warp(volumes, moved, interpolation=interpolation, background=background)

    def get_config(self):
        return {
            **super().get_config(),
            "rotation": self.rotation,
            "scale": self.scale,
            "shear": self.shear,
            "shift": self.shift,
            "isotropic_scale": self.isotropic_scale,
            "background": self.background,
        }


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
