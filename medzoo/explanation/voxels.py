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

    Intensities count linearly for the two levels beside them, so that a block's share
    of a level is the mean of what its voxels have of it. A scan differs from the
    baseline by the levels that a block has too much of, and by those that it lacks.
    The voxels that hold what is too much are those that differ: they have its part of
    an answer, and that of what is lacking in their place. Only they change when they
    are replaced. What is darker than the first level is a level too, though no network
    sees it.

    Args:
        numbers: `(x, y, z, levels)` float32, the network's input.
        factors: three ints, voxels along each axis of a block.
        placed: `(x, y, z, 1)` float32, intensities.
        arguments: dict, of `medzoo.layers.LocalHistogram`.
    """

    def __init__(self, numbers, factors, placed, arguments):
        super().__init__(numbers, factors)
        self._offset = arguments.get("offset", 0.0)
        self._scale = arguments.get("scale", 1.0)
        self._power = arguments.get("power", 1.0)
        # Of single voxels: what each has of every level.
        levels = {"levels": arguments["levels"], "block": 1}
        layer = make_layer({"class": HISTOGRAM, "arguments": levels})
        self._parts = _with_darkest(np.asarray(layer(placed[None]), np.float32)[0])
        self._shares = self._block_means(self._parts)

    def spread(self, attributions, baseline):
        """See `GridInput`."""
        excess, weights = self._excess(baseline)
        # Nothing is attributed to the darkest level.
        parts = np.concatenate([np.zeros_like(attributions[..., :1]), attributions], -1)
        held = excess > 0
        result = self._on_voxels((parts * ~held).sum(axis=-1)) * weights
        shares = np.where(held, self._shares, 1) * np.prod(self.factors)
        rates = np.where(held, parts / shares, 0)
        for level in range(parts.shape[-1]):
            result += self._on_voxels(rates[..., level]) * self._parts[..., level]
        return result

    def replaced(self, labels, count, baseline):
        """See `GridInput`: voxels of a label become what the baseline has for them."""
        excess, weights = self._excess(baseline)
        shape = self._shares.shape
        blocks = np.arange(np.prod(shape[:3])).reshape(shape[:3])
        places = (
            labels.astype(np.int64) * blocks.size + self._on_voxels(blocks)
        ).ravel()
        length = count * blocks.size

        def summed(values):
            found = np.bincount(places, values.ravel(), length)
            return found.reshape(count, *shape[:3])

        # Which part of its block's levels, and of what is lacking, a label holds.
        sums = [summed(self._parts[..., level]) for level in range(shape[-1])]
        held = np.stack(sums, -1) / np.prod(self.factors)
        held /= np.where(self._shares > 0, self._shares, 1)
        lacking = summed(weights)[..., None]
        missing = np.minimum(self._shares - self._base(baseline), 0)
        for label in range(count):
            if not lacking[label].any() and not held[label].any():
                yield self.numbers
                continue
            way = excess * held[label] + missing * lacking[label]
            changed = self._numbers_of((self._shares - way)[..., 1:])
            # Elsewhere the very numbers that the network saw.
            moved = np.abs(way).max(axis=-1, keepdims=True) > SAME
            yield np.where(moved, changed, self.numbers)

    def _excess(self, baseline):
        """What a block has too much of; each voxel's part of all that is too much."""
        excess = np.maximum(self._shares - self._base(baseline), 0)
        excess = np.where(excess > SAME, excess, 0)
        rates = excess / np.where(self._shares > 0, self._shares, 1)
        weights = np.zeros(self._parts.shape[:3])
        for level in range(rates.shape[-1]):
            weights += self._on_voxels(rates[..., level]) * self._parts[..., level]
        total = self._on_voxels(excess.sum(axis=-1)) * np.prod(self.factors)
        # A block with nothing too much lacks alike in all its voxels.
        even = 1 / np.prod(self.factors)
        return excess, np.where(
            total > 0, weights / np.where(total > 0, total, 1), even
        )

    def _base(self, baseline):
        shares = np.asarray(baseline, np.float64) / self._scale + self._offset
        return _with_darkest(np.maximum(shares, 0) ** (1 / self._power))

    def _numbers_of(self, shares):
        return (np.maximum(shares, 0) ** self._power - self._offset) * self._scale


def _with_darkest(shares):
    """Shares with that of what is darker than all levels, before them."""
    rest = np.maximum(1 - shares.sum(axis=-1, keepdims=True), 0)
    return np.concatenate([rest, shares], axis=-1)
