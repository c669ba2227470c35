"""Noise of a scan: how much there is, and less of it."""

from importlib.util import find_spec
from numbers import Real

import numpy as np
from scipy.ndimage import minimum_filter, uniform_filter
from scipy.special import chdtri

from medzoo.errors import InputError
from medzoo.spatial.background import samples_of
from medzoo.spatial.scan_checks import check_image
from medzoo.volume import Volume

METHODS = ("diffusion", "nonlocal")
# Voxels of half resolution along an edge, and the quantile of their variances.
NEIGHBOURHOOD, LOW = 3, 0.1
# Of the diffusion: the largest stable step, how often, and what is an edge, in units of
# the noise; measured at 3, 6 and 9 % of noise, see docs/decisions/preprocessing.md.
TIME_STEP, ITERATIONS, CONDUCTANCE = 0.0625, 4, 1.5
# Below this, of the brightness of the object, a scan has no noise to remove.
LEAST = 1e-4


def noise_level(volume: Volume) -> float:
    """Returns the standard deviation of a scan's noise, in its own units.

    Differences along all three axes at once, the finest diagonal Haar coefficients,
    cancel much of anatomy and leave noise. Their variance is taken in small
    neighbourhoods of the object, and of these the tenth percentile, which is that of
    homogeneous tissue, corrected for being the tenth percentile of noise.

    Args:
        volume: Volume of one channel. One that was smoothed or interpolated has less
            noise than estimated; background that was set to 0 does not count.

    Source:
        Coupe et al., "Robust Rician noise estimation for MR images", Medical Image
        Analysis 14 (2010); Donoho (1995).
    """
    check_image("volume", volume)
    array = np.asarray(volume.array, np.float32)
    size = [n // 2 * 2 for n in array.shape]
    if min(size) < 2:
        return 0.0
    detail = array[: size[0], : size[1], : size[2]]
    smooth = detail
    for axis in range(3):
        first, second = (_every_second(detail, axis, start) for start in (0, 1))
        detail = (first - second) / np.float32(np.sqrt(2))
        first, second = (_every_second(smooth, axis, start) for start in (0, 1))
        smooth = (first + second) / 2
    variance = uniform_filter(detail**2, NEIGHBOURHOOD, mode="nearest")
    # Where a neighbour is background, its noise is another one.
    bright = minimum_filter(smooth, NEIGHBOURHOOD) > smooth.mean()
    values = variance[bright]
    if not values.size:
        return 0.0
    degrees = NEIGHBOURHOOD**3
    share = float(chdtri(degrees, 1 - LOW)) / degrees
    return float(np.sqrt(np.quantile(values, LOW) / share))


def denoise(
    volume: Volume, *, method: str = "diffusion", sigma: float | None = None
) -> Volume:
    """Removes noise and keeps edges.

    Args:
        volume: Volume of one channel.
        method: str, "diffusion" (anisotropic diffusion; the default), or
            "nonlocal" (non-local means for Rician noise; needs the extra denoise, and
            several times the time).
        sigma: float, the standard deviation of the noise in the scan's units, or None
            to estimate it, see `noise_level`.

    Returns:
        Volume, float32, in the scan's units.

    Raises:
        InputError: for another method, several channels, a sigma that is not positive,
            or if dipy is not installed.

    Source:
        Perona and Malik, "Scale-space and edge detection using anisotropic diffusion"
        (1990), in SimpleITK; Coupe et al., "An optimized blockwise
        nonlocal means denoising filter for 3-D magnetic resonance images" (2008), in
        dipy.
    """
    check_image("volume", volume)
    if method not in METHODS:
        raise InputError(
            f"`method` must be one of {METHODS}. Received: method={method!r}."
        )
    if sigma is not None and not (isinstance(sigma, Real) and 0 < sigma < np.inf):
        raise InputError(
            f"`sigma` must be positive. Received: sigma={sigma!r}. Pass None to "
            "estimate it."
        )
    sigma = noise_level(volume) if sigma is None else float(sigma)
    array = np.asarray(volume.array, np.float32)
    values = samples_of(array)
    bright = float(values[values >= values.mean()].mean())
    if sigma <= LEAST * abs(bright):
        return volume.with_array(array)
    by = {"diffusion": _diffusion, "nonlocal": _nonlocal}[method]
    return volume.with_array(by(array, sigma))


def _every_second(array, axis, start):
    return array[
        tuple(slice(start, None, 2) if a == axis else slice(None) for a in range(3))
    ]


def _diffusion(array, sigma):
    import SimpleITK as sitk

    # In units of the noise, so that nothing is too small or too large for float32.
    scaled = np.ascontiguousarray((array / sigma).transpose(2, 1, 0))
    image = sitk.GetImageFromArray(scaled.astype(np.float32))
    slopes = sitk.GetArrayFromImage(sitk.GradientMagnitude(image))
    steepness = float(np.sqrt(np.mean(np.square(slopes, dtype=np.float64))))
    method = sitk.GradientAnisotropicDiffusionImageFilter()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    method.SetTimeStep(TIME_STEP)
    method.SetNumberOfIterations(ITERATIONS)
    # ITK counts in units of the image's own mean gradient, which is of anatomy.
    method.SetConductanceParameter(CONDUCTANCE / steepness)
    found = method.Execute(image)
    return sitk.GetArrayFromImage(found).transpose(2, 1, 0) * np.float32(sigma)


def _nonlocal(array, sigma):
    if find_spec("dipy") is None:
        raise InputError(
            "Non-local means need the extra denoise. Received: dipy is not installed. "
            "Install it with pip install 'medzoo[denoise]', or use "
            "method='diffusion'."
        )
    from dipy.denoise.nlmeans import nlmeans

    found = nlmeans(array, sigma, patch_radius=1, block_radius=2, rician=True)
    return np.asarray(found, np.float32)
