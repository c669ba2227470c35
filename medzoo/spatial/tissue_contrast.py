"""Grey and white matter of a T1: how bright they are, and a limit to their contrast."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

# Histogram of 256 bins of one hundredth of the bright tissue's 90th percentile.
NUM_BINS = 256
SMOOTHING_BINS = 2.0
# Where white matter is looked for, in those hundredths, and grey as a share of it.
WHITE_RANGE = (80, 140)
GREY_RANGE = (0.45, 0.86)
BACKGROUND_BINS = 10
# Vessels and fat shine; brighter than this share of white matter tells nothing.
BRIGHTEST = 5 / 3


def limit_contrast(volume, region, *, lowest, highest):
    """Scales white matter to 1 and brings grey matter into a range of intensities.

    Scanners differ in how dark grey matter is beside white matter. Within the range
    that a network was trained on the contrast is left as it is, for it tells of age;
    outside, intensities are stretched piecewise linearly so that it ends at the edge.

    Args:
        volume: Volume of a T1 without bias field, background 0.
        region: bool array of the same grid, where the brain is in any head.
        lowest: float, least intensity of grey matter (its mode) relative to white.
        highest: float, largest.

    Returns:
        Volume, float32 in [0, 5/3]. Without bright voxels it is returned as it is.
    """
    array = np.asarray(volume.array, np.float32)
    bright = array[array > array.mean()]
    if not bright.size or np.percentile(bright, 90) <= 0 or not region.any():
        return volume.with_array(array)
    scaled = np.clip(array * (100 / np.percentile(bright, 90)), 0, NUM_BINS - 1)
    grey, white = tissue_modes(scaled[region])
    ratio = grey / white
    wanted = float(np.clip(ratio, lowest, highest))
    relative = scaled / white
    mapped = np.where(
        relative < ratio,
        relative * (wanted / ratio),
        wanted + (relative - ratio) * ((1 - wanted) / (1 - ratio)),
    )
    return volume.with_array(np.clip(mapped, 0, BRIGHTEST).astype(np.float32))


def tissue_modes(values):
    """Returns the most frequent intensities of grey and of white matter.

    Args:
        values: 1-D array of intensities in hundredths of the bright tissue's 90th
            percentile, 0 to 255.

    Returns:
        (grey, white), in the same unit; grey lies below 0.86 of white.
    """
    counts = np.bincount(np.rint(values).astype(np.int64), minlength=NUM_BINS)
    smooth = gaussian_filter1d(counts.astype(float), SMOOTHING_BINS)
    smooth[:BACKGROUND_BINS] = 0
    white = WHITE_RANGE[0] + int(np.argmax(smooth[slice(*WHITE_RANGE)]))
    low, high = (int(share * white) for share in GREY_RANGE)
    grey = low + int(np.argmax(smooth[low:high]))
    return grey, white
