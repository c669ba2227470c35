"""Splits by subject, balanced over the target, the same on every machine."""

import numpy as np

from medzoo.errors import InputError


def stratified_folds(subjects, targets, num_folds, seed):
    """Deals subjects out to folds so that every fold spans the targets alike.

    Subjects are sorted by target and each run of `num_folds` neighbours is dealt out
    at random, one to a fold.

    Args:
        subjects: sequence of str, the subject of each case; all cases of a subject
            come into one fold.
        targets: sequence of float, the target of each case.
        num_folds: int, at least 2.
        seed: int.

    Returns:
        list of int, the fold of each case.

    Raises:
        InputError: if there are fewer subjects than folds.
    """
    means = {}
    for subject, target in zip(subjects, targets, strict=True):
        means.setdefault(subject, []).append(float(target))
    # The name decides between equals: no dependence on the order of the table.
    order = sorted(means, key=lambda name: (np.mean(means[name]), name))
    if num_folds < 2 or len(order) < num_folds:
        raise InputError(
            "Cross-validation needs at least two folds and a subject for each. "
            f"Received: num_folds={num_folds}, subjects={len(order)}. Add cases."
        )
    generator = np.random.default_rng(seed)
    fold_of = {}
    for start in range(0, len(order), num_folds):
        group = order[start : start + num_folds]
        dealt = generator.permutation(num_folds)
        fold_of.update(zip(group, (int(f) for f in dealt), strict=False))
    return [fold_of[subject] for subject in subjects]


def named_split(cases, recipe):
    """Returns the training and validation cases of the recipe's split.

    Args:
        cases: list of `Case`; its column `subject`, or else its case_id, identifies
            the person.
        recipe: dict; `training.split.validation` lists case_ids, or is absent.

    Returns:
        two lists of int.

    Raises:
        InputError: if a subject has cases in both.
    """
    named = set(recipe["training"].get("split", {}).get("validation", []))
    held_out = [i for i, case in enumerate(cases) if case.case_id in named]
    inside = [i for i, case in enumerate(cases) if case.case_id not in named]
    shared = {_subject(cases[i]) for i in held_out} & {
        _subject(cases[i]) for i in inside
    }
    if shared:
        raise InputError(
            "A subject must not be both trained on and in the validation split. "
            f"Received: subjects={sorted(shared)[:5]}. Leave their cases out."
        )
    return inside, held_out


def _subject(case):
    return case.person
