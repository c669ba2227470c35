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
    # Thick slices are apart by more than what is closed: along them nothing is.
    times = [round(CLOSING_MM / size) for size in spacing]
    most = max(*times, 1)
    elements = [_cross([n > k for n in times]) for k in range(most)]
    closed = np.pad(mask, most)
    for element in elements:
        closed = ndimage.binary_dilation(closed, element)
    for element in elements:
        closed = ndimage.binary_erosion(closed, element)
    inner = tuple(slice(most, -most) for _ in range(3))
    return ndimage.binary_fill_holes(closed)[inner]


def _cross(axes):
    """A voxel and its neighbours along some axes, `(3, 3, 3)` bool."""
    cross = np.zeros((3, 3, 3), bool)
    cross[1, 1, 1] = True
    for axis, grows in enumerate(axes):
        if grows:
            cross[tuple(slice(None) if a == axis else 1 for a in range(3))] = True
    return cross
