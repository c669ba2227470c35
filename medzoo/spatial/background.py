"""Background level of a scan, and limits for outlier voxels.

A least voxel is no level: interpolation by splines overshoots at every edge, and one
bad voxel would decide. Scans whose voxels are all 0 or above, and not wild, are
returned as they are.
"""

import numpy as np

# Voxels looked at: enough for shares to be right to a hundredth.
NUM_SAMPLES = 100_000
# The darkest voxels lie within this share of the range, and a background nearer than
# this to 0 is 0: what lies below is overshoot.
DARK_BAND, NEAR_ZERO = 0.1, 0.03
# Shares of the range: a background that varies less is one value.
CONSTANT = 0.005
# Of the 99.9th percentile; the brightest voxels of 60 heads reach 2.6 times as far.
WILD, TAMED = 6.0, 3.0
# Standardised within the brain: so many voxels are 0, so many of the others negative.
LEAST_OUTSIDE, LEAST_NEGATIVE = 0.15, 0.2
# Of such a scan, percentiles of what is not 0: the darkest, where intensities have
# risen from an edge, and bright tissue.
DARKEST, DARK, BRIGHT = 0.05, 1.0, 90.0
# All relative to bright tissue. A mask of all that is above 0 begins at 0, with an
# edge; where dark voxels are few the mask was one of a brain, whose darkest fluid is
# this bright (0.10 to 0.15 in ten brains of one scanner, 0.05 to 0.11 in six of
# another).
EDGE, DARKEST_FLUID = 0.03, 0.12
# Warnings about a scan that was standardised, where intensities count from its
# background and where the model takes them as they are.
STANDARDISED = {
    True: "what was 0 before is estimated from its darkest voxels, and intensities "
    "count from there. The scan before standardisation gives better predictions",
    False: "a model that takes intensities as they are gives another prediction than "
    "for the scan before standardisation. Give that one",
}
# Of the brain's bright end: a voxel that lies so far below a thousandth of all is an
# accident, and no level.
LONE_DARK = 0.05


def samples_of(array):
    """Returns evenly spread voxels, about a hundred thousand, float32."""
    step = max(1, round((array.size / NUM_SAMPLES) ** (1 / 3)))
    return np.asarray(array[(slice(None, None, step),) * 3], np.float32)


def without_wild_voxels(array):
    """Clips outlier voxels.

    Args:
        array: `(x, y, z)` of numbers.

    Returns:
        The array, and how many voxels were limited, an int.
    """
    values = samples_of(array)
    middle = float(np.median(values))
    low, high = (float(v) for v in np.percentile(values, (0.1, 99.9)))
    if not high > middle:
        # A head may fill less than a thousandth of its field of view.
        positive = values[values > middle]
        high = float(np.percentile(positive, 99.9)) if positive.size else middle
    span = high - min(low, middle)
    most, least = middle + WILD * span, middle - WILD * span
    if not span > 0 or (array.max() <= most and array.min() >= least):
        return array, 0
    wild = (array > most) | (array < least)
    low, high = middle - span, middle + TAMED * span
    # Away from a wild voxel nothing changes.
    limited = np.where(wild, np.clip(array, low, high), array)
    return limited.astype(np.float32), int(wild.sum())


def from_background(array):
    """Raises a scan with negative voxels so that its background is 0.

    Args:
        array: `(x, y, z)` of numbers.

    Returns:
        The array itself if no voxel is negative, else a float32 one from 0 on.
    """
    if array.min() >= 0:
        return array
    array = np.asarray(array, np.float32)
    if is_standardised_inside(array):
        outside = np.abs(array) <= _tolerance(array)
        inside = samples_of(np.where(outside, np.nan, array))
        raised = array - np.float32(_zero_before(inside[np.isfinite(inside)]))
        return np.where(outside, 0, np.maximum(raised, 0))
    return np.maximum(array - np.float32(zero_level(array)), 0)


