"""Rounding of affines, so that rounded headers give equal results.

Converters write places in single precision: the slices of one series are 0.88 mm apart
in DICOM and 0.8800027 mm in the NIfTI made of it. A registration ends a micrometre
elsewhere then, the correction of bias takes another number of steps, and an age differs
by a tenth of a year.
"""

import numpy as np

# Of spacing in mm, and of directions: over a head some hundredths of a millimetre.
DIGITS = 4


def without_rounding(volume):
    """Returns a Volume whose axes have a length and direction of four digits.

    Args:
        volume: Volume.

    Returns:
        Volume with the same middle.
    """
    linear = volume.affine[:3, :3]
    lengths = np.linalg.norm(linear, axis=0)
    spacing = np.round(lengths, DIGITS)
    directions = np.round(linear / lengths, DIGITS)
    directions /= np.linalg.norm(directions, axis=0)
    middle = (np.asarray(volume.shape) - 1) / 2
    affine = np.eye(4)
    # A voxel of less than a micrometre keeps its size.
    affine[:3, :3] = directions * np.where(spacing > 0, spacing, lengths)
    moved = linear @ middle - affine[:3, :3] @ middle
    affine[:3, 3] = volume.affine[:3, 3] + moved
    return volume.with_affine(affine)
