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
        kept = 4 * self.outputs if self.kept_bytes is None else self.kept_bytes
        piece = PIECE_COPIES * max(PIECE_BYTES, 4 * plane * self.outputs)
        parts = {
            "the volume": self.input_bytes,
            f"sums of a slab, {self.window[axis]} planes of {self.outputs} outputs": (
                slab
            ),
            f"the result, {kept} bytes a voxel": kept * prod(self.shape),
            f"windows, {self.batch_size} at once": batch,
            "finishing": piece,
        }
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


def long_axis(shape):
    """Returns the axis along which windows go: the longest, the first of them."""
    return max(range(3), key=lambda axis: (shape[axis], -axis))


def _gb(size):
    return f"{size / 1e9:.3f} GB"
