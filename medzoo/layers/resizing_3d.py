"""Resizing3D: volumes of another number of voxels, or of another spacing."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.axis_matrix import apply_along_axis, gaussian_matrix
from medzoo.layers.random_warp import magnitudes
from medzoo.layers.resizing_layer import ResizingLayer
from medzoo.layers.size_3d import three_ints
from medzoo.layers.warp import INTERPOLATIONS

# A Gaussian of this sigma has a full width at half maximum of one voxel.
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
# Voxels. What lies half-way goes up, however the product was rounded.
TIE = 1e-4


@keras.saving.register_keras_serializable(package="medzoo")
class Resizing3D(ResizingLayer):
    """Resamples volumes to a size, or by a factor; the centre stays in the centre.

    Voxels are cells: with `size` the outer edges of the volume stay. Beyond the centres
    of the outermost voxels their values go on. Label maps and weights take the nearest
    voxel.

    Args:
        size: int or three ints, voxels of the result; or None with `factor`.
        factor: float or three floats, by which the number of voxels along each axis is
            multiplied: the old spacing over the new one. The size is rounded, the
            spacing is exact. Or None with `size`.
        interpolation: "linear" or "nearest", for images. Defaults to "linear".
        antialias: bool, whether images are smoothed first along axes that shrink, by a
            Gaussian that brings the old voxel to the width of the new one; linear
            alone. Defaults to True.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input, with `size`, or the sizes times `factor`, in place of x, y and z.

    Raises:
        ValueError: for both or none of `size` and `factor`, for one that is not
            positive, or another interpolation.

    Example: from 1 mm to 2 mm.
    >>> layer = medzoo.layers.Resizing3D(factor=0.5)
    >>> layer(t1).shape
    (80, 96, 80, 1)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        factor: float | Sequence[float] | None = None,
        interpolation: str = "linear",
        antialias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (size is None) == (factor is None):
            raise ValueError(
                "Resizing3D needs one of `size` and `factor`. "
                f"Received: size={size}, factor={factor}."
            )
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"`interpolation` must be one of {INTERPOLATIONS}. "
                f"Received: interpolation={interpolation!r}."
            )
        self.size = size if size is None else three_ints(size, "size")
        self.factor = factor
        if factor is not None:
            self.factor = magnitudes(factor, "factor", positive=True)
        self.interpolation = interpolation
        self.antialias = antialias

    def output_sizes(self, sizes: Any) -> Any:
        if self.size is not None:
            return self.size
        return tuple(
            None if n is None else max(1, round(n * factor))
            for n, factor in zip(sizes, self._factors(), strict=True)
        )

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if self.interpolation == "nearest":
            return self.transform_segmentation_masks(images, transformation)
        for axis, (old, new, step) in enumerate(self._grids(images)):
            if not _unchanged(old, new, step):
                matrix = _linear_matrix(old, new, step, self.antialias)
                images = apply_along_axis(images, matrix, axis)
        return images

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        for axis, (old, new, step) in enumerate(self._grids(masks)):
            if not _unchanged(old, new, step):
                index = ops.floor(_positions(old, new, step) + (0.5 + TIE))
                masks = ops.take(masks, ops.cast(index, "int32"), axis + 1)
        return masks

    def _factors(self):
        return self.factor if isinstance(self.factor, tuple) else (self.factor,) * 3

    def _grids(self, volumes):
        """Old size, new size and old voxels a new one, along each axis."""
        old = ops.shape(volumes)[1:4]
        if self.size is not None:
            return [(n, m, n / m) for n, m in zip(old, self.size, strict=True)]
        return [
            (n, _scaled(n, factor), 1 / factor)
            for n, factor in zip(old, self._factors(), strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "factor": self.factor,
            "interpolation": self.interpolation,
            "antialias": self.antialias,
        }


def _scaled(size, factor):
    if isinstance(size, int):
        return max(1, round(size * factor))
    scaled = ops.round(ops.cast(size, "float32") * factor)
    return ops.maximum(ops.cast(scaled, "int32"), 1)


def _unchanged(old, new, step):
    static = isinstance(old, int) and isinstance(new, int)
    return static and old == new and step == 1


def _positions(old, new, step):
    """Where new voxels lie among the old ones, in indices, `(new,)` float32."""
    old, size, step = (ops.cast(v, "float32") for v in (old, new, step))
    index = ops.cast(ops.arange(new, dtype="int32"), "float32")
    position = (index - (size - 1.0) / 2.0) * step + (old - 1.0) / 2.0
    return ops.clip(position, 0.0, old - 1.0)


def _linear_matrix(old, new, step, antialias):
    """Interpolation, after smoothing where the axis shrinks: `(new, old)`."""
    index = ops.cast(ops.arange(old, dtype="int32"), "float32")
    distance = ops.abs(_positions(old, new, step)[:, None] - index[None])
    matrix = ops.maximum(1.0 - distance, 0.0)
    if not antialias:
        return matrix
    wider = ops.maximum(ops.square(ops.cast(step, "float32")) - 1.0, 0.0)
    return ops.matmul(matrix, gaussian_matrix(old, SIGMA_PER_FWHM * ops.sqrt(wider)))
