"""Registration of a head to the standard space."""

import warnings

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from medzoo.spatial.apply_transform import apply
from medzoo.spatial.atlas import CONTRASTS
from medzoo.spatial.bias_field import correct_bias_field
from medzoo.spatial.demons import demons
from medzoo.spatial.descent import descend
from medzoo.spatial.grid import Grid
from medzoo.spatial.register import rigid_part
from medzoo.spatial.resample import resample_to
from medzoo.spatial.shared_registration import register_once
from medzoo.spatial.standard_space import StandardSpace, standard_space
from medzoo.spatial.tissue_contrast import own_white_level, white_level
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

COARSE_ATLAS = "ixi_t1_4mm"
SPACING = 2.0
WHITE_MATTER, FLUID = 3, 5
# Voxels of 2 mm: what takes part in the affine step lies so near to the brain.
RIM = 2
# How often the grid of 2 mm is thinned for it, coarse to fine.
SHRINK = (2, 1)
# Of white matter. Fat, vessels and what a coil makes bright tell nothing.
BRIGHTEST = 1.4
# A head whose scalp is darker than this share of white matter is skull-stripped.
STRIPPED = 0.1
# From here on outwards the deformable step sees nothing, voxels of 2 mm.
REACH = 8
# As bright as this, of white matter, is brain rather than fluid.
TISSUE = 0.5


def onto_standard(
    moving: Volume, name: str, kind: str, contrast: str = "t1"
) -> Transform:
    """Registers a head; see `medzoo.spatial.registration.register`.

    Args:
        moving: Volume of one channel, its background 0.
        name: str, of the space.
        kind: "rigid", "affine" or "deformable".
        contrast: "t1" or "flair".
    """
    space = standard_space(name)
    image = resample_to(moving, Grid.of(moving).around(SPACING))
    start = register_once(moving, COARSE_ATLAS, contrast).to_image
    matrix = _affine(image, space, start, contrast)
    parts = [matrix]
    if kind == "rigid":
        parts = [rigid_part(matrix, centre_of(space))]
    if kind == "deformable":
        parts = [_field(image, space, matrix), matrix]
    found = Transform(parts, grid=space.grid)
    quality = _quality(found, image, space, contrast)
    return Transform(parts, grid=space.grid, quality=quality)


def centre_of(space: StandardSpace) -> np.ndarray:
    """Returns the middle of the brain, world mm, `(3,)`."""
    index = np.argwhere(space.mask.array).mean(axis=0)
    return space.grid.affine[:3, :3] @ index + space.grid.affine[:3, 3]


def _affine(image, space, start, contrast):
    drawn = apply(Transform([start]), image, grid=space.grid).array
    level = _white_level(drawn, space)
    # Skull and scalp about the brain hold its size; what is stripped has none.
    whole = contrast == "t1" and not _is_stripped(drawn / (level or 1.0), space)
    fixed = space.head if whole else space.brain
    if CONTRASTS[contrast] is not None:
        fixed = fixed.with_array(np.interp(fixed.array, *CONTRASTS[contrast]))
    rim = binary_dilation(space.mask.array, iterations=RIM)
    # A voxel of fat must not outweigh the brain.
    bright = np.percentile(image.array[image.array > image.array.mean()], 95)
    image = image.with_array(np.minimum(image.array, 1.5 * bright))
    return descend(fixed, image, start, mask=rim, shrink=SHRINK)[0]


def _white_level(array, space):
    return white_level(array, binary_erosion(space.tissue.array == WHITE_MATTER))


def _field(image, space, matrix):
    """The displacement field of a T1, on the grid of the standard space."""
    drawn = apply(Transform([matrix]), image, grid=space.grid)
    array = in_units_of_white_matter(drawn, space)
    fixed, near = space.head.array, _near(space)
    if _is_stripped(array, space):
        fixed = space.brain.array
    fixed, array = (np.where(near, np.clip(a, 0, BRIGHTEST), 0) for a in (fixed, array))
    return demons(fixed, array, space.grid.affine)


def _near(space):
    return binary_dilation(space.mask.array, iterations=REACH)


def in_units_of_white_matter(drawn: Volume, space: StandardSpace) -> np.ndarray:
    """Returns a T1 without bias field, its white matter 1, `(x, y, z)` float32.

    Args:
        drawn: Volume on the grid of the standard space, about in place.
        space: `StandardSpace`.
    """
    # The field is estimated where the brain is: not by what coils do to the scalp.
    near = _near(space)
    array = correct_bias_field(drawn.with_array(np.where(near, drawn.array, 0))).array
    level = _white_level(array, space)
    if level > 0:
        level = own_white_level(array[space.mask.array], level)
    return np.asarray(array / (level or 1.0), np.float32)


def _is_stripped(array, space):
    """Whether nothing is seen where the scalp of most heads is."""
    scalp = ~binary_dilation(space.mask.array, iterations=4) & _near(space)
    scalp &= space.head.array > TISSUE
    return bool(np.median(array[scalp]) < STRIPPED) if scalp.any() else False


def _quality(found, image, space, contrast):
    drawn = apply(found, image, grid=space.grid).array
    inside = space.mask.array
    fixed = space.head.array
    if CONTRASTS[contrast] is not None:
        fixed = np.interp(fixed, *CONTRASTS[contrast])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        correlation = np.corrcoef(drawn[inside], fixed[inside])[0, 1]
    level = _white_level(drawn, space)
    near = binary_dilation(inside, iterations=RIM)
    here, there = (
        near & (a > TISSUE * scale)
        for a, scale in ((drawn, level), (np.where(inside, fixed, 0), 1.0))
    )
    total = here.sum() + there.sum()
    return {
        "correlation": float(np.nan_to_num(correlation)),
        "overlap": float(2 * (here & there).sum() / total) if total else 0.0,
        "scale": float(np.cbrt(np.linalg.det(found.matrix[:3, :3]))),
        "smallest_jacobian": found.jacobian(),
    }
