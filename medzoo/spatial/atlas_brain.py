"""The brain in a head by deforming the standard space onto it: no weights needed."""

import numpy as np
from scipy import ndimage

from medzoo.spatial.apply_transform import apply
from medzoo.spatial.grid import Grid
from medzoo.spatial.onto_standard import onto_standard
from medzoo.spatial.standard_space import standard_space
from medzoo.volume import Volume

# What closes sulci, mm.
CLOSING_MM = 2.0


def atlas_brain(volume: Volume, name: str = "mni152") -> Volume:
    """Returns the mask of the standard space where a T1 has its brain.

    Args:
        volume: Volume of one channel, its background 0.
        name: str, of the space.

    Returns:
        Volume bool on the grid of the scan.
    """
    found = onto_standard(volume, name, "deformable")
    back = found.inverse(Grid.of(volume))
    mask = standard_space(name).mask
    share = apply(back, mask.with_array(mask.array.astype(np.float32)))
    return volume.with_array(filled(share.array > 0.5, volume.spacing))


def filled(mask: np.ndarray, spacing: tuple) -> np.ndarray:
    """Returns a mask in one piece, its narrow sulci and its holes filled.

    Args:
        mask: `(x, y, z)` bool.
        spacing: three floats, mm.
    """
    parts, count = ndimage.label(mask)
    if count > 1:
        mask = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    times = max(1, round(CLOSING_MM / float(np.mean(spacing))))
    padded = np.pad(mask, times)
    closed = ndimage.binary_closing(padded, iterations=times)
    inner = tuple(slice(times, -times) for _ in range(3))
    return ndimage.binary_fill_holes(closed)[inner]
