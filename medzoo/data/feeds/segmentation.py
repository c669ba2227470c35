"""Segmentation: patches of scans and of their label maps."""

from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.image_cases import image_cases
from medzoo.data.feeds.labelled_scans import LabelledScans
from medzoo.data.feeds.patch_dataset import PatchDataset
from medzoo.data.store.prepared_cases import PreparedCases
from medzoo.errors import RecipeError

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
        RecipeError: for a case of a source that the recipe does not have, or with
            images in one whose label maps hold codes for a synthesis.
    """
    preparation = LabelledScans(recipe, tables)
    # Known before anything is read.
    for case in cases:
        _check_codes(case, preparation.source_of(case))
    return PreparedCases(cases, preparation, **keeping)


def _check_codes(case, source):
    """Refuses labels that would be codes in real patches and classes in synthetic."""
    arguments = (source.synthesis or {}).get("arguments", {})
    if case.images and arguments.get("targets") is not None:
        raise RecipeError(
            "Label maps whose codes a synthesis maps by `targets` belong to cases "
            f"without images. Received: source={source.name!r} in case {case.case_id}, "
            "which has images. Give the source a table of codes instead of `targets`, "
            "or leave the images out of the table."
        )


def batches(volumes, recipe, *, shuffle=True, **options):
    """Returns a `PatchDataset`; its patches are always drawn at random."""
    return PatchDataset(volumes, recipe, **options)
