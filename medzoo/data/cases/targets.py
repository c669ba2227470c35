"""Targets: the cells of a case table as the numbers that a loss takes."""

import math

from medzoo.data.cases.people import AGES, is_age, plain_sex
from medzoo.errors import InputError


def target_column(recipe, override=None):
    """Returns the target column, the recipe's or the user's.

    Args:
        recipe: dict, the recipe's content.
        override: str or None, "COLUMN" as `--target` gives it.

    Raises:
        InputError: if the model has no target, or for a code table, which only label
            maps take.
    """
    if override is None:
        if recipe.get("target") is None:
            raise InputError(
                f"The model has no target column, which this needs. Received: model="
                f"{recipe['name']!r} without one."
            )
        return recipe["target"]["column"]
    column, colon, _ = override.partition(":")
    if colon:
        raise InputError(
            "A code table belongs to a target that is a label map. "
            f"Received: target={override!r}. Give the column alone."
        )
    return column


def target_and_codes(recipe, override=None):
    """Returns the target column of a model with image output, and its code table.

    Args:
        recipe: dict, the recipe's content.
        override: str or None, "COLUMN" or "COLUMN:CODES.csv" as `--target` gives it.

    Returns:
        The column or None where the model has no target, and the path of a table of
        codes or None.

    Raises:
        InputError: if a target is given to a model that has none.
    """
    own = recipe.get("target")
    if override is None:
        return (None if own is None else own["column"]), None
    if own is None:
        raise InputError(
            f"{recipe['name']} is trained without labels and has no target. "
            f"Received: target={override!r}. Leave it out."
        )
    column, _, codes = override.partition(":")
    return column, codes or None


def target_value(case, recipe):
    """Returns a case's target as a number: years, or a class index.

    Args:
        case: `Case` whose target is not None.
        recipe: dict, the recipe's content.

    Returns:
        int where the recipe has classes, else float.

    Raises:
        InputError: for a cell that is no finite number, or no class.
    """
    if recipe.get("class_names") is None:
        return _number(case, recipe)
    values = (recipe.get("target") or {}).get("values", {})
    name = _class_of(case.target, values, recipe["class_names"])
    if name not in recipe["class_names"]:
        raise InputError(
            f"A target must be one of {recipe['class_names']} in {case.place}. "
            f"Received: {case.target!r}. Correct or empty the cell."
        )
    return recipe["class_names"].index(name)


def _number(case, recipe):
    try:
        # Python reads 3_9 as 39; a table has no such numbers.
        value = math.nan if "_" in case.target else float(case.target)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"A target must be a finite number in {case.place}. "
            f"Received: {case.target!r}. Correct or empty the cell, with a point "
            "before decimals."
        )
    if recipe.get("unit") == "years" and not is_age(value):
        raise InputError(
            f"An age must lie within {AGES[0]:g}..{AGES[1]:g} years in "
            f"{case.place}. Received: {case.target!r}. Correct or empty the cell."
        )
    return value


def _class_of(cell, values, class_names):
    """The class named by a cell, in any case, or a sex."""
    names = {**{name: name for name in class_names}, **values}
    if cell in names:
        return names[cell]
    for form in (str.casefold, plain_sex):
        found = {name for key, name in names.items() if form(key) == form(cell)}
        if len(found) == 1:
            return found.pop()
    return cell
