"""Sliding window: a network over a volume of any size, within a bounded memory."""

from collections.abc import Callable, Sequence
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np

from medzoo.errors import InputError
from medzoo.inference.memory_plan import MemoryPlan, long_axis
from medzoo.inference.window_answers import Slab, WholeAnswer, box_of

WEIGHTINGS = ("gaussian", "constant")
# Deviation of the Gaussian, as a share of the window; nnU-Net's choice.
GAUSSIAN_SHARE = 1 / 8
# Far corners keep a weight: a voxel that one window alone covers must have one.
LEAST_WEIGHT = 1e-3
# Voxels of a batch beyond which more windows at once are no faster, measured on CPUs:
# four windows of 64^3, one of 96^3.
BATCH_VOXELS = 1 << 20


def sliding_window(
    answer: Callable[..., Any],
    volume: Any,
    *,
    window_size: Sequence[int],
    overlap: float = 0.25,
    weighting: str = "gaussian",
    batch_size: int | None = 1,
    finish: Callable[..., Any] | None = None,
    empty: Any = None,
    keep_marks: bool = False,
    progress: Callable[..., Any] | None = None,
    outputs: int | None = None,
    kept_bytes: int | None = None,
    network_bytes: int = 0,
    memory_limit: int | None = None,
) -> Any:
    """Sliding-window inference with blending.

    Windows go along the longest axis. What no later window touches is finished and
    let go, so that memory holds the outputs of one window's length and never of the
    whole volume. Windows at the border are moved inside; a volume smaller than a
    window is padded with zeros and cropped back.

    Args:
        answer: callable, `(n, *window_size, channels)` float32 -> `(n, *window_size,
            outputs)`; always called with the same `n`, at most `batch_size`. The
            array that it is given is used again for the next call.
        volume: `(x, y, z, channels)` float32 array.
        window_size: three ints.
        overlap: float in [0, 0.9], share of a window that the next one covers too.
        weighting: str, "gaussian" (a window counts most in its middle) or "constant".
        batch_size: int, windows at once; None for as many as fill 2^20 voxels.
        finish: callable, `(a, b, c, outputs)` blended outputs, the longest axis first
            -> `(a, b, c, ...)` what is kept of them, such as an argmax, or a tuple of
            such arrays; None keeps them as they are. What it is given is used again
            after.
        empty: `(outputs,)` array, the output for windows in which the volume is 0
            everywhere, without asking; None asks always. Channels that are the same in
            the whole volume, such as marks, do not count.
        keep_marks: bool, whether a channel that is the same in the whole volume, such
            as a mark, has its value where a small volume is padded too, instead of 0.
        progress: callable `(done, total)` or None.
        outputs: int, number of outputs; None takes it from the first batch.
        kept_bytes: int, what `finish` keeps of a voxel; None for all of the answer.
        network_bytes: int, memory of the network itself, for the plan.
        memory_limit: int, bytes, see `MemoryPlan.check`.

    Returns:
        `(x, y, z, ...)` array of what `finish` returns, or a tuple of such.

    Raises:
        InputError: for an overlap, weighting or window out of range.
        ResourceError: if it would take more memory than is allowed; before anything is
            asked where `outputs` is given, else after the first answer.
    """
    volume = np.asarray(volume)
    _check(volume, window_size, overlap, weighting, batch_size)
    padded = _at_least(volume, window_size, keep_marks)
    sizes = padded.shape[:3]
    window = tuple(int(w) for w in window_size)
    starts = [window_starts(n, w, overlap) for n, w in zip(sizes, window, strict=True)]
    axis = long_axis(sizes)
    along = starts[axis]
    count = prod(len(s) for s in starts) // len(along)
    batch_size = _even_batch(count, window, batch_size)

    plan = MemoryPlan(
        shape=sizes,
        input_bytes=volume.nbytes + (padded is not volume) * padded.nbytes,
        window=window,
        channels=volume.shape[3],
        outputs=outputs,
        batch_size=batch_size,
        kept_bytes=kept_bytes,
        network_bytes=network_bytes,
    )
    if outputs is not None:
        plan.check(memory_limit)
    if plan.is_whole:
        slab = WholeAnswer(plan, axis, memory_limit)
    else:
        slab = Slab(plan, axis, window_weights(window, weighting), memory_limit)
    batches = _Batches(answer, padded, window, batch_size, empty)
    result = _Result(volume.shape[:3], axis)
    for number, first in enumerate(along):
        places = product(*starts[:axis], [first], *starts[axis + 1 :])
        for place, found in batches.answers(list(places)):
            slab.add(place, found)
        until = along[number + 1] if number + 1 < len(along) else sizes[axis]
        for start, blended in slab.take(until):
            result.put(start, blended if finish is None else finish(blended))
        if progress is not None:
            progress((number + 1) * count, len(along) * count)
    return result.arrays()


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


