"""Intensities of one scan on the scale of another."""

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.background import samples_of
from medzoo.spatial.scan_checks import check_image
from medzoo.volume import Volume

QUANTILES = 64


def histogram_match(volume: Volume, reference: Volume) -> Volume:
    """Bends intensities so that their histogram is that of another scan.

    Quantiles of what is brighter than the mean of each go onto one another, piecewise
    linearly; below, values are scaled. Where a strong bend brings a tissue from one
    side of the mean to the other, intensities near the mean are the least exact.

    Args:
        volume: Volume of one channel.
        reference: Volume of one channel and of the same contrast; it need not lie on
            the same grid.

    Returns:
        Volume, float32, in the units of the reference.

    Raises:
        InputError: if one of them is constant, has channels, or voxels that are not
            finite numbers.

    Source:
        Nyul, Udupa and Zhang (2000), with quantiles above the mean for landmarks.
    """
    for name, image in (("volume", volume), ("reference", reference)):
        check_image(name, image)
        if not image.array.max() > image.array.min():
            raise InputError(
                "A histogram needs more than one intensity. Received: "
                f"`{name}` is constant. Check the file."
            )
    return matched(volume, reference)


def matched(volume: Volume, reference: Volume) -> Volume:
    """As `histogram_match`, for images that are known to vary."""
    own, wanted = (_landmarks(v.array) for v in (volume, reference))
    array = np.asarray(volume.array, np.float32)
    # Quantiles of few different values coincide: the last of them counts.
    own, index = np.unique(own[::-1], return_index=True)
    wanted = wanted[::-1][index]
    result = np.interp(array, own, wanted)
    above = array > own[-1]
    slope = (wanted[-1] - wanted[0]) / max(own[-1] - own[0], 1e-12)
    result[above] = wanted[-1] + slope * (array[above] - own[-1])
    below = array < own[0]
    result[below] = wanted[0] + slope * (array[below] - own[0])
    return volume.with_array(result.astype(np.float32))


def _landmarks(array):
    values = samples_of(array)
    bright = values[values > values.mean()]
    shares = np.linspace(0, 99.5, QUANTILES)
    least = np.percentile(values, 0.5)
    return np.concatenate([[least], np.percentile(bright, shares)])
