"""Labelled cases: whole scans and the number or class that each has."""

from medzoo.data.cases.balance import case_weights, read_balance
from medzoo.data.cases.cohort import GROUP_COLUMNS
from medzoo.data.cases.splits import stratified_folds
from medzoo.data.cases.targets import target_column, target_value
from medzoo.data.cases.training_views import columns_of, read_views
from medzoo.data.feeds.case_dataset import CaseDataset
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError


def usable_cases(cases, recipe, target=None):
    """Returns the recipe and the cases that have a target, a list of `Case`.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        recipe: dict.
        target: str or None, a column instead of the recipe's.

    Raises:
        InputError: if none has.
    """
    column = target_column(recipe, target)
    training = recipe.get("training", {})
    columns = [*columns_of(read_views(training)), "subject", *GROUP_COLUMNS]
    columns += (read_balance(training) or [[]])[0]
    cases = read_cases(cases, recipe["channels"], target=column, columns=columns)
    labelled = [case for case in cases if case.target is not None and case.images]
    if not labelled:
        raise InputError(
            "A data set needs cases with an image and a target. "
            f"Received: {len(cases)} cases, none with both. Fill in the table."
        )
    return recipe, labelled


def split(cases, recipe):
    """Returns which cases are outside and inside the first fold, two lists of int."""
    settings = recipe.get("training", {}).get("split", {"num_folds": 5, "seed": 42})
    people = [case.person for case in cases]
    folds = stratified_folds(
        people, targets_of(cases, recipe), settings["num_folds"], settings["seed"]
    )
    inside = [i for i, fold in enumerate(folds) if fold != 0]
    return inside, [i for i, fold in enumerate(folds) if fold == 0]


def batches(prepared, recipe, **options):
    """Returns a `CaseDataset`; the recipe's `balance` sets how cases are drawn."""
    targets = targets_of(prepared.cases, recipe)
    weights = case_weights(prepared.cases, targets, recipe.get("training", {}))
    return CaseDataset(prepared, targets, weights=weights, **options)


def targets_of(cases, recipe):
    """Returns the target of each case, a list of float or int."""
    return [target_value(case, recipe) for case in cases]
