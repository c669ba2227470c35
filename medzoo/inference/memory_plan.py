"""What a sliding window will hold in memory, known before it starts."""

from dataclasses import dataclass
from math import prod

from medzoo.errors import ResourceError
from medzoo.io.memory_limit import free_memory

# Of what is free, the share that may be taken: others on the machine go on.
FREE_SHARE = 0.9
# Blended outputs are finished in pieces of about this size: temporaries stay small,
# and what is worked on stays in the processor's cache.
PIECE_BYTES = 4 << 20
# What finishing holds beside a piece itself: indices, logarithms, conversions.
PIECE_COPIES = 5
# What a segmentation network takes: itself and its engine; of each voxel of a window
# its features and outputs. Measured: 265 bytes a voxel with 9 classes, 640 with 79.
ENGINE_BYTES = 300_000_000
FEATURE_BYTES = 215
OUTPUT_BYTES = 6
# A window fitted to a scan takes no more than this, or half of what is free.
WINDOW_BYTES = 2_500_000_000
FITTED_SHARE = 0.5


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a sliding window holds at its peak.

    Args:
        shape: three ints, the volume's voxels, padded to a window at least.
        input_bytes: int, the volume itself, held by the caller, and a padded copy.
        window: three ints.
        channels: int, of the volume.
        outputs: int, of the network, float32; None while unknown.
        batch_size: int, windows at once.
        kept_bytes: int, what is kept of each voxel; None for all outputs.
        network_bytes: int, weights and features of the network, as far as known.
    """

    shape: tuple
    input_bytes: int
    window: tuple
    channels: int
    outputs: int
    batch_size: int
    kept_bytes: int
    network_bytes: int = 0

    @property
    def is_whole(self):
        """Bool, whether one window is the volume: nothing is copied or blended."""
        return tuple(self.window) == tuple(self.shape)

    @property
    def parts(self):
        """Dict of what is held -> bytes."""
        axis = long_axis(self.shape)
        plane = prod(self.shape) // self.shape[axis]
        voxels = prod(self.window)
        # One more output: the sum of the weights.
        slab = 4 * self.window[axis] * plane * (self.outputs + 1)
        # What goes in and comes out, and weights with the weighted output of one.
        batch = 4 * self.batch_size * voxels * (self.channels + self.outputs)
        batch += 4 * voxels * (2 * self.outputs + 1)
        if self.is_whole:
            slab, batch = 0, 4 * voxels * self.outputs
        kept = 4 * self.outputs if self.kept_bytes is None else self.kept_bytes
        piece = PIECE_COPIES * max(PIECE_BYTES, 4 * plane * self.outputs)
        planes = f"{self.window[axis]} planes of {self.outputs} outputs"
        parts = {
            "the volume": self.input_bytes,
            f"sums of a slab, {planes}": slab,
            f"the result, {kept} bytes a voxel": kept * prod(self.shape),
            f"windows, {self.batch_size} at once": batch,
            "finishing": piece,
        }
        if self.is_whole:
            del parts[f"sums of a slab, {planes}"]
        if self.network_bytes:
            parts["the network and its features, about"] = self.network_bytes
        return parts

    @property
    def total(self):
        """Int, the bytes of all parts."""
        return sum(self.parts.values())

    def check(self, memory_limit=None):
        """Refuses work that would not fit.

        Args:
            memory_limit: int, bytes that all parts together may take; None for the
                volume, which is there already, and nine tenths of what is free.

        Raises:
            ResourceError: with the plan, a line for each part.
        """
        limit = memory_limit
        if limit is None:
            limit = self.input_bytes + int(FREE_SHARE * free_memory())
        if self.total > limit:
            raise ResourceError(
                f"A sliding window must fit into {_gb(limit)} of memory.\n{self}\n"
                f"Received: shape={tuple(self.shape)}, window_size="
                f"{tuple(self.window)}, batch_size={self.batch_size}, "
                f"outputs={self.outputs}. Crop or resample the scan, take windows that "
                "are shorter along its longest axis, keep no probabilities, or allow "
                "more memory."
            )

    def __str__(self):
        lines = [f"  {_gb(size):>9}  {name}" for name, size in self.parts.items()]
        return "\n".join([*lines, f"  {_gb(self.total):>9}  together"])


def network_bytes(window, outputs):
    """Returns what a segmentation network takes for a window, about: int, bytes.

    Args:
        window: three ints.
        outputs: int, its classes.
    """
    return ENGINE_BYTES + prod(window) * _voxel_bytes(outputs)


def window_voxels(outputs, memory_limit=None):
    """Returns how many voxels a window may have that is fitted to a scan, an int.

    The same on every machine with enough memory, because labels differ a little with
    the window.

    Args:
        outputs: int, the network's classes.
        memory_limit: int, bytes that a prediction may take, or None for what is free.
    """
    free = free_memory() if memory_limit is None else memory_limit
    return int(min(WINDOW_BYTES, FITTED_SHARE * free)) // _voxel_bytes(outputs)


def _voxel_bytes(outputs):
    return FEATURE_BYTES + OUTPUT_BYTES * outputs


def long_axis(shape):
    """Returns the axis along which windows go: the longest, the first of them."""
    return max(range(3), key=lambda axis: (shape[axis], -axis))


def _gb(size):
    return f"{size / 1e9:.3f} GB"
