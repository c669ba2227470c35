"""Removing the face from a head, so that a scan can be shared."""

import warnings

import numpy as np
from scipy.ndimage import distance_transform_edt

from medzoo.errors import MedzooWarning
from medzoo.spatial.background import background_level
from medzoo.spatial.grid import Grid
from medzoo.spatial.registration import register
from medzoo.spatial.resample import resample_to
from medzoo.spatial.scan_checks import check_image
from medzoo.spatial.standard_space import standard_space
from medzoo.spatial.transform import Transform, check_transform
from medzoo.volume import Volume

# In MNI coordinates, mm: the face lies in front of a plane that leans back from the
# forehead to the chin, below the hairline.
PLANE_Y, PLANE_SLOPE, PLANE_Z = 22.0, 0.45, 0.0
HAIRLINE_Z = 38.0
# Nothing so near to where any head has brain is removed, mm.
MARGIN_MM = 8.0
ANY_BRAIN = 0.04
NO_GUARANTEE = (
    "Removing the face is no guarantee that a person cannot be recognised: ears, skull "
    "and brain remain. Look at the result, and share it under terms."
)


def deface(volume: Volume, transform: Transform | None = None) -> Volume:
    """Sets the face of a head to the background.

    Args:
        volume: Volume of one channel, a whole head in any orientation. What is 0 in
            front of it stays so.
        transform: `Transform` of the standard space to the scan, as of
            `register(volume, "mni152")`; found if None.

    Returns:
        Volume of the scan's type on its grid. A `MedzooWarning` says that this is no
        guarantee.

    Raises:
        InputError: for several channels or a constant image.
        GeometryError: for a field of view that holds no head.

    Source:
        The idea is that of Bischoff-Grethe et al., "A technique for the
        deidentification of structural brain MR images" (2007): nothing that may be
        brain is touched.
    """
    face = face_mask(volume, transform)
    dark = background_level(volume.array)
    if volume.array.dtype.kind in "iu":
        dark = round(dark)
    array = np.where(face.array, np.asarray(dark, volume.array.dtype), volume.array)
    warnings.warn(NO_GUARANTEE, MedzooWarning, stacklevel=2)
    return volume.with_array(array)


def face_mask(volume: Volume, transform: Transform | None = None) -> Volume:
    """Returns where the face and all in front of it is, bool on the grid of a scan.

    Args:
        volume: Volume, as of `deface`.
        transform: `Transform` or None.
    """
    check_image("volume", volume)
    if transform is None:
        transform = register(volume, "mni152", "affine")
    check_transform(transform)
    to_standard = np.linalg.inv(transform.matrix) @ volume.affine
    axes = np.meshgrid(
        *(np.arange(n) for n in volume.shape), indexing="ij", sparse=True
    )
    y, z = (
        sum(to_standard[row, column] * axes[column] for column in range(3))
        + to_standard[row, 3]
        for row in (1, 2)
    )
    front = y > PLANE_Y + PLANE_SLOPE * (z - PLANE_Z)
    space = standard_space("mni152")
    spacing = space.head.spacing
    away = distance_transform_edt(space.probability.array <= ANY_BRAIN, spacing)
    near = away <= MARGIN_MM
    kept = Volume(near.astype(np.uint8), transform.matrix @ space.head.affine)
    kept = resample_to(kept, Grid.of(volume), interpolation="nearest").array > 0
    return volume.with_array(front & (z < HAIRLINE_Z) & ~kept)
