"""Sliding window: a network over a volume of any size, within a bounded memory."""

from itertools import product

import numpy as np

from medzoo.errors import InputError

WEIGHTINGS = ("gaussian", "constant")
# Deviation of the Gaussian, as a share of the window; nnU-Net's choice.
GAUSSIAN_SHARE = 1 / 8
# Far corners keep a weight: a voxel that one window alone covers must have one.
LEAST_WEIGHT = 1e-3


def sliding_window(
    answer,
    volume,
    *,
    window_size,
    overlap=0.25,
    weighting="gaussian",
    batch_size=1,
    finish=None,
    empty=None,
    progress=None,
):
    """Lets a function answer window by window and blends what it says.

    Windows go along the longest axis. What no later window touches is finished and
    let go, so that memory holds the answers of one window's length and never of the
    whole volume. Windows at the border are moved inside; a volume smaller than a
    window is padded with zeros and cropped back.

    Args:
        answer: callable, `(n, *window_size, channels)` float32 -> `(n, *window_size,
            outputs)`; always called with `n == batch_size`.
        volume: `(x, y, z, channels)` float32 array.
        window_size: three ints.
        overlap: float in [0, 0.9], share of a window that the next one covers too.
        weighting: str, "gaussian" (a window counts most in its middle) or "constant".
        batch_size: int, windows at once.
        finish: callable, `(a, y, z, outputs)` blended answers -> `(a, y, z, ...)` what
            is kept of them, such as an argmax; None keeps them as they are.
        empty: `(outputs,)` array, the answer for windows in which the volume is 0
            everywhere, without asking; None asks always.
        progress: callable `(done, total)` or None.

    Returns:
        `(x, y, z, ...)` array of what `finish` returns.

    Raises:
        InputError: for an overlap, weighting or window out of range.
    """
    _check(volume, window_size, overlap, weighting, batch_size)
    shape = volume.shape[:3]
    padded = _at_least(volume, window_size)
    axis = int(np.argmax(padded.shape[:3]))
    # From here on the longest axis is the first.
    order = (axis, *[a for a in range(3) if a != axis])
    back = tuple(np.argsort(order))
    turned = padded.transpose(*order, 3)
    window = tuple(int(window_size[a]) for a in order)
    starts = [
        window_starts(n, w, overlap)
        for n, w in zip(turned.shape[:3], window, strict=True)
    ]
    weights = window_weights(window, weighting)

    def ask(batch):
        return answer(np.ascontiguousarray(batch.transpose(0, *_plus_one(back), 4)))

    slab = _Slab(turned, window, weights, order, batch_size, empty, ask)
    total = len(starts[0]) * len(starts[1]) * len(starts[2])
    result = None
    for number, first in enumerate(starts[0]):
        places = [(first, *rest) for rest in product(*starts[1:])]
        slab.add(places)
        last = number + 1 == len(starts[0])
        until = turned.shape[0] if last else starts[0][number + 1]
        blended = slab.take(until)
        done = blended if finish is None else finish(blended)
        if result is None:
            result = np.empty((*turned.shape[:3], *done.shape[3:]), done.dtype)
        result[until - len(done) : until] = done
        if progress is not None:
            progress((number + 1) * len(places), total)
    result = result.transpose(*back, *range(3, result.ndim))
    return np.ascontiguousarray(result[tuple(slice(0, n) for n in shape)])


def window_starts(size, window, overlap):
    """Returns where windows start along an axis: even steps, the last at the end.

    Args:
        size: int, voxels of the axis, at least `window`.
        window: int.
        overlap: float, least share that neighbours have in common.

    Returns:
        list of int, ascending.
    """
    step = max(1, int(window * (1 - overlap)))
    count = int(np.ceil((size - window) / step)) + 1
    return [int(v) for v in np.round(np.linspace(0, size - window, count))]


def window_weights(window, weighting):
    """Returns how much each voxel of a window counts, float32, largest 1."""
    if weighting == "constant":
        return np.ones(window, np.float32)
    profiles = []
    for size in window:
        offset = (np.arange(size) - (size - 1) / 2) / (size * GAUSSIAN_SHARE)
        profiles.append(np.exp(-0.5 * offset**2))
    weights = np.einsum("i,j,k->ijk", *profiles)
    return np.maximum(weights / weights.max(), LEAST_WEIGHT).astype(np.float32)


class _Slab:
    """Answers that are not finished yet: as long as a window along the first axis."""

    def __init__(self, volume, window, weights, order, batch_size, empty, ask):
        self.volume = volume
        self.window = window
        self.weights = weights
        self.order = order
        self.batch_size = batch_size
        self.empty = empty
        self.ask = ask
        self.start = 0
        self.sums = None
        self.total = np.zeros((window[0], *volume.shape[1:3]), np.float32)

    def add(self, places):
        """Adds the windows that start at `places`, all in one plane."""
        asked = []
        for place in places:
            part = self.volume[self._box(place, 0)]
            if self.empty is not None and not part.any():
                self._blend(place, np.asarray(self.empty, np.float32))
            else:
                asked.append(place)
        for first in range(0, len(asked), self.batch_size):
            chosen = asked[first : first + self.batch_size]
            # A full batch always: another shape would be compiled anew.
            filled = chosen + chosen[-1:] * (self.batch_size - len(chosen))
            batch = np.stack([self.volume[self._box(p, 0)] for p in filled])
            answers = np.asarray(self.ask(batch), np.float32)
            answers = answers.transpose(0, *_plus_one(self.order), 4)
            for place, found in zip(chosen, answers, strict=False):
                self._blend(place, found)

    def take(self, until):
        """Returns the blended answers up to index `until`, and lets them go."""
        count = until - self.start
        done = self.sums[:count] / self.total[:count, ..., None]
        for array in (self.sums, self.total):
            array[:-count] = array[count:].copy()
            array[len(array) - count :] = 0
        self.start = until
        return done

    def _blend(self, place, found):
        if self.sums is None:
            self.sums = np.zeros((*self.total.shape, found.shape[-1]), np.float32)
        box = self._box(place, self.start)
        self.sums[box] += self.weights[..., None] * found
        self.total[box] += self.weights

    def _box(self, place, origin):
        first = slice(place[0] - origin, place[0] - origin + self.window[0])
        rest = [
            slice(p, p + w) for p, w in zip(place[1:], self.window[1:], strict=True)
        ]
        return (first, *rest)


def _plus_one(axes):
    return tuple(a + 1 for a in axes)


def _at_least(volume, window_size):
    """Pads with zeros at the ends up to the size of a window."""
    missing = [
        (0, max(0, w - n)) for n, w in zip(volume.shape[:3], window_size, strict=True)
    ]
    if not any(after for _, after in missing):
        return volume
    return np.pad(volume, [*missing, (0, 0)])


def _check(volume, window_size, overlap, weighting, batch_size):
    if np.ndim(volume) != 4 or len(window_size) != 3 or min(window_size) < 1:
        raise InputError(
            "A sliding window goes over (x, y, z, channels) in windows of three ints. "
            f"Received: shape={np.shape(volume)}, window_size={window_size}."
        )
    if not 0 <= overlap <= 0.9 or weighting not in WEIGHTINGS or batch_size < 1:
        raise InputError(
            "`overlap` must lie in [0, 0.9], `weighting` in "
            f"{WEIGHTINGS}, and `batch_size` be at least 1. Received: "
            f"overlap={overlap}, weighting={weighting!r}, batch_size={batch_size}."
        )
