"""Familiarity: uncertainty that grows with the distance from the training data."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import RecipeError
from medzoo.spatial.doubt import CONTRAST, Doubt


@dataclass(frozen=True)
class Familiarity:
    """How far the contrast of a scan is from that of the scanners of training.

    Args:
        distance: float, to the nearest one, see
            `medzoo.layers.KnownContrasts.distance`; raised for coarse voxels.
        usual: float, the distance up to which a scan is as those of training.
        limit: float, the distance beyond which a warning is given.
        factor: float, 1 or more: what the interval was multiplied by, or the logits
            were divided by.
        coarsest_mm: float, the coarsest voxels for which the distance is not raised.
    """

    distance: float
    usual: float
    limit: float
    factor: float
    coarsest_mm: float


def widening(distance, usual, growth):
    """Returns what an interval is multiplied by, and logits are divided by.

    Args:
        distance: float or array, see `medzoo.layers.KnownContrasts.distance`.
        usual: float, the distance up to which uncertainty is that of known scanners.
        growth: float, the power with which it grows from there.

    Returns:
        float or array, 1 or more.
    """
    return np.maximum(np.asarray(distance, float) / usual, 1.0) ** growth


def uncertainty_factor(distances, step):
    """Returns what the interval of a scan is multiplied by, or its logits divided by.

    Args:
        distances: `(contrasts,)` array, see `medzoo.layers.KnownContrasts.distances`.
        step: dict, arguments of the recipe's step "familiarity".

    Returns:
        float, 1 or more: how far the scan is from the nearest contrast, times how much
        less certain the model is there than over all (`scanners`, one a contrast). A
        scan beyond what is usual is of none of them: the least certain one counts. One
        beyond the limit is of an unknown scanner, whose factor is `unknown`.
    """
    nearest = np.min(distances, initial=np.inf)
    far = float(widening(nearest, step["usual"], step["growth"]))
    if nearest > step["limit"] and "unknown" in step:
        return far * step["unknown"]
    own = step.get("scanners")
    if own is None:
        return far
    if len(own) != len(distances):
        raise RecipeError(
            "Step familiarity must have one number in scanners for each contrast that "
            f"the network keeps, {len(distances)}. Received: scanners={own}. Correct "
            "it."
        )
    if nearest > step["usual"]:
        return far * max(own)
    return far * own[int(np.argmin(distances))]


def contrast_warnings(distance, step, factor):
    """Returns a warning for a scan whose contrast is unlike that of training.

    Args:
        distance: float, see `medzoo.layers.KnownContrasts.distance`.
        step: dict, arguments of the recipe's step "familiarity".
        factor: float, of `widening`.

    Returns:
        list of `Doubt`, empty for a scan of a known scanner's kind.
    """
    if distance <= step["limit"]:
        return []
    text = (
        "The contrast of this scan is unlike that of the scanners that the model was "
        f"trained on (distance {distance:.1f}, usually below {step['usual']:.1f}): "
        f"expect a larger error; the uncertainty is {factor:.1f} times that of a known "
        "scanner. Recalibrate or fine-tune the model on scans of this scanner."
    )
    return [Doubt(text, CONTRAST)]
