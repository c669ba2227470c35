"""From the numbers that a network takes back to the voxels that they were made of."""

import numpy as np

from medzoo.errors import InputError
from medzoo.preprocess import make_layer

HISTOGRAM = "LocalHistogram"
# Two shares as near as this are the same: a difference of them is rounding.
SAME = 1e-9


def input_of(task, placed):
    """Returns the `GridInput` or `HistogramInput` of a placed scan.

    Args:
        task: `medzoo.inference.task.Task`, whose layers are applied.
        placed: `(x, y, z, 1)` float32, the scan on the network's grid.

    Raises:
        InputError: for layers after which no number belongs to a place.
    """
    numbers = task.normalize(placed[None])[0]
    settings = task.preprocessor.layer_settings
    histograms = [s["class"] == HISTOGRAM for s in settings]
    if any(histograms[:-1]):
        raise InputError(
            "Local histograms must be the last layer to be explained. Received: "
            f"layers={[s['class'] for s in settings]}."
        )
    factors = [
        before // after if before % after == 0 else 0
        for before, after in zip(placed.shape[:3], numbers.shape[:3], strict=True)
    ]
    if 0 in factors:
        raise InputError(
            "Each number that the network takes must belong to a block of voxels. "
            f"Received: {placed.shape[:3]} voxels and {numbers.shape[:3]} numbers."
        )
    if not any(histograms):
        return GridInput(numbers, factors)
    if len(settings) > 1:
        for layer in task.preprocessor.layers[:-1]:
            placed = np.asarray(layer(placed[None], training=False))[0]
    return HistogramInput(numbers, factors, placed, settings[-1]["arguments"])


class GridInput:
    """An input whose numbers are those of voxels, or of blocks of equal voxels.

    Args:
        numbers: `(x, y, z, channels)` float32, the network's input.
        factors: three ints, voxels along each axis of a block.
    """

    def __init__(self, numbers, factors):
        self.numbers = np.asarray(numbers, np.float64)
        self.factors = tuple(factors)

    def spread(self, attributions, baseline):
        """Gives every voxel its part of the attributions of its block.

        Args:
            attributions: `(x, y, z, channels)` array, as `numbers`.
            baseline: array of the same shape.

        Returns:
            `(x, y, z)` float64 on the grid of voxels, of the same sum.
        """
        return self._evenly(attributions.sum(axis=-1))

    def replaced(self, labels, count, baseline):
        """Yields the input with the voxels of each label replaced by the baseline.

        Args:
            labels: `(x, y, z)` integers below `count`, on the grid of voxels.
            count: int.
            baseline: `(x, y, z, channels)` array.

        Yields:
            `(x, y, z, channels)` float64, label by label.
        """
        for label in range(count):
            share = self._block_means((labels == label)[..., None])
            yield self.numbers + share * (baseline - self.numbers)

    def _evenly(self, blocks):
        return self._on_voxels(blocks) / np.prod(self.factors)

    def _on_voxels(self, blocks):
        for axis, factor in enumerate(self.factors):
            blocks = np.repeat(blocks, factor, axis=axis)
        return blocks

    def _block_means(self, voxels):
        (a, b, c), (x, y, z) = self.factors, self.numbers.shape[:3]
        parts = np.asarray(voxels, np.float64).reshape(x, a, y, b, z, c, -1)
        return parts.mean(axis=(1, 3, 5))


class HistogramInput(GridInput):
    """An input of local histograms: each voxel has its own part in the shares.

    Intensities count linearly for the two levels beside them, so a block's share of a
    level is the mean of what its voxels have of it. What a share adds to the answer is
    divided among the voxels by how much each has more of the level than the baseline.
    The power is crossed by the secant, as by DeepLIFT's rule, so that sums are kept.

    Args:
        numbers: `(x, y, z, levels)` float32, the network's input.
        factors: three ints, voxels along each axis of a block.
        placed: `(x, y, z, 1)` float32, intensities.
        arguments: dict, of `medzoo.layers.LocalHistogram`.

    Source:
        Shrikumar et al., "Learning Important Features Through Propagating Activation
        Differences" (2017), the rescale rule.
    """

    def __init__(self, numbers, factors, placed, arguments):
        super().__init__(numbers, factors)
        self._offset = arguments.get("offset", 0.0)
        self._scale = arguments.get("scale", 1.0)
        self._power = arguments.get("power", 1.0)
        # Of single voxels: what each has of every level.
        levels = {"class": HISTOGRAM, "arguments": {"levels": arguments["levels"]}}
        levels["arguments"]["block"] = 1
        self._parts = np.asarray(make_layer(levels)(placed[None]), np.float32)[0]
        self._shares = self._block_means(self._parts)

    def spread(self, attributions, baseline):
        """See `GridInput`."""
        base = self._shares_of(baseline)
        change = self._shares - base
        same = np.abs(change) < SAME
        slopes = np.where(same, 0, attributions / np.where(same, 1, change))
        # What belongs to no difference of shares belongs to no voxel more than another.
        result = self._evenly((attributions * same).sum(axis=-1))
        size = np.prod(self.factors)
        for level in range(change.shape[-1]):
            slope, start = slopes[..., level] / size, base[..., level]
            result += self._on_voxels(slope) * self._parts[..., level]
            result -= self._on_voxels(slope * start)
        return result

    def replaced(self, labels, count, baseline):
        """See `GridInput`; a voxel becomes the average voxel of the baseline's block."""
        base, size = self._shares_of(baseline), np.prod(self.factors)
        shape = self._shares.shape
        blocks = np.arange(np.prod(shape[:3])).reshape(shape[:3])
        places = (labels.astype(np.int64) * blocks.size) + self._on_voxels(blocks)
        places, length = places.ravel(), count * blocks.size
        voxels = np.bincount(places, minlength=length).reshape(count, *shape[:3])
        sums = [
            np.bincount(places, self._parts[..., level].ravel(), length)
            for level in range(shape[-1])
        ]
        sums = np.stack(sums, -1).reshape(count, *shape)
        for label in range(count):
            taken = (sums[label] - voxels[label][..., None] * base) / size
            changed = self._numbers_of(self._shares - taken)
            # Elsewhere the very numbers that the network saw.
            yield np.where(voxels[label][..., None] > 0, changed, self.numbers)

    def _shares_of(self, numbers):
        shares = np.asarray(numbers, np.float64) / self._scale + self._offset
        return np.maximum(shares, 0) ** (1 / self._power)

    def _numbers_of(self, shares):
        return (np.maximum(shares, 0) ** self._power - self._offset) * self._scale
