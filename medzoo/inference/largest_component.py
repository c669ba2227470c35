"""The largest connected part of a label map."""

import numpy as np


def largest_component(labels):
    """Returns the labels with all but their largest connected part set to 0.

    Args:
        labels: `(x, y, z)` integers, 0 the background. Voxels that share a face are
            connected, whatever their labels.
    """
    from scipy import ndimage

    parts, count = ndimage.label(labels > 0)
    if count < 2:
        return labels
    largest = 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return np.where(parts == largest, labels, 0).astype(labels.dtype)
