"""Segmentation: patches of scans and of their label maps."""

from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.image_cases import image_cases
from medzoo.data.feeds.labelled_scans import LabelledScans
from medzoo.data.feeds.patch_dataset import PatchDataset
from medzoo.data.store.prepared_cases import PreparedCases

usable_cases = image_cases
split = named_split


def prepared_cases(cases, recipe, *, tables=None, **keeping):
    """Returns `PreparedCases` of `LabelledScans`.

    Args:
        cases: list of `Case` whose target is the path of a label map.
        recipe: dict, the recipe's content.
        tables: path of the folder with the recipe's tables of codes, or None.
        **keeping: `mode` and `folder` of `PreparedCases`.

    Raises:
        RecipeError: for a case of a source that the recipe does not have.
    """
    preparation = LabelledScans(recipe, tables)
    # Known before anything is read.
    for case in cases:
        preparation.source_of(case)
    return PreparedCases(cases, preparation, **keeping)


def batches(volumes, recipe, *, shuffle=True, **options):
    """Returns a `PatchDataset`; its patches are always drawn at random."""
    return PatchDataset(volumes, recipe, **options)
