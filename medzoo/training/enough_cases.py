"""Whether there are cases enough for all of a training, asked before any of it."""

from medzoo.data.cases.splits import named_split, stratified_folds
from medzoo.errors import InputError
from medzoo.training.held_out import of_others
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
        RecipeError: if there are too few people for the interval's coverage.
    """
    split = TrainingSettings.from_recipe(recipe).split
    people = [case.person for case in cases]
    folds = stratified_folds(people, targets, split["num_folds"], split["seed"])
    check_interval(recipe, people, folds, "fold {}")
    _check_classes(recipe, people, targets, folds, "fold {}")
    if recipe["architecture"]["arguments"].get("known_contrasts") is None:
        return
    sources = sources_of(cases)
    if len(set(sources)) < 2:
        return
    for source in dict.fromkeys(sources):
        left = {people[i] for i in of_others(sources, people, source)}
        if len(left) < split["num_folds"]:
            raise InputError(
                "Every scanner is left out in turn, and the others must have at least "
                f"{split['num_folds']} people. Received: {len(left)} without source="
                f"{source!r}. Add cases, or leave the few out of the table."
            )
    check_interval(recipe, people, sources, "source={!r}")
    _check_classes(recipe, people, targets, sources, "source={!r}")


def check_interval(recipe, people, groups, shown):
    """Makes sure that the errors of people who are left make an interval.

    Args:
        recipe: dict.
        people: sequence of str, the person of each case.
        groups: sequence, the fold or scanner of each case, left out in turn.
        shown: str, how a message names a group.

    Raises:
        RecipeError: if they are too few.
    """
    task = TASKS[recipe["task"]](recipe)
    for group in dict.fromkeys(groups):
        left = {people[i] for i in of_others(groups, people, group)}
        task.check_people(len(left), shown.format(group))


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


def _check_classes(recipe, people, targets, groups, shown):
    """Makes sure that every class is left when one group is held out."""
    left = {g: of_others(groups, people, g) for g in dict.fromkeys(groups)}
    for number, name in enumerate(recipe.get("class_names") or ()):
        count = sum(target == number for target in targets)
        gone = [g for g, own in left.items() if all(targets[i] != number for i in own)]
        if gone:
            where = f", all of people of {shown.format(gone[0])}" if count else ""
            raise InputError(
                "Every class must still be there when a part of the cases is held "
                f"out. Received: {count} cases of class {name!r}{where}. Add cases."
            )
