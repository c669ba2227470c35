"""AnatomyFeatures: volumes and shapes of soft label maps as a feature vector."""

from typing import Any

import keras
import numpy as np
from keras import ops

# Voxels, added to a volume before its logarithm: a small region may be missing.
LEAST_VOXELS = 3.0
# Of a map: corners of the box that its blocks fill, and their size, mm.
MAP_ARGUMENTS = ("low", "high", "block")


@keras.saving.register_keras_serializable(package="medzoo")
class AnatomyFeatures(keras.layers.Layer):
    """Measures volumes of structures, and how much tissue there is where.

    Both are functions of probabilities alone: whatever contrast a scanner gave, the
    features are of the person. Volumes are relative to that of the whole head inside;
    its own size is a feature of its own, if wanted. Where a voxel lies is told by
    coordinates in an atlas, so that heads of any size and position are compared block
    by block without being resampled.

    Args:
        regions: list of list of int, the classes of each structure to be measured.
        whole: list of int, classes that make up the whole.
        tissues: list of list of int, the classes of each tissue that is mapped.
            Defaults to none.
        maps: dict `{"low", "high", "block"}`, two corners in the atlas and the edge of
            a block, mm; the block divides the box. Needed with `tissues`.
        size: bool, whether the logarithm of the whole's volume, in voxels, is a
            feature. Defaults to False.
        unit: float, mm that a coordinate of 1 stands for. Defaults to 80, as the
            step "add_coordinates" gives them.
        **kwargs: of `keras.layers.Layer`.

    Input shape:
        `(batch, x, y, z, classes)` probabilities; with `tissues` a list of these and
        `(batch, x, y, z, 3)` coordinates, the first a distance from the midline.

    Output shape:
        `(batch, features)` float32: for each region the logarithm of its volume over
        the whole; the whole's, if wanted; then how much of every block, both sides of
        the head together, each tissue fills, from 0 to 1.

    Source:
        Ashburner and Friston, "Voxel-Based Morphometry" (2000), on shares of tissue.
    """

    def __init__(
        self,
        regions: Any,
        whole: Any,
        tissues: Any = (),
        maps: dict[str, Any] | None = None,
        size: bool = False,
        unit: float = 80.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.regions = [[int(k) for k in classes] for classes in regions]
        self.whole = [int(k) for k in whole]
        self.tissues = [[int(k) for k in classes] for classes in tissues]
        self.maps = maps
        self.size = bool(size)
        self.unit = float(unit)
        if self.tissues:
            self._low, self._block, self._counts = _blocks(maps)

    def build(self, input_shape: Any) -> None:
        classes = self._shapes(input_shape)[0][-1]
        every = [*self.regions, self.whole, *self.tissues]
        if not all(0 <= k < classes for members in every for k in members):
            raise ValueError(
                f"Classes must be below {classes}. Received: regions={self.regions}, "
                f"whole={self.whole}, tissues={self.tissues}."
            )

    def call(self, inputs: Any) -> Any:
        p, places = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        p = ops.cast(p, "float32")
        batch, *sizes, classes = ops.shape(p)
        flat = ops.reshape(p, (batch, sizes[0] * sizes[1] * sizes[2], classes))
        # As a product of matrices, many times as fast as a sum over voxels.
        total = ops.matmul(ops.ones_like(flat[..., 0])[:, None, :], flat)[:, 0]
        volumes = ops.matmul(total, _members(self.regions, classes)) + LEAST_VOXELS
        whole = ops.matmul(total, _members([self.whole], classes)) + LEAST_VOXELS
        features = [ops.log(volumes) - ops.log(whole)]
        if self.size:
            features.append(ops.log(whole))
        if self.tissues:
            features.append(self._shares(flat, places, batch))
        return ops.concatenate(features, -1) if len(features) > 1 else features[0]

    def _shares(self, flat, places, batch):
        """How much of every block each tissue fills, `(batch, features)`."""
        tissue = ops.matmul(flat, _members(self.tissues, flat.shape[-1]))
        mm = ops.cast(places, "float32") * self.unit
        filled = _voxel_mm3(mm) / (2 * self._block**3)
        mm = ops.reshape(mm, (batch, -1, 3))
        cell = ops.cast(ops.floor((mm - self._low) / self._block), "int32")
        inside = ops.all((cell >= 0) & (cell < self._counts), -1)
        steps = np.array([self._counts[1] * self._counts[2], self._counts[2], 1])
        blocks = int(np.prod(self._counts))
        rows = ops.arange(batch, dtype="int32")[:, None] * (blocks + 1)
        # What lies outside of the box goes to a block of its own, which is dropped.
        index = ops.where(inside, ops.sum(cell * steps.astype("int32"), -1), blocks)
        sums = ops.segment_sum(
            ops.reshape(tissue, (-1, len(self.tissues))),
            ops.reshape(index + rows, (-1,)),
            num_segments=batch * (blocks + 1),
        )
        sums = ops.reshape(sums, (batch, blocks + 1, len(self.tissues)))[:, :blocks]
        shares = ops.reshape(sums, (batch, blocks * len(self.tissues)))
        return shares * filled[:, None]

    def _shapes(self, input_shape):
        """Shapes of probabilities and coordinates."""
        if not self.tissues:
            return [input_shape]
        if len(input_shape) != 2 or input_shape[1][-1] != 3:
            raise ValueError(
                "With `tissues` the layer takes probabilities and coordinates. "
                f"Received: input_shape={input_shape}."
            )
        return input_shape

    def compute_output_shape(self, input_shape: Any) -> Any:
        count = len(self.regions) + self.size
        if self.tissues:
            count += int(np.prod(self._counts)) * len(self.tissues)
        return (self._shapes(input_shape)[0][0], count)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "regions": self.regions,
            "whole": self.whole,
            "tissues": self.tissues,
            "maps": self.maps,
            "size": self.size,
            "unit": self.unit,
        }


def _blocks(maps):
    """The box's low corner, the edge of a block, mm, and blocks along each axis."""
    if maps is None or set(maps) != set(MAP_ARGUMENTS):
        raise ValueError(
            f"`maps` must have {list(MAP_ARGUMENTS)} where tissues are mapped. "
            f"Received: maps={maps}."
        )
    low, high = np.array(maps["low"], np.float32), np.array(maps["high"], np.float32)
    counts = (high - low) / maps["block"]
    if low.shape != (3,) or np.any(counts < 1) or np.any(counts % 1):
        raise ValueError(f"`block` must divide the box. Received: maps={maps}.")
    return low, float(maps["block"]), counts.astype(np.int32)


def _voxel_mm3(mm):
    """Volume of a voxel in the atlas, `(batch,)`, by its neighbours at a corner."""
    first = mm[:, 0, 0, 0]
    edges = (mm[:, 1, 0, 0] - first, mm[:, 0, 1, 0] - first, mm[:, 0, 0, 1] - first)
    return ops.abs(ops.sum(edges[0] * ops.cross(edges[1], edges[2]), -1))


def _members(groups, classes):
    """`(classes, groups)` float32: 1 where a class belongs to a group."""
    table = np.zeros((classes, len(groups)), np.float32)
    for column, members in enumerate(groups):
        table[members, column] = 1.0
    return table
