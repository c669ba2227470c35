"""RandomLowResolution: volumes as if scanned with fewer or thicker slices."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from medzoo.layers.axis_matrix import (
    apply_along_axis,
    interpolation_matrix,
    slice_matrix,
)
from medzoo.layers.axis_names import as_axes, axis_indices, draw_axis
from medzoo.layers.ranges import range_within
from medzoo.layers.volume_layer import IMAGES, RandomVolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class RandomLowResolution(RandomVolumeLayer):
    """Brings volumes to a lower resolution and back by linear interpolation.

    The factor may be any number, and differ from volume to volume; sizes stay.

    Args:
        downsampling: two floats, at least 1, or one, the upper bound: range of the
            factor that voxels grow by along an axis. Defaults to (1, 3).
        axes: tuple of int (0, 1, 2) or anatomical names ("LR", "PA", "IS"),
            or one of them. Defaults to all.
        anisotropic: bool, whether one of the axes is drawn for each volume, as of
            scans with thick slices (the default), or all share a factor.
        antialias: bool, whether the voxels of a slice are averaged, as scanners do
            (the default), or the one at its centre is taken.
        per_channel: bool, whether each channel has its own draw, as scans of several
            sequences have. Defaults to False.
        rate: float, share of volumes transformed. Defaults to 1.
        seed: int or None.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, channels)` or `(x, y, z, channels)`.

    Output shape:
        As the input. With factors of 1 it is the identity.

    Raises:
        ValueError: for factors below 1, or unknown axes.

    Source:
        Billot et al., "Partial volume segmentation of brain MRI scans of any
        resolution and contrast" (2020); one axis as in TorchIO's RandomAnisotropy, all
        as in nnU-Net's simulation of low resolution.
    """

    def __init__(
        self,
        downsampling: float | Sequence[float] = (1.0, 3.0),
        axes: int | str | Sequence[int | str] = (0, 1, 2),
        anisotropic: bool = True,
        antialias: bool = True,
        per_channel: bool = False,
        rate: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate=rate, seed=seed, **kwargs)
        self.downsampling = range_within(downsampling, "downsampling", least=1.0)
        self.axes = as_axes(axes)
        self.anisotropic = anisotropic
        self.antialias = antialias
        self.per_channel = per_channel

    def draw(self, data: Any, seed: Any) -> Any:
        images = data[IMAGES]
        shape = (ops.shape(images)[0],)
        if self.per_channel:
            shape = (*shape, images.shape[-1])
        indices = axis_indices(self.axes)
        if self.anisotropic:
            chosen = draw_axis(indices, shape, seed)
        else:
            chosen = ops.convert_to_tensor([float(a in indices) for a in range(3)])
        factor = keras.random.uniform((*shape, 1), *self.downsampling, seed=seed)
        return {"factors": 1.0 + (factor - 1.0) * chosen}

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if transformation is None:
            return images
        for axis in axis_indices(self.axes):
            size = ops.shape(images)[axis + 1]
            spacing = ops.convert_to_tensor(transformation["factors"])[..., axis]
            thickness = spacing if self.antialias else ops.zeros_like(spacing)
            lower = slice_matrix(size, spacing, thickness)
            back = interpolation_matrix(size, spacing)
            images = apply_along_axis(images, ops.matmul(back, lower), axis)
        return images

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "downsampling": self.downsampling,
            "axes": self.axes,
            "anisotropic": self.anisotropic,
            "antialias": self.antialias,
            "per_channel": self.per_channel,
        }
