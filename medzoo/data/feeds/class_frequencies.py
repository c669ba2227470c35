"""Class frequencies in the label maps of a case table."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from medzoo.data.cases.code_table import read_code_table, recode
from medzoo.data.cases.label_check import read_whole_labels
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError


class ClassCounts(NamedTuple):
    """Voxels of classes over a data set; what `median_frequency_weights` takes.

    Args:
        voxels: `(classes,)` int64, voxels of each class.
        voxels_where_present: `(classes,)` int64, all voxels of the label maps that
            have the class.
    """

    voxels: np.ndarray
    voxels_where_present: np.ndarray


def count_classes(
    cases: str | Path,
    target: str,
    num_classes: int,
    *,
    codes: str | Path | None = None,
) -> ClassCounts:
    """Counts the voxels of each class, one label map in memory at a time.

    Args:
        cases: path of a cases.csv.
        target: str, the column with the label maps; "COLUMN:CODES.csv" names a table
            of codes beside the case table.
        num_classes: int, background included.
        codes: path of a table of codes, instead of one in `target`; None for labels
            that are class indices already.

    Returns:
        `ClassCounts`.

    Raises:
        InputError: if no case has a label map, or labels are out of range.
        FileFormatError: for a table or label map that cannot be read.

    Example:
        >>> counts = count_classes("cases.csv", "mrbrains", num_classes=9)
        >>> loss = MedianFrequencyCrossentropy(median_frequency_weights(*counts))
    """
    column, _, named = target.partition(":")
    labelled = [c for c in read_cases(cases, [], target=column) if c.target]
    if not labelled:
        raise InputError(
            "Counting classes needs label maps. "
            f"Received: no case with {column} in {cases}. Fill in the table."
        )
    if codes is None and named:
        codes = labelled[0].folder / named
    table = None if codes is None else read_code_table(codes, num_classes)
    voxels = np.zeros(num_classes, np.int64)
    present = np.zeros(num_classes, np.int64)
    for case in labelled:
        labels = recode(read_whole_labels(case).array, table, num_classes)
        counts = np.bincount(labels.ravel(), minlength=num_classes)
        voxels += counts
        present += np.where(counts > 0, labels.size, 0)
    return ClassCounts(voxels, present)
