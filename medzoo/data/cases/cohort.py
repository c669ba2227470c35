"""Cohort: the groups of a case table that results are reported for."""

import math

import numpy as np

from medzoo.data.cases.people import plain_sex

SOURCE, SEX, AGE = "source", "sex", "age"
GROUP_COLUMNS = (SOURCE, SEX, AGE)
# Lower end (years, in the band) -> name.
AGE_BANDS = (
    (0, 35, "under 35 years"),
    (35, 50, "35 to 50 years"),
    (50, 65, "50 to 65 years"),
    (65, math.inf, "65 years and older"),
)
SEXES = {"F": "female", "M": "male"}


def group_masks(columns):
    """Finds the sources, age bands and sexes of a table's cases.

    Args:
        columns: list of dict, each case's columns: `source`, `age` in years and `sex`
            (F, M, female, male; any case), where known.

    Returns:
        dict of name -> `(cases,)` bool array: sources, unless all cases are of one,
        then age bands, then sexes. Groups without a case are left out.
    """
    sources = np.array([row.get(SOURCE, "") for row in columns])
    masks = {}
    if len(set(sources)) > 1:
        masks = {name: sources == name for name in dict.fromkeys(sources) if name}
    ages = np.array([_number(row.get(AGE)) for row in columns])
    with np.errstate(invalid="ignore"):
        masks |= {n: (ages >= low) & (ages < high) for low, high, n in AGE_BANDS}
    sexes = np.array([plain_sex(str(row.get(SEX, ""))) for row in columns])
    masks |= {name: sexes == sex for sex, name in SEXES.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _number(cell):
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan
