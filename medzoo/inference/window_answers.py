"""Windows' answers until they are finished: blended in a slab, or one alone."""

from dataclasses import replace

import numpy as np

from medzoo.inference.memory_plan import PIECE_BYTES


def box_of(place, window):
    """Returns where a window lies in a volume, a tuple of slices."""
    return tuple(slice(p, p + w) for p, w in zip(place, window, strict=True))


class Slab:
    """Answers that are not finished yet: as long as a window along one axis.

    Planes lie in a ring: plane `i` of the volume is plane `i % length` here, so that
    nothing is moved when some are finished.

    Args:
        plan: `MemoryPlan`.
        axis: int, along which windows go.
        weights: `(*window)` float32, how much each voxel of a window counts.
        memory_limit: int or None, see `MemoryPlan.check`.
    """

    def __init__(self, plan, axis, weights, memory_limit):
        self.plan = plan
        self.window = plan.window
        self.axis = axis
        self.weights = weights
        self.memory_limit = memory_limit
        self.length = plan.window[axis]
        self.shape = tuple(
            self.length if a == axis else n for a, n in enumerate(plan.shape)
        )
        self.start = 0
        self.sums = None

    def add(self, place, found):
        """Adds the answer `(*window, outputs)`, or `(outputs,)`, of one window."""
        if self.sums is None:
            self._allocate(found.shape[-1])
        np.multiply(found, self.full_weights, out=self.weighted)
        box = list(box_of(place, self.window))
        own = [slice(None)] * 3
        first = place[self.axis]
        for at, ring in self._pieces(first, first + self.length):
            own[self.axis] = slice(at - first, at - first + ring.stop - ring.start)
            box[self.axis] = ring
            self.sums[tuple(box)] += self.weighted[tuple(own)]
            self.total[tuple(box)] += self.weights[tuple(own)]

    def take(self, until):
        """Yields (first plane, blended answers) up to plane `until`, and lets them go.

        Answers come with the long axis first.
        """
        plane = self.sums.nbytes // self.length
        step = max(1, PIECE_BYTES // plane)
        for at, ring in self._pieces(self.start, until):
            for first in range(ring.start, ring.stop, step):
                box = [slice(None)] * 3
                box[self.axis] = slice(first, min(ring.stop, first + step))
                sums, total = self.sums[tuple(box)], self.total[tuple(box)]
                sums /= total[..., None]
                yield at + first - ring.start, np.moveaxis(sums, self.axis, 0)
                sums[...] = 0
                total[...] = 0
        self.start = until

    def _allocate(self, outputs):
        if self.plan.outputs is None:
            replace(self.plan, outputs=outputs).check(self.memory_limit)
        self.sums = np.zeros((*self.shape, outputs), np.float32)
        self.total = np.zeros(self.shape, np.float32)
        # Spread out once: numpy is slow at repeating a number a few times.
        self.full_weights = np.repeat(self.weights[..., None], outputs, axis=-1)
        self.weighted = np.empty_like(self.full_weights)

    def _pieces(self, start, stop):
        """Yields (first plane, slice of the ring); two where it is passed round."""
        while start < stop:
            first = start % self.length
            count = min(stop - start, self.length - first)
            yield start, slice(first, first + count)
            start += count


class WholeAnswer:
    """The answer of the only window, in the place of a `Slab`: nothing to blend.

    Args:
        plan: `MemoryPlan`.
        axis: int, the longest.
        memory_limit: int or None, see `MemoryPlan.check`.
    """

    def __init__(self, plan, axis, memory_limit):
        self.plan = plan
        self.axis = axis
        self.memory_limit = memory_limit
        self.found = None

    def add(self, place, found):
        """Takes the answer `(*window, outputs)`, or `(outputs,)`, at the only place."""
        if self.plan.outputs is None:
            replace(self.plan, outputs=found.shape[-1]).check(self.memory_limit)
        whole = np.broadcast_to(found, (*self.plan.shape, found.shape[-1]))
        self.found = np.moveaxis(whole, self.axis, 0)

    def take(self, until):
        """Yields (first plane, answers) up to plane `until`, the long axis first."""
        plane = 4 * self.found[0].size
        step = max(1, PIECE_BYTES // plane)
        for first in range(0, until, step):
            yield first, self.found[first : min(first + step, until)]
