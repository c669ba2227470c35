"""Cases that a model whose predictions are images learns from."""

from dataclasses import replace
from pathlib import Path

from medzoo.data.cases.case_sources import COLUMN, with_codes
from medzoo.data.cases.targets import target_and_codes
from medzoo.data.cases.training_views import columns_of, read_views
from medzoo.datasets.read_cases import read_cases


def image_cases(cases, recipe, target=None):
    """Returns the cases that a model whose predictions are images can learn from.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        recipe: dict.
        target: str or None, "COLUMN" or "COLUMN:CODES.csv" instead of the recipe's.

    Returns:
        The recipe, with that target, and a list of `Case`: those with a target, or with
        an image where the model has none; without images of other channels.
    """
    column, codes = target_and_codes(recipe, target)
    if column is not None:
        recipe = {**recipe, "target": {**recipe["target"], "column": column}}
    if codes is not None:
        recipe = with_codes(recipe, str(Path(codes).resolve()))
    columns = [COLUMN, "subject", *columns_of(read_views(recipe["training"]))]
    cases = read_cases(cases, recipe["channels"], target=column, columns=columns)
    names = [channel["name"] for channel in recipe["channels"]]
    known = [
        replace(case, images={n: p for n, p in case.images.items() if n in names})
        for case in cases
    ]
    return recipe, [c for c in known if (c.images if column is None else c.target)]
