"""Whether there are cases enough for all of a training, asked before any of it."""

from medzoo.data.cases.splits import named_split, stratified_folds
from medzoo.errors import InputError
from medzoo.training.out_of_scanner import sources_of
from medzoo.training.settings import TrainingSettings
from medzoo.training.tasks import TASKS


def check_enough(recipe, cases, targets):
    """Makes sure that there are cases enough to train a number or a class.

    Args:
        recipe: dict.
        cases: list of `Case`.
        targets: sequence of float or int, one a case.

    Raises:
        InputError: if there are fewer people than folds, or a class or all but a few
            people are gone when a fold, or a scanner of a recipe that leaves scanners
            out, is held out.
        RecipeError: if there are too few errors for the interval's coverage.
    """
    split = TrainingSettings.from_recipe(recipe).split
    people = [case.person for case in cases]
    folds = stratified_folds(people, targets, split["num_folds"], split["seed"])
    TASKS[recipe["task"]](recipe).check_folds(folds)
    _check_classes(recipe, targets, folds, "fold {}")
    if recipe["architecture"]["arguments"].get("known_contrasts") is None:
        return
    sources = sources_of(cases)
    if len(set(sources)) < 2:
        return
    for source in dict.fromkeys(sources):
        left = {p for p, own in zip(people, sources, strict=True) if own != source}
        if len(left) < split["num_folds"]:
            raise InputError(
                "Every scanner is left out in turn, and the others must have at least "
                f"{split['num_folds']} people. Received: {len(left)} without source="
                f"{source!r}. Add cases, or leave the few out of the table."
            )
    _check_classes(recipe, targets, sources, "source={!r}")


def check_enough_images(recipe, cases):
    """Makes sure that there are cases enough for a model whose predictions are images.

    Args:
        recipe: dict.
        cases: list of `Case`.

    Raises:
        InputError: if all are for validation, a person is on both sides of the split,
            or a cross-validation has a single person.
    """
    inside, held_out = named_split(cases, recipe)
    if not inside:
        raise InputError(
            "Training needs cases that are not for validation. "
            f"Received: {len(cases)} cases, all of them for validation. Add cases."
        )
    people = {case.person for case in cases}
    if TASKS[recipe["task"]].cross_validated and not held_out and len(people) < 2:
        raise InputError(
            "A cross-validation needs at least two people. Received: "
            f"{len(cases)} cases of one. Add cases of others."
        )


def _check_classes(recipe, targets, groups, shown):
    """Makes sure that every class is left when one group is held out."""
    for number, name in enumerate(recipe.get("class_names") or ()):
        own = {g for g, target in zip(groups, targets, strict=True) if target == number}
        if len(own) < 2:
            where = f", all of {shown.format(own.pop())}" if own else ""
            count = sum(target == number for target in targets)
            raise InputError(
                "Every class must still be there when a part of the cases is held "
                f"out. Received: {count} cases of class {name!r}{where}. Add cases."
            )
