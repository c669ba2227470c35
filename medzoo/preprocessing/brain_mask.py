"""Where the brain is: by the tissue network, or without weights by the atlas."""

import warnings
from copy import deepcopy
from functools import lru_cache
from numbers import Real

import numpy as np

from medzoo.errors import InputError, IntegrityError, MedzooWarning, OfflineError
from medzoo.spatial.atlas_brain import atlas_brain, filled
from medzoo.spatial.background import from_background
from medzoo.spatial.scan_checks import check_image
from medzoo.volume import Volume

METHODS = ("network", "atlas")
MODEL = "mrbrains_tissue_unet"
# mm; what the network was made for.
SPACING = 1.0
# Millilitres: children's brains of one year and the largest of adults.
PLAUSIBLE_ML = (700.0, 2200.0)


def brain_mask(
    volume: Volume, *, method: str = "network", spacing: float = SPACING
) -> Volume:
    """Finds the brain in a T1 of a head.

    Args:
        volume: Volume of one channel, any orientation; whole or skull-stripped.
        method: str, "network" (the tissue model of the zoo;
            the default) or "atlas" (the standard space's mask, brought onto the head
            by a deformable registration; needs no weights). Where the weights cannot
            be had, "network" warns and takes the atlas.
        spacing: float, mm, of the network's grid, 1 (the default) to 2: 1.5 takes
            three quarters of the time and costs half a hundredth of Dice.

    Returns:
        Volume bool on the grid of the scan: the brain with the fluid in its sulci and
        ventricles, in one piece and without holes. A `MedzooWarning` tells of a
        volume that no brain has.

    Raises:
        InputError: for another method or spacing, several channels or a constant image.
        GeometryError: for a field of view that holds no head.
    """
    check_image("volume", volume)
    if method not in METHODS:
        raise InputError(
            f"`method` must be one of {METHODS}. Received: method={method!r}."
        )
    if not isinstance(spacing, Real) or not 1 <= spacing <= 2:
        raise InputError(
            f"`spacing` must be from 1 to 2 mm. Received: spacing={spacing!r}."
        )
    volume = volume.with_array(from_background(volume.array))
    found = None
    if method == "network":
        found = _by_network(volume, spacing)
    mask = atlas_brain(volume) if found is None else found
    told = mask_doubt(mask)
    if told:
        warnings.warn(told, MedzooWarning, stacklevel=2)
    return mask


def mask_doubt(mask: Volume) -> str | None:
    """Returns a sentence about a mask whose volume no brain has, or None."""
    size = volume_ml(mask)
    low, high = PLAUSIBLE_ML
    if low <= size <= high:
        return None
    return (
        f"A brain has {low:.0f} to {high:.0f} ml, so that the mask is probably wrong: "
        f"look at the picture. Received: {size:.0f} ml."
    )


def volume_ml(mask: Volume) -> float:
    """Returns the volume of a mask in millilitres."""
    voxel = abs(np.linalg.det(mask.affine[:3, :3]))
    return float((mask.array > 0).sum() * voxel / 1000)


def _by_network(volume, spacing):
    """The mask, or None where weights are missing."""
    try:
        model = _model()
    except (IntegrityError, OfflineError) as error:
        warnings.warn(
            f"The brain is found by the atlas alone. Received: {error} Fetch the "
            f"weights with `medzoo fetch {MODEL}`.",
            MedzooWarning,
            stacklevel=3,
        )
        return None
    from medzoo.inference.predict import task_of
    from medzoo.inference.settings import Settings

    recipe = coarse_recipe(model.recipe, spacing)
    task = task_of(recipe, lambda: model, Settings(uncertainty=None))
    placed, undo = task.preprocessor.place(task.preprocessor.gather({"t1": volume}))
    labels = task.network(placed)[0]
    share = undo((labels > 0).astype(np.float32), interpolation="linear")
    return volume.with_array(filled(share.array > 0.5, volume.spacing))


def coarse_recipe(recipe: dict, spacing: float) -> dict:
    """Returns the recipe of the tissue model with voxels of another size."""
    coarse = deepcopy(recipe)
    for step in coarse["preprocessing"]["spatial"]:
        if step["step"] == "resample":
            step["arguments"] = {"spacing": float(spacing)}
    return coarse


@lru_cache(maxsize=1)
def _model():
    from medzoo.zoo.load import load

    return load(MODEL)
