"""What a scanner does to the intensities of tissue, drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import ops

from medzoo.layers.axis_matrix import (
    apply_along_axis,
    gaussian_matrix,
    hat_matrix,
    interpolation_matrix,
    slice_matrix,
)
from medzoo.layers.axis_names import axis_indices, draw_axis
from medzoo.layers.ranges import range_within


@dataclass(frozen=True)
class Acquisition:
    """Bias field, gamma curve, blur, thick slices and noise of each channel apart.

    Args:
        bias_stddev: float, upper bound of the standard deviation of the logarithm
            of the bias field at its control points, drawn from 0 on.
        control_points: int, of the bias field along each axis, linear between them.
        log_gamma: float, the natural logarithm of the power that intensities are
            raised to is drawn from [-log_gamma, log_gamma].
        blur: two floats, range of the standard deviation of a Gaussian, in voxels.
        thick_slices: float in [0, 1], chance of slices thicker than a voxel.
        slice_spacing: two floats, at least 1, range of voxels from one slice to the
            next; the slice is 1 voxel to the whole spacing thick.
        axes: tuple of int or anatomical names, across which slices may lie.
        noise: two floats, range of the standard deviation of Gaussian noise in a
            slice.

    Raises:
        ValueError: for what is out of range.
    """

    bias_stddev: float
    control_points: int
    log_gamma: float
    blur: Sequence[float]
    thick_slices: float
    slice_spacing: Sequence[float]
    axes: tuple
    noise: Sequence[float]

    def __post_init__(self):
        for name in ("bias_stddev", "log_gamma"):
            if not getattr(self, name) >= 0:
                raise ValueError(
                    f"`{name}` must not be negative. "
                    f"Received: {name}={getattr(self, name)}."
                )
        if not 0 <= self.thick_slices <= 1:
            raise ValueError(
                "`thick_slices` must lie in [0, 1]. "
                f"Received: thick_slices={self.thick_slices}."
            )
        if self.control_points < 2:
            raise ValueError(
                "`control_points` must be at least 2. "
                f"Received: control_points={self.control_points}."
            )
        axis_indices(self.axes)
        for name, least in (("blur", 0.0), ("slice_spacing", 1.0), ("noise", 0.0)):
            limits = range_within(getattr(self, name), name, least=least)
            object.__setattr__(self, name, limits)

    def draw(self, shape, seed):
        """Draws what `apply` needs.

        Args:
            shape: `(batch, x, y, z, channels)`, of the images.
            seed: `keras.random.SeedGenerator` or int.

        Returns:
            Dict of tensors, one row a volume.
        """
        count, channels = shape[0], shape[-1]

        def uniform(low, high):
            return keras.random.uniform((count, channels), low, high, seed=seed)

        points = (count, *[self.control_points] * 3, channels)
        stddev = uniform(0.0, self.bias_stddev)[:, None, None, None]
        thick = ops.cast(uniform(0.0, 1.0) < self.thick_slices, "float32")
        axis = draw_axis(axis_indices(self.axes), (count, channels), seed)
        axis = axis * thick[..., None]
        spacing = uniform(*self.slice_spacing)
        thickness = 1.0 + uniform(0.0, 1.0) * (spacing - 1.0)
        noise = uniform(*self.noise)[:, None, None, None]
        return {
            "bias_field": stddev * keras.random.normal(points, seed=seed),
            "gamma": ops.exp(uniform(-self.log_gamma, self.log_gamma)),
            "sigma": uniform(*self.blur),
            # 1 along the axes where slices are voxels.
            "slice_spacing": 1.0 + axis * (spacing - 1.0)[..., None],
            "slice_thickness": 1.0 + axis * (thickness - 1.0)[..., None],
            "noise": noise * keras.random.normal(shape, seed=seed),
        }

    def apply(self, images, drawn):
        """Returns `images` `(batch, x, y, z, channels)` as they are scanned."""
        drawn = {key: ops.convert_to_tensor(value) for key, value in drawn.items()}
        sizes = ops.shape(images)[1:4]
        field = drawn["bias_field"]
        for axis, size in enumerate(sizes):
            field = apply_along_axis(field, hat_matrix(size, self.control_points), axis)
        images = ops.maximum(images * ops.exp(field), 0.0)
        images = ops.power(images, drawn["gamma"][:, None, None, None])
        slices = axis_indices(self.axes) if self.thick_slices else []
        for axis, size in enumerate(sizes):
            matrix = gaussian_matrix(size, drawn["sigma"])
            if axis in slices:
                spacing = drawn["slice_spacing"][..., axis]
                thickness = drawn["slice_thickness"][..., axis]
                matrix = ops.matmul(slice_matrix(size, spacing, thickness), matrix)
            images = apply_along_axis(images, matrix, axis)
        # Noise is of the scanner, so it is there before slices become voxels again.
        images = images + drawn["noise"]
        for axis in slices:
            spacing = drawn["slice_spacing"][..., axis]
            matrix = interpolation_matrix(sizes[axis], spacing)
            images = apply_along_axis(images, matrix, axis)
        return ops.maximum(images, 0.0)
