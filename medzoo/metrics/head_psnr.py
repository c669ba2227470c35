"""Peak signal-to-noise ratio over the voxels of a head."""

import numpy as np
from scipy import ndimage

# The head: brighter than this share of the 99th percentile of the voxels above 0, and
# what such voxels enclose.
HEAD_SHARE = 0.1


def head_mask(fine):
    """Returns where the head is in a scan, a bool array.

    Voxels above a tenth of the 99th percentile of the positive ones, and the holes
    that they enclose; everything where no voxel is positive.

    Args:
        fine: `(x, y, z)` array, background about 0.
    """
    positive = fine[fine > 0]
    if not positive.size:
        return np.ones(fine.shape, bool)
    level = HEAD_SHARE * np.percentile(positive, 99)
    return ndimage.binary_fill_holes(fine > level)


def head_psnr(true, found, mask):
    """Returns the peak signal-to-noise ratio of a scan in decibel.

    `10 log10(r^2 / e)` with `r` the difference of the largest and the least intensity
    of `true`, and `e` the mean squared error over `mask`; infinite without an error.

    Args:
        true: `(x, y, z)` array.
        found: array of the same shape and unit.
        mask: bool array, from `head_mask(true)`.
    """
    peak = float(np.max(true)) - float(np.min(true))
    difference = np.asarray(found)[mask] - np.asarray(true)[mask]
    error = np.mean(difference.astype(np.float64) ** 2)
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(peak**2 / error))
