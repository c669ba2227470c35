"""Windows side by side: a voxel takes the output of the window it lies deepest in."""

from itertools import pairwise, product

import numpy as np

from medzoo.inference.sliding_window import window_starts


def stitch_windows(answer, volume, *, window_size, overlap=0.25, progress=None):
    """Sliding-window inference without blending.

    Neighbouring windows overlap, so that each voxel has context on all sides, and share
    what they overlap by half and half. Only one window's output and the result
    is held: for label maps of tens of classes, whose blended probabilities would take
    gigabytes.

    Args:
        answer: callable, `(n, *window_size, channels)` float32 -> `(n, *window_size)`
            or `(n, *window_size, outputs)` array.
        volume: `(x, y, z, channels)` float32 array; padded with zeros to a window.
        window_size: three ints.
        overlap: float in [0, 0.9], least share that neighbours have in common.
        progress: callable `(done, total)` or None.

    Returns:
        `(x, y, z)` or `(x, y, z, outputs)` array of the output's dtype.
    """
    volume = np.asarray(volume)
    window = tuple(int(w) for w in window_size)
    shape = volume.shape[:3]
    missing = [(0, max(0, w - n)) for n, w in zip(shape, window, strict=True)]
    if any(after for _, after in missing):
        volume = np.pad(volume, [*missing, (0, 0)])
    sizes = volume.shape[:3]
    starts = [window_starts(n, w, overlap) for n, w in zip(sizes, window, strict=True)]
    edges = [
        window_edges(own, w, n) for own, w, n in zip(starts, window, sizes, strict=True)
    ]
    result = None
    places = list(product(*(range(len(own)) for own in starts)))
    for done, place in enumerate(places, 1):
        first = [own[i] for own, i in zip(starts, place, strict=True)]
        box = tuple(slice(a, a + w) for a, w in zip(first, window, strict=True))
        found = np.asarray(answer(volume[box][None]))[0]
        if result is None:
            result = np.empty((*sizes, *found.shape[3:]), found.dtype)
        own = [edge[i] for edge, i in zip(edges, place, strict=True)]
        inside = tuple(
            slice(low - a, high - a) for (low, high), a in zip(own, first, strict=True)
        )
        result[tuple(slice(low, high) for low, high in own)] = found[inside]
        if progress is not None:
            progress(done, len(places))
    return result[tuple(slice(0, n) for n in shape)]


def window_edges(starts, window, size):
    """Returns the part of an axis that each window predicts.

    Args:
        starts: list of int, ascending, where windows start.
        window: int, their length.
        size: int, voxels of the axis.

    Returns:
        list of `(low, high)`, one after the other from 0 to `size`.
    """
    middles = [(first + window + second) // 2 for first, second in pairwise(starts)]
    bounds = [0, *middles, size]
    return list(pairwise(bounds))
