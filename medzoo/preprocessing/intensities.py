"""Intensity scales of a volume; those that are layers too give the layers' numbers."""

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.background import from_background
from medzoo.spatial.histogram import histogram_match
from medzoo.spatial.scan_checks import check_image, check_mask, check_numbers
from medzoo.volume import Volume

__all__ = ["ct_window", "histogram_match", "rescale", "white_stripe", "zscore"]

NUM_BINS = 512
SMOOTHING_BINS = 6.0
# Half of the share of voxels about the peak that make the stripe.
STRIPE = 0.05
# White matter is looked for above this quantile of the brain.
LEAST_SHARE = 0.4
# Of the highest peak: what is lower is noise.
LEAST_PEAK = 0.2


def zscore(volume: Volume, mask: Volume | None = None, region: str = "whole") -> Volume:
    """Brings mean and standard deviation to 0 and 1, as `medzoo.layers.ZScore`.

    Args:
        volume: Volume, each channel apart.
        mask: Volume on its grid, above 0 what both are computed over.
        region: str, "whole", "foreground" or "above_mean", where there is no mask.

    Returns:
        Volume, float32.

    Raises:
        InputError: for voxels that are not finite, an empty mask, or another region.
        GeometryError: for a mask on another grid.
    """
    if mask is None:
        return _by_layer(volume, "ZScore", region=region)
    check_numbers("volume", volume)
    check_mask(mask, volume)
    return _by_layer(volume, "ZScore", mask=mask, region="mask")


def rescale(
    volume: Volume,
    out_range: tuple[float, float] = (0.0, 1.0),
    percentiles: tuple[float, float] = (0.5, 99.5),
) -> Volume:
    """Maps two percentiles onto a range, as `medzoo.layers.RescaleIntensity`.

    Args:
        volume: Volume, each channel apart.
        out_range: two floats.
        percentiles: two floats in [0, 100]; 0 and 100 are one bad voxel's to choose.

    Returns:
        Volume, float32, cut to the range.

    Raises:
        InputError: for percentiles that do not ascend, a range that is not two
            different numbers, or voxels that are not finite.
    """
    options = {"out_range": out_range, "percentiles": percentiles}
    return _by_layer(volume, "RescaleIntensity", **options)


def ct_window(
    volume: Volume,
    window: str = "brain",
    out_range: tuple[float, float] | None = (0.0, 1.0),
) -> Volume:
    """Cuts a CT to a window, as `medzoo.layers.ClipIntensity`, and scales it.

    Args:
        volume: Volume in Hounsfield units.
        window: str, as of `ClipIntensity`: "brain", "bone", "lung", ...
        out_range: what the ends of the window become, or None to stay in Hounsfield
            units.

    Returns:
        Volume, float32.

    Raises:
        InputError: for a window that is not known, a range that is not two different
            numbers, or voxels that are not finite.
    """
    found = _by_layer(volume, "ClipIntensity", window=window)
    if out_range is None:
        return found
    from medzoo.layers import ClipIntensity

    ends = ClipIntensity(window=window).limits
    return _by_layer(found, "RescaleIntensity", in_range=ends, out_range=out_range)


def white_stripe(volume: Volume, mask: Volume | None = None) -> Volume:
    """Brings normal white matter of a T1 to 0, its standard deviation to 1.

    White matter is the last peak of the brain's histogram; the stripe are the
    intensities about it.

    Args:
        volume: Volume of a T1, one channel, best without bias field.
        mask: Volume on its grid, above 0 the brain; None takes what is brighter than
            the mean.

    Returns:
        Volume, float32, in standard deviations of white matter.

    Raises:
        InputError: for several channels, a constant image or an empty mask.
        GeometryError: for a mask on another grid.

    Source:
        Shinohara et al., "Statistical normalization techniques for magnetic resonance
        imaging", NeuroImage: Clinical 6 (2014).
    """
    check_image("volume", volume)
    if mask is not None:
        check_mask(mask, volume)
    array = from_background(np.asarray(volume.array, np.float32))
    inside = array > array.mean() if mask is None else mask.array > 0
    values = np.sort(array[inside])
    if not values.size or not values[-1] > values[0]:
        raise InputError(
            "White matter is looked for within the brain. Received: a constant image, "
            "or an empty mask. Check both."
        )
    place = np.searchsorted(values, _last_peak(values)) / values.size
    low, high = np.clip((place - STRIPE, place + STRIPE), 0, 1)
    stripe = values[int(low * (values.size - 1)) : int(high * (values.size - 1)) + 1]
    stddev = float(stripe.std()) or 1.0
    return volume.with_array((array - stripe.mean()) / np.float32(stddev))


def _last_peak(ascending):
    """The last peak of the brighter part of a brain's histogram.

    Not the highest: that of grey matter often is.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    ends = np.quantile(ascending, (LEAST_SHARE, 0.995))
    if not ends[1] > ends[0]:
        return float(ends[0])
    counts, edges = np.histogram(ascending, NUM_BINS, ends)
    smooth = gaussian_filter1d(counts.astype(float), SMOOTHING_BINS, mode="constant")
    around = np.concatenate([[0.0], smooth, [0.0]])
    peaks, _ = find_peaks(around, height=LEAST_PEAK * smooth.max())
    peak = int(peaks[-1]) - 1
    return float((edges[peak] + edges[peak + 1]) / 2)


def _by_layer(volume, name, mask=None, **arguments):
    from medzoo import layers

    check_numbers("volume", volume)
    array = np.asarray(volume.array, np.float32)
    batch = array[None] if array.ndim == 4 else array[None, ..., None]
    try:
        layer = getattr(layers, name)(dtype="float32", **arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"{error} Choose another one.") from None
    if mask is None:
        found = layer(batch, training=False)
    else:
        marked = (mask.array > 0).astype(np.float32)[None, ..., None]
        data = {"images": batch, "segmentation_masks": marked}
        found = layer(data, training=False)["images"]
    return volume.with_array(np.asarray(found, np.float32)[0].reshape(array.shape))
