"""Displace3D: volumes resampled at displaced voxels."""

from typing import Any

import keras
from keras import ops

from medzoo.layers.random_affine_3d import voxel_indices
from medzoo.layers.warp import warp


@keras.saving.register_keras_serializable(package="medzoo")
class Displace3D(keras.layers.Layer):
    """Resamples the first of two tensors linearly, displaced by the second.

    Voxel `i` of the output is the input at `i` plus its displacement. Beyond the
    border the outermost voxels go on. Gradients reach volumes and displacements.

    Args:
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        List of `(batch, x, y, z, channels)` and `(batch, x, y, z, 3)`, the
        displacement along each axis in voxels.

    Output shape:
        `(batch, x, y, z, channels)`.

    Raises:
        ValueError: if the sizes differ, or there are not three displacements.

    Example:
        >>> one_on = np.ones((1, 8, 8, 8, 3)) * (1, 0, 0)
        >>> Displace3D()([volumes, one_on])  # shifted by one voxel along x

    Source:
        Jaderberg et al., "Spatial Transformer Networks" (2015).
    """

    def call(self, inputs: Any) -> Any:
        volumes, displacement = inputs
        sizes = ops.shape(volumes)[1:4]
        # float32: in half precision a voxel index above 255 has no fraction left.
        moved = ops.cast(displacement, "float32")
        coordinates = [
            ops.clip(index + moved[..., axis], 0.0, ops.cast(size - 1, "float32"))
            for axis, (index, size) in enumerate(
                zip(voxel_indices(sizes), sizes, strict=True)
            )
        ]
        return warp(volumes, coordinates)

    def compute_output_shape(self, input_shape: Any) -> Any:
        volumes, displacement = input_shape
        if tuple(displacement[1:]) != (*volumes[1:4], 3):
            raise ValueError(
                "A displacement must have the sizes of its volume and three channels. "
                f"Received: shapes={volumes} and {displacement}."
            )
        return tuple(volumes)

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = self.compute_output_shape([tuple(x.shape) for x in inputs])
        return keras.KerasTensor(shape, self.compute_dtype)
