"""dataset: a case table as what `fit` takes."""

from medzoo.data.cases.balance import case_weights, read_balance
from medzoo.data.cases.case import Case
from medzoo.data.cases.cohort import GROUP_COLUMNS
from medzoo.data.cases.splits import stratified_folds
from medzoo.data.cases.targets import target_column, target_value
from medzoo.data.cases.training_views import columns_of, read_views
from medzoo.data.feeds.case_dataset import CaseDataset
from medzoo.data.feeds.image_dataset import image_dataset
from medzoo.data.store.prepared_cases import PreparedCases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError, RecipeError

SPLITS = (None, "train", "validation")


def dataset(
    cases,
    model_or_recipe,
    *,
    batch_size=4,
    augment=True,
    shuffle=True,
    split=None,
    target=None,
    seed=0,
    mode="memory",
    folder=None,
):
    """Makes of a case table the batches that a model is trained or evaluated on.

    Scans are read and prepared once, at first use, and kept as `mode` says.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        model_or_recipe: model of the zoo, or a recipe (dict or `Recipe`).
        batch_size: int. Batches differ by one case at most. Defaults to 4.
        augment: bool, draw views and augmentation as the recipe's training section
            says. Defaults to True; use False for validation.
        shuffle: bool, another order every epoch. Defaults to True.
        split: None for all cases; "train" or "validation" for the recipe's first fold
            left out or alone, or for the cases that its split names.
        target: str or None, the column with the truth instead of the recipe's; for
            label maps also "COLUMN:CODES.csv".
        seed: int. The same seed gives the same batches.
        mode: str, where prepared scans are: "memory"; "cached", on disk as memory maps,
            of which a patch is read without its volume; or "streamed", read and
            prepared again whenever they are needed, a few at a time. See
            `medzoo.PatchFeed`.
        folder: path or None, where prepared scans are kept on disk between runs. None:
            nowhere, or with "cached" in medzoo's cache folder.

    Returns:
        `CaseDataset`, a `keras.utils.PyDataset` of `(images, targets)`: float32
        `(batch, x, y, z, channels)`, and `(batch, 1)`, float32 in the target's unit or
        int32 class indices. Models that answer in images get what their task learns
        from: a `PatchDataset` of images and one-hot classes, a `SuperResolutionDataset`
        of coarse and fine patches, a `ReconstructionDataset`.

    Raises:
        InputError: for a table without usable cases, or an unknown split.
        RecipeError: if the model carries no recipe.
    """
    recipe = _recipe(model_or_recipe)
    if split not in SPLITS:
        raise InputError(f"`split` must be one of {SPLITS}. Received: split={split!r}.")
    if recipe["task"] not in ("regression", "classification"):
        return image_dataset(
            cases,
            recipe,
            split=split,
            target=target,
            folder=folder,
            mode=mode,
            batch_size=batch_size,
            augment=augment,
            shuffle=shuffle,
            seed=seed,
        )
    labelled = labelled_cases(cases, recipe, target)
    targets = [target_value(case, recipe) for case in labelled]
    if split is not None:
        chosen = _split(labelled, targets, recipe, split)
        labelled = [labelled[i] for i in chosen]
        targets = [targets[i] for i in chosen]
    views = read_views(recipe.get("training", {}))
    return CaseDataset(
        PreparedCases(labelled, recipe, views, folder, mode),
        targets,
        recipe,
        batch_size=batch_size,
        augment=augment,
        shuffle=shuffle,
        seed=seed,
        weights=case_weights(labelled, targets, recipe.get("training", {})),
    )


def labelled_cases(cases, recipe, target=None):
    """Returns the cases that have a target.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        recipe: dict.
        target: str or None, a column instead of the recipe's.

    Raises:
        InputError: if none has.
    """
    if not (isinstance(cases, list) and all(isinstance(c, Case) for c in cases)):
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
    return labelled


def _recipe(model_or_recipe):
    if isinstance(model_or_recipe, dict):
        return model_or_recipe
    if hasattr(model_or_recipe, "to_dict"):
        return model_or_recipe.to_dict()
    recipe = getattr(model_or_recipe, "recipe", None)
    if recipe is None:
        raise RecipeError(
            "A data set needs a model of the zoo or a recipe. "
            f"Received: {type(model_or_recipe).__name__} without a recipe. "
            "Load the model with medzoo.load, or use medzoo.attach(model, recipe)."
        )
    return recipe


def _split(cases, targets, recipe, split):
    settings = recipe.get("training", {}).get("split", {"num_folds": 5, "seed": 42})
    subjects = [case.person for case in cases]
    folds = stratified_folds(subjects, targets, settings["num_folds"], settings["seed"])
    wanted = split == "validation"
    return [i for i, fold in enumerate(folds) if (fold == 0) == wanted]
