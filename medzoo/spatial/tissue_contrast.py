"""Grey and white matter of a T1: how bright they are, and a limit to their contrast."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

# Histogram in hundredths of the intensity of white matter.
NUM_BINS = 256
SMOOTHING_BINS = 2.0
# Where the most frequent grey is looked for, in those hundredths.
GREY_RANGE = (45, 86)
# Vessels and fat shine; brighter than this fraction of white matter is ignored.
BRIGHTEST = 5 / 3
# Of white matter's intensity: grey matter at first, and where fluid begins.
FIRST_GREY = 0.72
DARKEST_GREY = 0.45
MOST_ROUNDS = 20


def limit_contrast(volume, brain, white, *, lowest, highest, grey="mode"):
    """Scales white matter to 1 and brings grey matter into a range of intensities.

    Scanners differ in how dark grey matter is beside white matter. Within the range
    that a network was trained on the contrast stays, because it changes with age;
    outside, intensities are stretched piecewise linearly so that it ends at the edge.

    Args:
        volume: Volume of a T1 without bias field, background 0.
        brain: bool array of the same grid, where the brain is in any head.
        white: bool array of the same grid, where white matter is in most heads.
        lowest: float, least intensity of grey matter relative to white.
        highest: float, largest.
        grey: str, what counts as its intensity: "mode", the most frequent one, or
            "median", that of all voxels on the dark side of the threshold between grey
            and white matter. The mode jumps where the histogram is flat.

    Returns:
        Volume, float32 in [0, 5/3]. Without bright voxels it is returned as it is.
    """
    array = np.asarray(volume.array, np.float32)
    level = white_level(array, white)
    if not level > 0 or not brain.any():
        return volume.with_array(array)
    relative = np.clip(array / level, 0, NUM_BINS / 100)
    ratio = (grey_mode if grey == "mode" else grey_median)(relative[brain])
    wanted = float(np.clip(ratio, lowest, highest))
    mapped = np.where(
        relative < ratio,
        relative * (wanted / ratio),
        wanted + (relative - ratio) * ((1 - wanted) / (1 - ratio)),
    )
    return volume.with_array(np.clip(mapped, 0, BRIGHTEST).astype(np.float32))


def white_level(array, white):
    """Returns the intensity of white matter: the median where an atlas has it.

    The most frequent intensity of the whole brain will not do: in one head of twenty
    the peak of grey matter is the higher one, and all intensities come out a fifth
    too large.
    """
    inside = array[white & (array > 0)]
    return float(np.median(inside)) if inside.size else 0.0


def own_white_level(values, level):
    """Returns the intensity of a T1's own white matter, from a first guess of it.

    The median where an atlas has white matter is off by what the registration is off,
    by grey matter that lies there in this head, and by a bias field. So the threshold
    halfway between grey and white matter is looked for, each being the median of its
    side, until it stays where it is.

    Args:
        values: 1-D array of intensities where the brain is.
        level: float, the guess; what is 1.3 times as bright is no white matter.

    Returns:
        float; the guess itself where one of the two is missing.

    Source:
        Ridler and Calvard, "Picture Thresholding Using an Iterative Selection Method"
        (1978), with medians for means.
    """
    return _two_levels(values, level)[0]


def _two_levels(values, level):
    """White and grey matter, each the median of its side of the threshold."""
    # Sorted once: what lies between two intensities is a slice then.
    values = np.sort(
        values[(values > DARKEST_GREY / 2 * level) & (values < 1.3 * level)]
    )
    white, grey = level, FIRST_GREY * level
    for _ in range(MOST_ROUNDS):
        threshold = (grey + white) / 2
        bright = values[np.searchsorted(values, threshold, "right") :]
        low, high = np.searchsorted(values, [DARKEST_GREY * white, threshold])
        dark = values[low:high]
        if not bright.size or not dark.size:
            return level, FIRST_GREY * level
        found = _middle(bright), _middle(dark)
        if abs(found[0] - white) < 1e-4 * level and abs(found[1] - grey) < 1e-4 * level:
            break
        white, grey = found
    return white, grey


def _middle(ascending):
    """Returns the median of values in order."""
    half = len(ascending) // 2
    return float((ascending[half] + ascending[-half - 1]) / 2)


def grey_mode(values):
    """Returns the most frequent intensity of grey matter, 0.45 to 0.86.

    Args:
        values: 1-D array of intensities of a brain relative to white matter.
    """
    bins = np.rint(100 * np.clip(values, 0, (NUM_BINS - 1) / 100)).astype(np.int64)
    counts = np.bincount(bins, minlength=NUM_BINS)
    smooth = gaussian_filter1d(counts.astype(float), SMOOTHING_BINS)
    low, high = GREY_RANGE
    return (low + int(np.argmax(smooth[low:high]))) / 100


def grey_median(values):
    """Returns the median intensity of grey matter, 0.45 to 0.86.

    Args:
        values: 1-D array of intensities of a brain relative to white matter.
    """
    low, high = GREY_RANGE
    return float(np.clip(_two_levels(values, 1.0)[1], low / 100, high / 100))
