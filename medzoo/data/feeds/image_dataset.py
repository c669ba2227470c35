"""The data sets of models that answer in images, from a case table."""

from dataclasses import replace
from pathlib import Path

from medzoo.data.cases.case import Case
from medzoo.data.cases.case_sources import COLUMN, with_codes
from medzoo.data.cases.splits import named_split
from medzoo.data.cases.targets import target_and_codes
from medzoo.data.cases.training_views import columns_of, read_views
from medzoo.data.feeds.patch_dataset import PatchDataset
from medzoo.data.feeds.reconstruction import ReconstructionDataset
from medzoo.data.feeds.super_resolution import FineVolumes, SuperResolutionDataset
from medzoo.data.store.labelled_volumes import LabelledVolumes
from medzoo.data.store.prepared_cases import PreparedCases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError


def image_dataset(cases, recipe, *, split, target, folder, mode, **options):
    """Makes of a case table what a model that answers in images is trained on.

    Args:
        cases: path of a cases.csv, or list of `Case`.
        recipe: dict.
        split: None, "train" or "validation": all cases, those that the recipe's split
            does not name, or those that it names.
        target: str or None, "COLUMN" or "COLUMN:CODES.csv".
        folder: path or None, where prepared scans are kept.
        mode: str, "memory", "cached" or "streamed".
        **options: `batch_size`, `augment`, `shuffle`, `seed`, as `medzoo.dataset`
            takes them.

    Returns:
        A `keras.utils.PyDataset`.

    Raises:
        InputError: if no case is left.
    """
    recipe, usable = image_cases(cases, recipe, target)
    if split is not None:
        inside, held_out = named_split(usable, recipe)
        usable = [usable[i] for i in (inside if split == "train" else held_out)]
    if not usable:
        raise InputError(
            "A data set needs cases with what the model learns from. "
            f"Received: none of use (split={split!r}). Fill in the table."
        )
    keeping = {"folder": folder, "mode": mode}
    return _MAKERS[recipe["task"]](usable, recipe, keeping, options)


def image_cases(cases, recipe, target=None):
    """Returns the cases that a model whose answers are images can learn from.

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
    if not (isinstance(cases, list) and all(isinstance(c, Case) for c in cases)):
        columns = [COLUMN, "subject", *columns_of(read_views(recipe["training"]))]
        cases = read_cases(cases, recipe["channels"], target=column, columns=columns)
    names = [channel["name"] for channel in recipe["channels"]]
    known = [
        replace(case, images={n: p for n, p in case.images.items() if n in names})
        for case in cases
    ]
    return recipe, [c for c in known if (c.images if column is None else c.target)]


def _patches(cases, recipe, keeping, options):
    options.pop("shuffle")
    return PatchDataset(LabelledVolumes(cases, recipe, **keeping), recipe, **options)


def _pairs(cases, recipe, keeping, options):
    options.pop("shuffle")
    volumes = FineVolumes(cases, recipe, **keeping)
    return SuperResolutionDataset(volumes, recipe, **options)


def _twice(cases, recipe, keeping, options):
    views = read_views(recipe["training"])
    dropout = recipe["training"].get("options", {}).get("channel_dropout", 0.0)
    prepared = PreparedCases(cases, recipe, views, **keeping)
    return ReconstructionDataset(prepared, recipe, channel_dropout=dropout, **options)


_MAKERS = {
    "segmentation": _patches,
    "super_resolution": _pairs,
    "reconstruction": _twice,
}
