"""Initial position of the brain in a head: exhaustive search at 8 mm.

Normalised cross-correlation of an atlas brain with the image, at every translation
(by FFT) and a few pitches and sizes, finds the global optimum that a registration by
descent needs to start from. Whole heads and skull-stripped ones look alike to it,
because only the brain and a thin rim around it take part.
"""

from functools import lru_cache

import numpy as np

from medzoo.spatial.atlas import atlas
from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume

SPACING = 8.0
PITCHES = (-30.0, -15.0, 0.0, 15.0, 30.0)
SIZES = (0.92, 1.06)
HALF_EXTENT = np.array([88.0, 108.0, 92.0])


def find_brain(image, atlas_name, contrast="t1"):
    """Finds the similarity transform that best puts the atlas brain into an image.

    Args:
        image: Volume, intensities about 1 in white matter, any grid.
        atlas_name: str.
        contrast: str, of the image: see `medzoo.spatial.atlas`.

    Returns:
        `(4, 4)` float64, atlas world -> image world (mm), and the correlation, a
        float in [-1, 1].
    """
    coarse = resample_to(image, Grid.of(image).around(SPACING))
    best = None
    for template in _templates(atlas_name, contrast):
        correlation = _correlate(coarse.array, template.brain, template.mask)
        peak = np.unravel_index(correlation.argmax(), correlation.shape)
        if best is None or correlation[peak] > best[0]:
            centre = coarse.affine[:3, :3] @ peak + coarse.affine[:3, 3]
            best = (float(correlation[peak]), template.linear, centre)
    score, linear, centre = best
    world = np.eye(4)
    world[:3, :3] = linear
    world[:3, 3] = centre - linear @ atlas(atlas_name).centre
    return world, score


class _Template:
    """The atlas brain, pitched and scaled, on an 8 mm grid about its centre."""

    def __init__(self, source, pitch, size):
        angle = np.deg2rad(pitch)
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        self.linear = rotation * size
        half = np.ceil(HALF_EXTENT / SPACING).astype(int)
        affine = np.eye(4)
        affine[:3, :3] = np.linalg.inv(self.linear) * SPACING
        affine[:3, 3] = source.centre - affine[:3, :3] @ half
        grid = Grid(tuple(int(n) for n in 2 * half + 1), affine)
        rim = brain_with_rim(source.name).astype(np.float32)
        brain = resample_to(Volume(source.brain, source.grid.affine), grid)
        mask = resample_to(Volume(rim, source.grid.affine), grid)
        self.brain, self.mask = brain.array, mask.array > 0.5


@lru_cache(maxsize=2)
def _templates(name, contrast):
    source = atlas(name, contrast)
    return [_Template(source, p, s) for p in PITCHES for s in SIZES]


@lru_cache(maxsize=2)
def brain_with_rim(name):
    """Returns the atlas's brain mask, one voxel wider: `(x, y, z)` bool."""
    from scipy.ndimage import binary_dilation

    return binary_dilation(atlas(name).probability > 0.5)


def _correlate(image, template, mask):
    """Normalised cross-correlation of a masked template at every voxel of `image`.

    Source: Padfield, "Masked Object Registration in the Fourier Domain" (2012), with
    a mask on the template alone.
    """
    # Not `scipy.signal`, whose import takes a second of processor time.
    from scipy import fft

    count = mask.sum()
    zero_mean = np.where(mask, template - template[mask].mean(), 0)
    zero_mean /= np.sqrt((zero_mean**2).sum())
    padded = np.pad(image, [(n // 2, n // 2) for n in template.shape])
    shape = [fft.next_fast_len(n, real=True) for n in padded.shape]
    valid = tuple(slice(0, n) for n in image.shape)

    def correlate(x, kernel):
        return fft.irfftn(x * kernel.conj(), shape)[valid]

    # Of sides that are odd: what wraps around lies beyond what is kept.
    arrays = (padded, padded**2, zero_mean, mask.astype(np.float32))
    x, squares, kernel, weights = (fft.rfftn(array, shape) for array in arrays)
    covariance = correlate(x, kernel)
    mean = correlate(x, weights)
    variance = correlate(squares, weights) - mean**2 / count
    # Where nearly nothing varies the quotient would be noise.
    return covariance / np.sqrt(np.maximum(variance, 1e-3 * variance.max() + 1e-12))
