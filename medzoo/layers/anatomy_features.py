"""AnatomyFeatures: what soft label maps say of a head, as a row of numbers."""

import keras
import numpy as np
from keras import ops

from medzoo.layers.size_3d import three_ints

# Voxels, added to a volume before its logarithm: a small region may be missing.
LEAST_VOXELS = 3.0


@keras.saving.register_keras_serializable(package="medzoo")
class AnatomyFeatures(keras.layers.Layer):
    """Measures volumes of structures, and how much tissue there is where.

    Both are functions of probabilities alone: whatever contrast a scanner gave, the
    features are of the person. Volumes are relative to that of the whole head inside,
    so that they do not depend on how it was scaled to an atlas.

    Args:
        regions: list of list of int, the classes of each structure to be measured.
        whole: list of int, classes that make up the whole.
        tissues: list of list of int, the classes of each tissue that is mapped.
            Defaults to none.
        block: int or three ints, voxels along each axis that a map averages over; they
            divide the input's size. Defaults to 8.
        symmetric: bool, whether maps are averaged over both sides of the first axis,
            which must then be symmetric in the atlas. Defaults to True.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, classes)` probabilities.

    Output shape:
        `(batch, features)` float32: for each region the logarithm of its volume over
        the whole, then each tissue's share of every block.

    Source:
        Ashburner and Friston, "Voxel-Based Morphometry" (2000), on shares of tissue.
    """

    def __init__(self, regions, whole, tissues=(), block=8, symmetric=True, **kwargs):
        super().__init__(**kwargs)
        self.regions = [[int(k) for k in classes] for classes in regions]
        self.whole = [int(k) for k in whole]
        self.tissues = [[int(k) for k in classes] for classes in tissues]
        self.block = three_ints(block, "block")
        self.symmetric = symmetric
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def build(self, input_shape):
        classes = input_shape[-1]
        every = [*self.regions, self.whole, *self.tissues]
        if not all(0 <= k < classes for members in every for k in members):
            raise ValueError(
                f"Classes must be below {classes}. Received: regions={self.regions}, "
                f"whole={self.whole}, tissues={self.tissues}."
            )
        sizes = input_shape[1:4]
        if self.tissues and any(
            n is None or n % b for n, b in zip(sizes, self.block, strict=True)
        ):
            raise ValueError(
                "`block` must divide a fixed size. "
                f"Received: block={self.block}, input_shape={input_shape}."
            )

    def call(self, inputs):
        p = ops.cast(inputs, "float32")
        batch, *sizes, classes = ops.shape(p)
        flat = ops.reshape(p, (batch, sizes[0] * sizes[1] * sizes[2], classes))
        # As a product of matrices, many times as fast as a sum over voxels.
        total = ops.matmul(ops.ones_like(flat[..., 0])[:, None, :], flat)[:, 0]
        volumes = ops.matmul(total, _members(self.regions, classes)) + LEAST_VOXELS
        whole = ops.matmul(total, _members([self.whole], classes)) + LEAST_VOXELS
        features = [ops.log(volumes) - ops.log(whole)]
        if self.tissues:
            features.append(self._maps(flat, batch, sizes))
        return ops.concatenate(features, -1) if len(features) > 1 else features[0]

    def _maps(self, flat, batch, sizes):
        shares = ops.matmul(flat, _members(self.tissues, flat.shape[-1]))
        maps = ops.reshape(shares, (batch, *sizes, len(self.tissues)))
        maps = ops.average_pool(
            maps, self.block, self.block, data_format="channels_last"
        )
        if self.symmetric:
            maps = (maps + ops.flip(maps, 1)) / 2
            maps = maps[:, : (maps.shape[1] + 1) // 2]
        return ops.reshape(maps, (batch, -1))

    def compute_output_shape(self, input_shape):
        count = len(self.regions)
        if self.tissues:
            blocks = [n // b for n, b in zip(input_shape[1:4], self.block, strict=True)]
            if self.symmetric:
                blocks[0] = (blocks[0] + 1) // 2
            count += int(np.prod(blocks)) * len(self.tissues)
        return (input_shape[0], count)

    def get_config(self):
        return {
            **super().get_config(),
            "regions": self.regions,
            "whole": self.whole,
            "tissues": self.tissues,
            "block": self.block,
            "symmetric": self.symmetric,
        }


def _members(groups, classes):
    """`(classes, groups)` float32: 1 where a class belongs to a group."""
    table = np.zeros((classes, len(groups)), np.float32)
    for column, members in enumerate(groups):
        table[members, column] = 1.0
    return table
