"""Linear interpolation of label maps: the label with the largest share wins."""

import numpy as np

# Voxels at once: their eight neighbours, weights and votes stay small.
CHUNK = 1 << 20


def vote(labels: np.ndarray, index: np.ndarray, background: int = 0) -> np.ndarray:
    """Samples a label map between its voxels.

    Each of the eight voxels about a place votes for its label with the weight that
    linear interpolation gives it. For two labels that is the half-way surface of the
    linearly interpolated mask; for many it is that of each label's own mask.

    Args:
        labels: `(x, y, z)` integers.
        index: `(n, 3)` float, places in voxels.
        background: int, the label outside the array.

    Returns:
        `(n,)` of the labels' dtype.
    """
    padded = np.pad(labels, 1, constant_values=background)
    result = np.empty(len(index), labels.dtype)
    for start in range(0, len(index), CHUNK):
        part = slice(start, start + CHUNK)
        result[part] = _vote(padded, index[part] + 1)
    return result


def _vote(padded, index):
    most = np.asarray(padded.shape) - 1
    # Beyond the border all is background, as at the border of what was padded.
    index = np.clip(index, 0, most - 1e-6)
    low = np.minimum(index.astype(np.int64), most - 1)
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    flat, first = padded.ravel(), low @ strides
    offsets = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    corners = np.stack([flat[first + np.dot(o, strides)] for o in offsets])
    result = corners[0].copy()
    mixed = np.flatnonzero((corners != corners[0]).any(axis=0))
    corners = corners[:, mixed]
    rest = (index[mixed] - low[mixed]).astype(np.float32).T
    weights = np.stack(
        [
            np.prod([r if o else 1 - r for o, r in zip(offset, rest, strict=True)], 0)
            for offset in offsets
        ]
    )
    shares = np.stack(
        [(weights * (corners == corner)).sum(axis=0) for corner in corners]
    )
    winner = shares.argmax(axis=0)
    result[mixed] = np.take_along_axis(corners, winner[None], 0)[0]
    return result
