"""LocalHistogram: how much of each intensity there is around every point."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.layers.volume_layer import VolumeLayer


@keras.saving.register_keras_serializable(package="medzoo")
class LocalHistogram(VolumeLayer):
    """Turns intensities into soft histograms of blocks of voxels.

    A voxel counts for the two levels that its intensity lies between, in proportion;
    a channel is the share of one level in a block. Unlike an average the shares keep
    what partial volume and thin cortex do to intensities, at a fraction of the
    voxels. What lies below the first level counts for none, above the last for the
    last.

    Args:
        levels: tuple of float, ascending; the first is background and has no channel.
        block: int, voxels along each axis of a block. Defaults to 2.
        offset: float, subtracted from the shares. Defaults to 0.
        scale: float, what they are multiplied by then. Defaults to 1.
        power: float in (0, 1], what the shares are raised to before that. Below 1
            levels that few voxels have count more beside the frequent ones; 0.5 makes
            Hellinger's distance of the Euclidean one. Defaults to 1.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, 1)` or `(x, y, z, 1)`; sizes divisible by `block`.

    Output shape:
        `(batch, x / block, y / block, z / block, len(levels) - 1)`, float32. Label
        maps are reduced to the first voxel of each block, weights to the mean.

    Raises:
        ValueError: for levels that do not ascend, a power out of range, or sizes not
            divisible.

    Source:
        Perronnin et al., "Improving the Fisher Kernel for Large-Scale Image
        Classification" (2010), for the power.
    """

    def __init__(
        self,
        levels: Sequence[float],
        block: int = 2,
        offset: float = 0.0,
        scale: float = 1.0,
        power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        levels = [float(level) for level in levels]
        if len(levels) < 2 or any(b <= a for a, b in pairwise(levels)):
            raise ValueError(f"`levels` must ascend. Received: levels={levels}.")
        if not isinstance(block, int) or block < 1:
            raise ValueError(
                "`block` must be a whole number of at least 1. "
                f"Received: block={block!r}."
            )
        if not 0 < power <= 1:
            raise ValueError(f"`power` must be in (0, 1]. Received: power={power}.")
        self.levels = levels
        self.block = block
        self.offset = float(offset)
        self.scale = float(scale)
        self.power = power

    def transform_images(
        self, images: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        if images.shape[-1] != 1:
            raise ValueError(
                "Local histograms are taken of one channel. "
                f"Received: {images.shape[-1]} channels."
            )
        images = ops.cast(images, "float32")[..., 0]
        widths = np.diff(self.levels)
        # How far an intensity has come between each pair of levels: 0 to 1.
        passed = [
            ops.clip((images - low) / width, 0.0, 1.0)
            for low, width in zip(self.levels, widths, strict=False)
        ]
        last = len(passed) - 1
        shares = [
            _block_mean(p if i == last else p - passed[i + 1], self.block)
            for i, p in enumerate(passed)
        ]
        shares = ops.stack(shares, -1)
        if self.power != 1:
            # A difference of two means may round to below 0.
            shares = ops.power(ops.maximum(shares, 0.0), self.power)
        return (shares - self.offset) * self.scale

    def transform_segmentation_masks(
        self, masks: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        step = self.block
        return masks[:, ::step, ::step, ::step]

    def transform_weights(
        self, weights: Any, transformation: Any, training: bool | None = True
    ) -> Any:
        channels = [
            _block_mean(weights[..., c], self.block) for c in range(weights.shape[-1])
        ]
        return ops.stack(channels, -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if isinstance(input_shape, dict):
            return {k: self.compute_output_shape(s) for k, s in input_shape.items()}
        *batch, x, y, z, _ = input_shape
        sizes = [None if n is None else n // self.block for n in (x, y, z)]
        return (*batch, *sizes, len(self.levels) - 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "levels": self.levels,
            "block": self.block,
            "offset": self.offset,
            "scale": self.scale,
            "power": self.power,
        }


def _block_mean(volumes, block):
    """Means over blocks: `(batch, x, y, z)` -> `(batch, x / block, ...)`."""
    if block == 1:
        return volumes
    sizes = volumes.shape[1:]
    if any(n % block for n in sizes):
        raise ValueError(
            f"Sizes must be divisible by the block. Received: {tuple(sizes)}, {block}."
        )
    split = [n for size in sizes for n in (size // block, block)]
    return ops.mean(ops.reshape(volumes, (-1, *split)), axis=(2, 4, 6))
