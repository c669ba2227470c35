"""Registration of a scan to the standard space or to another scan."""

import warnings

from medzoo.errors import InputError, MedzooWarning
from medzoo.spatial.atlas import CONTRASTS
from medzoo.spatial.background import from_background
from medzoo.spatial.onto_image import onto_image
from medzoo.spatial.onto_standard import onto_standard
from medzoo.spatial.register import check_field
from medzoo.spatial.scan_checks import check_image, check_mask
from medzoo.spatial.standard_space import SPACES, space_names
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

KINDS = ("rigid", "affine", "deformable")
# Correlation with the fixed image within the brain, below which it has failed; see
# docs/decisions/preprocessing.md.
LEAST_CORRELATION = {"standard": 0.6, "image": 0.4}
LEAST_JACOBIAN = 0.0


def register(
    moving: Volume,
    fixed: Volume | str = "mni152",
    kind: str = "affine",
    *,
    contrast: str = "t1",
    mask: Volume | None = None,
) -> Transform:
    """Finds how a scan lies to the standard space or to another scan.

    Args:
        moving: Volume of one channel: a head, whole or skull-stripped, in any
            orientation. Between two scans it may be another part of the body, if the
            scans overlap.
        fixed: "mni152" or "ixi" for the standard space (see
            `medzoo.spatial.standard_space`), or a Volume.
        kind: "rigid" (turned and moved), "affine" (also scaled and sheared; the
            default) or "deformable" (affine, then a smooth field).
        contrast: str, of `moving` where `fixed` is the standard space: "t1", or
            "flair" for rigid and affine. Between two scans contrasts may be any (mutual
            information), for "deformable" they must be alike.
        mask: Volume on the grid of a fixed Volume, above 0 what takes part.

    Returns:
        `Transform`, fixed world -> moving world; `apply` draws the scan in the fixed
        image's place. Its `quality` has "correlation" (within the brain, or within the
        mask), "overlap" (Dice of the brains, or of what is bright), "scale" (cube root
        of the determinant) and "smallest_jacobian". Its `warnings` say what failed, and
        were issued as `MedzooWarning` too.

    Raises:
        InputError: for a kind, a space or a contrast that is not known, a constant
            image, an empty mask, or images that do not overlap.
        GeometryError: for a field of view that holds no head, or a mask on another
            grid.

    Example:
        >>> found = register(scan, "mni152", kind="deformable")  # doctest: +SKIP
        >>> in_mni = apply(found, scan)  # doctest: +SKIP

    Source:
        Affine: correlation, or mutual information (Mattes et al., 2003), by SimpleITK.
        Deformable: diffeomorphic demons (Vercauteren et al., 2009), likewise.
    """
    found = find(moving, fixed, kind, contrast=contrast, mask=mask)
    for text in found.warnings:
        warnings.warn(text, MedzooWarning, stacklevel=2)
    return found


def find(
    moving: Volume,
    fixed: Volume | str,
    kind: str,
    *,
    contrast: str = "t1",
    mask: Volume | None = None,
) -> Transform:
    """As `register`; what failed is in the `warnings` of the result alone."""
    _check(moving, fixed, kind, contrast, mask)
    moving = moving.with_array(from_background(moving.array))
    if isinstance(fixed, str):
        found = onto_standard(moving, fixed, kind, contrast)
        limit = LEAST_CORRELATION["standard"]
    else:
        fixed = fixed.with_array(from_background(fixed.array))
        found = onto_image(moving, fixed, kind, mask)
        limit = LEAST_CORRELATION["image"]
    warnings = _doubts(found, kind, limit)
    return Transform(
        found.parts, grid=found.grid, quality=found.quality, warnings=warnings
    )


def _doubts(found, kind, limit):
    warnings = []
    if found.quality["correlation"] < limit:
        warnings.append(
            "A registration has probably failed: look at the picture. Received: "
            f"correlation={found.quality['correlation']:.2f}, below {limit}."
        )
    if kind == "deformable" and found.quality["smallest_jacobian"] <= LEAST_JACOBIAN:
        warnings.append(
            "A deformation folds space, so that it has no inverse. Received: "
            f"Jacobian={found.quality['smallest_jacobian']:.3f}. Use kind='affine'."
        )
    return tuple(warnings)


def _check(moving, fixed, kind, contrast, mask):
    check_image("moving", moving)
    check_field("moving", moving)
    if not isinstance(fixed, str):
        check_image("fixed", fixed)
        check_field("fixed", fixed)
    if kind not in KINDS:
        raise InputError(
            f"`kind` must be one of {KINDS}. Received: kind={kind!r}. Choose one."
        )
    if isinstance(fixed, str):
        _check_standard(fixed, kind, contrast, mask)
    elif mask is not None:
        check_mask(mask, fixed, "fixed image")


def _check_standard(fixed, kind, contrast, mask):
    if fixed not in SPACES:
        raise InputError(
            f"There is no such standard space. Received: fixed={fixed!r}. "
            f"Use one of {space_names()}, or pass a Volume."
        )
    known = CONTRASTS if kind != "deformable" else ("t1",)
    if contrast not in known:
        raise InputError(
            f"The standard space is a T1: kind={kind!r} is for contrasts "
            f"{sorted(known)}. Received: contrast={contrast!r}. Register the scan to "
            "a T1 of the same person first, and that one to the standard space."
        )
    if mask is not None:
        raise InputError(
            "The standard space has its own mask. Received: mask=a Volume. Leave it "
            "out, or pass a Volume as `fixed`."
        )
