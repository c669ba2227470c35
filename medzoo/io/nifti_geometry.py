"""The affine of a NIfTI header: sform, qform, or an assumed one."""

from itertools import product

import numpy as np

from medzoo.errors import GeometryError
from medzoo.io.refusal import named, refusal, shown
from medzoo.volume import Volume

MILLIMETRES = {1: 1000.0, 3: 0.001}  # metres, micrometres; all others mean mm
MOST_CORNER_DISTANCE = 0.1  # mm
MOST_SPACING_RATIO = 1.01
# Of nifti1_io.c: below this the first number is rounding of a turn by 180 degrees.
HALF_TURN = 1e-7
DAMAGED = "Convert the image again from its source."


def nifti_affine(geometry, shape, path, assumed=None):
    """The affine of a NIfTI header.

    The sform goes before the qform. Where both are there they must agree in
    handedness and voxel size; with the same code they should agree in place too.

    Args:
        geometry: record of header fields (`NiftiHeader.geometry`).
        shape: three ints.
        path: the file, for messages.
        assumed: `(4, 4)` or None, for a header with neither form.

    Returns:
        `(4, 4)` float64 in mm, RAS+, and a list of warnings.

    Raises:
        GeometryError: neither form and nothing assumed, a form that is impossible, or
            two that contradict each other.
    """
    unit = MILLIMETRES.get(int(geometry["xyzt_units"]) & 7, 1.0)
    forms = {}
    if geometry["sform_code"] > 0:
        forms["sform"] = _checked(_sform(geometry, unit), path)
    if geometry["qform_code"] > 0:
        forms["qform"] = _checked(_qform(geometry, unit, path), path)
    if not forms and assumed is None:
        raise refusal(
            GeometryError,
            "An image must have a valid qform or sform",
            path,
            "sform_code=0, qform_code=0",
            "Pass assume_affine=<voxel size in mm> (--assume-affine) if it is RAS+.",
        )
    if not forms:
        return assumed, []
    if len(forms) == 1:
        return next(iter(forms.values())), []
    _check_agree(forms, path)
    warnings = []
    if geometry["sform_code"] == geometry["qform_code"]:
        warnings = _conflict(forms, shape, path)
    return forms["sform"], warnings


def corner_distance(one, other, shape):
    """The largest distance in mm between the corners that two affines give."""
    corners = np.array(list(product(*((0, n - 1) for n in shape))), np.float64)
    difference = np.asarray(one) - np.asarray(other)
    moved = corners @ difference[:3, :3].T + difference[:3, 3]
    return float(np.linalg.norm(moved, axis=1).max())


def _sform(geometry, unit):
    affine = np.eye(4)
    rows = np.array([geometry[f"srow_{axis}"] for axis in "xyz"], np.float64)
    with np.errstate(over="ignore"):  # infinite is refused by `_checked`
        affine[:3] = rows * unit
    return affine


def _qform(geometry, unit, path):
    """nifti1.h, method 2: a rotation by quaternion, voxel sizes, an offset."""
    b, c, d = (float(geometry[f"quatern_{part}"]) for part in "bcd")
    spacing = np.array(geometry["pixdim"][1:4], np.float64)
    a_squared = 1.0 - (b * b + c * c + d * d)
    # Stored in single precision, a unit quaternion may come out slightly too long.
    if not (np.isfinite(spacing).all() and (spacing > 0).all() and a_squared > -1e-5):
        raise refusal(
            GeometryError,
            "A qform must have a unit quaternion and positive voxel sizes",
            path,
            f"quatern={[b, c, d]}, pixdim={spacing.tolist()}",
            DAMAGED,
        )
    if a_squared < HALF_TURN:
        b, c, d = np.array([b, c, d]) / np.sqrt(b * b + c * c + d * d)
        a_squared = 0.0
    a = np.sqrt(a_squared)
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handedness = -1.0 if geometry["pixdim"][0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, 3] = [geometry[f"qoffset_{axis}"] for axis in "xyz"]
    with np.errstate(over="ignore"):  # infinite is refused by `_checked`
        affine[:3, :3] = rotation * spacing * (1.0, 1.0, handedness)
        affine[:3] *= unit
    return affine


def _checked(affine, path):
    """The affine if a Volume takes it, so that the rules stand in one place."""
    try:
        return Volume(np.zeros((1, 1, 1), np.uint8), affine).affine
    except GeometryError as error:
        raise named(error, path) from None


def _check_agree(forms, path):
    linear = [affine[:3, :3] for affine in forms.values()]
    sign = [float(np.sign(np.linalg.det(matrix))) for matrix in linear]
    spacing = [np.linalg.norm(matrix, axis=0) for matrix in linear]
    ratio = spacing[0] / spacing[1]
    if sign[0] == sign[1] and np.maximum(ratio, 1 / ratio).max() <= MOST_SPACING_RATIO:
        return
    received = ", ".join(
        f"{name} voxel size={np.round(size, 4).tolist()} determinant sign={s:+.0f}"
        for name, size, s in zip(forms, spacing, sign, strict=True)
    )
    raise refusal(
        GeometryError,
        "sform and qform must agree in handedness and in voxel size (within 1 %)",
        path,
        received,
        "Find out which is right and set the other one's code to 0.",
    )


def _conflict(forms, shape, path):
    distance = corner_distance(forms["sform"], forms["qform"], shape)
    if distance <= MOST_CORNER_DISTANCE:
        return []
    return [
        f"sform and qform name the same space but differ in {shown(path)}. "
        f"Received: distance={distance:.2f} mm at a corner. The sform is used."
    ]