class _Batches:
    """Asks for windows, some at once."""

    def __init__(self, answer, volume, window, batch_size, empty):
        self.answer = answer
        self.volume = volume
        self.window = window
        if volume.shape[:3] == window:
            # Neither copied nor padded: all of it is one window.
            self.batch = np.asarray(volume, np.float32)[None]
        else:
            self.batch = np.empty((batch_size, *window, volume.shape[3]), np.float32)
        self.empty = None if empty is None else np.asarray(empty, np.float32)
        self.telling = None if empty is None else _telling_channels(volume)

    def answers(self, places):
        """Yields (place, output) of windows; an empty one's is `(outputs,)`."""
        asked = []
        for place in places:
            if self._is_empty(place):
                yield place, self.empty
            else:
                asked.append(place)
        for first in range(0, len(asked), len(self.batch)):
            chosen = asked[first : first + len(self.batch)]
            # A full batch always: another shape would be compiled anew.
            filled = chosen + chosen[-1:] * (len(self.batch) - len(chosen))
            if self.volume.shape[:3] != self.window:
                for row, place in zip(self.batch, filled, strict=True):
                    row[...] = self.volume[box_of(place, self.window)]
            found = np.asarray(self.answer(self.batch), np.float32)
            yield from zip(chosen, found, strict=False)

    def _is_empty(self, place):
        if self.empty is None:
            return False
        part = self.volume[box_of(place, self.window)]
        return not any(part[..., c].any() for c in self.telling)


class _Result:
    """What is kept, filled from plane to plane, without what was padded."""

    def __init__(self, shape, axis):
        self.shape = shape
        self.axis = axis
        self.kept = None
        self.single = True

    def put(self, start, done):
        """Sets what `finish` returned, long axis first, from plane `start` on."""
        self.single = not isinstance(done, tuple)
        parts = (done,) if self.single else done
        if self.kept is None:
            self.kept = tuple(
                np.empty((*self.shape, *p.shape[3:]), p.dtype) for p in parts
            )
        inside = [slice(0, n) for n in self.shape]
        count = min(len(parts[0]), self.shape[self.axis] - start)
        if count <= 0:
            return
        inside[self.axis] = slice(0, count)
        place = [slice(None)] * 3
        place[self.axis] = slice(start, start + count)
        for kept, part in zip(self.kept, parts, strict=True):
            kept[tuple(place)] = np.moveaxis(part, 0, self.axis)[tuple(inside)]

    def arrays(self):
        """Returns the array, or a tuple where `finish` returned one."""
        return self.kept[0] if self.single else self.kept


def _even_batch(count, window, batch_size):
    """As many windows at once as asked for, or less where they share out evenly."""
    if batch_size is None:
        batch_size = max(1, BATCH_VOXELS // prod(window))
    return ceil(count / ceil(count / batch_size))


def _telling_channels(volume):
    """Indices of channels that differ from place to place; all where none does."""
    channels = range(volume.shape[3])
    if len(channels) == 1:
        return channels
    first = volume[0, 0, 0]
    return [c for c in channels if (volume[..., c] != first[c]).any()] or channels


def _at_least(volume, window_size, keep_marks):
    """Pads with zeros at the ends up to the size of a window, but marks if wanted."""
    missing = [
        (0, max(0, w - n)) for n, w in zip(volume.shape[:3], window_size, strict=True)
    ]
    if not any(after for _, after in missing):
        return volume
    padded = np.pad(volume, [*missing, (0, 0)])
    if keep_marks:
        telling = _telling_channels(volume)
        for channel in set(range(volume.shape[3])) - set(telling):
            padded[..., channel] = volume[0, 0, 0, channel]
    return padded


def _check(volume, window_size, overlap, weighting, batch_size):
    if np.ndim(volume) != 4 or len(window_size) != 3 or min(window_size) < 1:
        raise InputError(
            "A sliding window goes over (x, y, z, channels) in windows of three ints. "
            f"Received: shape={np.shape(volume)}, window_size={window_size}."
        )
    known = 0 <= overlap <= 0.9 and weighting in WEIGHTINGS
    if not known or (batch_size is not None and batch_size < 1):
        raise InputError(
            "`overlap` must lie in [0, 0.9], `weighting` in "
            f"{WEIGHTINGS}, and `batch_size` be at least 1. Received: "
            f"overlap={overlap}, weighting={weighting!r}, batch_size={batch_size}."
        )