def zero_level(array):
    """Returns the background intensity of a scan that has negative voxels.

    Args:
        array: `(x, y, z)` of numbers.

    Returns:
        float: 0 where the background lies there, whatever lies below; else, for scans
        that were standardised, the background.
    """
    values = samples_of(array)
    low, high = np.percentile(values, (1, 99.5))
    span = high - low
    dark = values[values <= low + DARK_BAND * span]
    background = float(np.median(dark))
    if abs(background) <= NEAR_ZERO * span:
        return 0.0
    constant = np.abs(dark - background) <= CONSTANT * span
    return background if constant.mean() > 0.5 else float(low)


def background_level(array):
    """Returns what is dark in a scan: 0, or what 0 became on another scale.

    Args:
        array: `(x, y, z)` of numbers.

    Returns:
        float: 0 too where the scan was standardised within a mask, outside of which it
        is 0.
    """
    if not array.size or array.min() >= 0 or is_standardised_inside(array):
        return 0.0
    return float(zero_level(array))


def about_background(volume, draw):
    """Resamples a scan so that what it does not reach is its background.

    Args:
        volume: Volume, with a channel axis or without.
        draw: callable `(Volume, background=float) -> Volume`.
    """
    if not volume.array.size or volume.array.min() >= 0:
        return draw(volume)
    return each_channel(
        volume, lambda one: draw(one, background=background_level(one.array))
    )


def each_channel(volume, change):
    """Changes the channels of a Volume one by one.

    Args:
        volume: Volume, with a channel axis or without.
        change: callable `(Volume) -> Volume` for Volumes without.
    """
    if volume.array.ndim == 3:
        return change(volume)
    channels = np.moveaxis(volume.array, -1, 0)
    parts = [change(volume.with_array(channel)) for channel in channels]
    return parts[0].with_array(np.stack([part.array for part in parts], -1))


def masked(volume, mask):
    """Returns a scan that is 0 outside a mask and counts from its darkest inside.

    Args:
        volume: Volume of one channel.
        mask: `(x, y, z)` bool.
    """
    array = np.asarray(volume.array, np.float32)
    inside = array[mask]
    array = np.where(mask, array - darkest(inside) if inside.size else array, 0)
    # What lies below the level is an accident; overshoot of the smoothing is not.
    return volume.with_array(np.maximum(array, 0))


def _zero_before(inside):
    """What 0 has become within the mask that a scan was standardised by.

    What lies outside the mask says nothing, for it was set to 0 afterwards. But masks
    begin near 0: what is not above it is no object.
    """
    darkest, dark, bright = np.percentile(inside, (DARKEST, DARK, BRIGHT))
    slope = (dark - darkest) / max(bright - darkest, 1e-12)
    share = DARKEST_FLUID * min(slope / EDGE, 1.0)
    return float(darkest - share / (1 - share) * (bright - darkest))


def is_standardised_inside(array):
    """Whether a scan has mean 0 within the brain and 0 outside, as some tools do.

    Args:
        array: `(x, y, z)` of numbers.

    Returns:
        bool: much is 0, and much of the rest lies on either side of it.
    """
    values = samples_of(array)
    tolerance = _tolerance(array)
    rest = values[np.abs(values) > tolerance]
    if not rest.size or 1 - rest.size / values.size < LEAST_OUTSIDE:
        return False
    low, high = np.percentile(rest, (5, 95))
    sides = min((rest < 0).mean(), (rest > 0).mean())
    return sides > LEAST_NEGATIVE and low < -0.1 * (high - low)


def _tolerance(array):
    """What counts as 0: exactly that where it is frequent, else nearly (resampled)."""
    values = samples_of(array)
    if (values == 0).mean() >= LEAST_OUTSIDE:
        return 0.0
    low, high = np.percentile(values, (0.5, 99.5))
    return 0.01 * float(high - low)


def darkest(values):
    """The least value, unless it lies alone: then that of a thousandth of all."""
    least, bright = float(values.min()), float(np.percentile(values, 99))
    low = float(np.percentile(values, 0.1))
    return least if low - least <= LONE_DARK * (bright - low) else low
