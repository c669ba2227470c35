"""How far the contrast of a scan is from that of known scanners, in numbers alone.

For the layer `medzoo.layers.KnownContrasts`, and for prediction without Keras.
"""

from collections.abc import Sequence

import numpy as np

# Zones of the head along each axis: both hemispheres together.
ZONES = (1, 2, 2)


def zone_means(volumes: np.ndarray, zones: Sequence[int] = ZONES) -> np.ndarray:
    """Returns the means of channels in zones, `(batch, features)` float64.

    Args:
        volumes: `(batch, x, y, z, channels)` float array, sizes divisible by `zones`.
        zones: three ints, zones along each axis.
    """
    volumes = np.asarray(volumes, np.float64)
    batch, *sizes, _ = volumes.shape
    split = [n for s, z in zip(sizes, zones, strict=True) for n in (z, s // z)]
    means = volumes.reshape(batch, *split, -1).mean((2, 4, 6))
    return means.reshape(batch, -1)


def scanner_distances(
    features: np.ndarray, means: np.ndarray, whitening: np.ndarray, used: np.ndarray
) -> np.ndarray:
    """Returns the distance of features from each scanner.

    Args:
        features: `(batch, features)` array, of `zone_means`.
        means: `(scanners, features)` array.
        whitening: `(features, features)` array, by which what is off the mean of a
            scanner is multiplied to be of variance 1 among its scans.
        used: `(scanners,)` array, above 0 for each row of `means` that is a scanner.

    Returns:
        `(batch, scanners that are used)` float64, the root mean square over features.
    """
    means, whitening = (np.asarray(a, np.float64) for a in (means, whitening))
    off = (np.asarray(features, np.float64)[:, None] - means[used > 0]) @ whitening
    return np.sqrt((off**2).mean(-1))
