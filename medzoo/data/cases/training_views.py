"""Views: variants of a training scan (whole, stripped, augmented), from a recipe."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from medzoo.errors import InputError, RecipeError
from medzoo.spatial import Grid, resample_to


@dataclass(frozen=True)
class View:
    """One variant of a scan in training.

    Args:
        name: str, for logs.
        rate: float, share of the draws.
        strip: dict or None: `column` (a label map in the case table), `above` (labels
            above it are kept) and `dilate_mm` (how far the mask is grown). Only cases
            that have the map are shown this way.
        augmentation: tuple of layer settings, applied before the normalising layers.
        num_variants: int, augmented versions of a case that are made once and drawn
            from, because resampling volumes costs more than training on them; 0 for
            fresh ones every time.
    """

    name: str = "as it is"
    rate: float = 1.0
    strip: dict | None = None
    augmentation: tuple = ()
    num_variants: int = 0


def _check_kinds(view):
    """Raises TypeError if a view has a value of another kind than it takes."""
    kinds = {
        "name": str,
        "rate": (int, float),
        "strip": (dict, type(None)),
        "augmentation": (list, tuple),
        "num_variants": int,
    }
    wrong = [n for n, kind in kinds.items() if not isinstance(getattr(view, n), kind)]
    wrong += [
        n for n in ("rate", "num_variants") if n not in wrong and getattr(view, n) < 0
    ]
    if wrong:
        raise TypeError(", ".join(f"{n}={getattr(view, n)!r}" for n in wrong))


def read_views(training):
    """Returns the `View`s of a recipe's training section; one plain view by default.

    Raises:
        RecipeError: for keys that a view does not have.
    """
    settings = training.get("views") or [{}]
    try:
        views = [View(**view) for view in settings]
        for view in views:
            _check_kinds(view)
    except TypeError as error:
        raise RecipeError(
            f"A view takes {list(View.__dataclass_fields__)}. Received: {error}."
        ) from error
    for view in views:
        if view.strip is not None and set(view.strip) != {
            "column",
            "above",
            "dilate_mm",
        }:
            raise RecipeError(
                "A view's strip takes column, above and dilate_mm. "
                f"Received: {sorted(view.strip)}."
            )
    if views[0].strip is not None:
        raise RecipeError(
            "The first view must show scans as they are: evaluation uses it. "
            f"Received: views[0].strip={views[0].strip}."
        )
    return views


def columns_of(views):
    """Returns the columns of a case table that the views need."""
    return sorted({view.strip["column"] for view in views if view.strip})


def strip(volume, labels, *, above, dilate_mm):
    """Sets voxels outside a label map to 0, as skull stripping does.

    Args:
        volume: Volume, of one channel or several.
        labels: Volume, a label map; brought onto the grid of `volume` if needed.
        above: int, labels above it are kept.
        dilate_mm: float, how far beyond them voxels are kept too.

    Returns:
        Volume on the grid of `volume`.

    Raises:
        InputError: if nothing is left.
    """
    labels = resample_to(labels, Grid.of(volume), interpolation="nearest")
    mask = np.asarray(labels.array).reshape(volume.shape) > above
    if not mask.any():
        raise InputError(
            "A label map used for skull-stripping must not be empty. "
            f"Received: no label above {above}. Check that both belong to one case."
        )
    if dilate_mm:
        mask = distance_transform_edt(~mask, sampling=volume.spacing) <= dilate_mm
    # The same of every channel.
    several = volume.array.ndim == 4
    return volume.with_array(
        np.where(mask[..., None] if several else mask, volume.array, 0)
    )
