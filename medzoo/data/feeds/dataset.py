"""dataset: a case table as what `fit` takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medzoo.data.cases.case import Case
from medzoo.data.feeds.tasks import TASKS
from medzoo.errors import InputError, RecipeError

SPLITS = (None, "train", "validation")


def dataset(
    cases: str | Path | Sequence[Case],
    model_or_recipe: Any,
    *,
    batch_size: int = 4,
    augment: bool = True,
    shuffle: bool = True,
    split: str | None = None,
    target: str | None = None,
    seed: int = 0,
    mode: str = "memory",
    folder: str | Path | None = None,
) -> Any:
    """Returns the batches of a case table that a model is trained or evaluated on.

    Scans are read and prepared once, at first use, and stored according to `mode`.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        model_or_recipe: model of the zoo, or a recipe (dict or `Recipe`).
        batch_size: int. Batches differ by one case at most. Defaults to 4.
        augment: bool, apply the views and augmentation of the recipe's training
            section. Defaults to True; use False for validation.
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
        int32 class indices. Models with image output get the batches of their task: a
        `PatchDataset` of images and one-hot classes, a `SuperResolutionDataset` of
        coarse and fine patches, a `ReconstructionDataset`.

    Raises:
        InputError: for a table without usable cases, or an unknown split.
        RecipeError: if the model carries no recipe.
    """
    recipe = _recipe(model_or_recipe)
    if split not in SPLITS:
        raise InputError(f"`split` must be one of {SPLITS}. Received: split={split!r}.")
    task = TASKS[recipe["task"]]
    recipe, usable = task.usable_cases(cases, recipe, target)
    if split is not None:
        inside, held_out = task.split(usable, recipe)
        usable = [usable[i] for i in (inside if split == "train" else held_out)]
    if not usable:
        raise InputError(
            "A data set needs at least one complete case. Received: none "
            f"(split={split!r}). Fill in the table."
        )
    prepared = task.prepared_cases(usable, recipe, mode=mode, folder=folder)
    return task.batches(
        prepared,
        recipe,
        batch_size=batch_size,
        augment=augment,
        shuffle=shuffle,
        seed=seed,
    )


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
