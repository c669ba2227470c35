"""What the spread of images must be multiplied by to be their usual error."""

import numpy as np

from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.degradation import degrade_volume
from medzoo.data.feeds.upsampling import fill_coarse
from medzoo.inference.spread import spread_when_shifted
from medzoo.inference.super_resolution import super_resolve
from medzoo.metrics.calibration import covering_scale
from medzoo.metrics.head_psnr import head_mask
from medzoo.preprocess import Preprocessor
from medzoo.spatial.factor_grid import three_factors
from medzoo.volume import Volume

STEP = "spread"
# Scans looked at: each has millions of voxels.
MOST_CASES = 6


def with_spread_scale(model, recipe, cases):
    """Returns the recipe with a "spread" step that fits the model's errors.

    Args:
        model: Keras model, trained.
        recipe: dict, of a super-resolution or a reconstruction; others are returned as
            they are.
        cases: list of `Case`; some of those that are not for validation are looked at.
    """
    of_task = {"super_resolution": _fine_pair, "reconstruction": _moved_pair}
    pair_of = of_task.get(recipe["task"])
    if pair_of is None:
        return recipe
    plain = [step for step in recipe["postprocessing"] if step["step"] != STEP]
    recipe = {**recipe, "postprocessing": plain}
    inside = named_split(cases, recipe)[0]
    chosen = [cases[i] for i in inside[:: -(-len(inside) // MOST_CASES)]]
    preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
    scales = []
    for case in chosen:
        placed, _ = preprocessor.place(preprocessor.gather(case.images))
        scales.append(covering_scale(*pair_of(model, recipe, placed, preprocessor)))
    step = {"step": STEP, "arguments": {"scale": round(float(np.mean(scales)), 3)}}
    return {**recipe, "postprocessing": [*plain, step]}


def _fine_pair(model, recipe, placed, preprocessor):
    """Errors and deviations of one scan that was degraded, within the head."""
    factor = three_factors(recipe["architecture"]["arguments"]["upsampling_factor"])
    fine = Volume(fill_coarse(placed.array[..., 0], factor), placed.affine)
    coarse = degrade_volume(fine, factor, 1.0)
    found, spread = super_resolve(model, coarse.array[..., None], recipe, spread=True)
    inside = head_mask(fine.array)
    return (found - fine.array)[inside], spread[inside]


def _moved_pair(model, recipe, placed, preprocessor):
    """Errors and deviations of one scan, over the network's input."""
    image = preprocessor.normalize(placed.array[None])[0]
    answer, spread = spread_when_shifted(
        lambda moved: model.predict_on_batch(moved[None])[0], image
    )
    return answer - image, spread
