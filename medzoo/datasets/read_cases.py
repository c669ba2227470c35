"""Cases from wherever they are listed: a table, a BIDS tree, a known layout."""

from medzoo.data.cases.case import Case
from medzoo.data.cases.case_table import read_case_table
from medzoo.datasets.bids import bids_cases, is_bids
from medzoo.datasets.known_layouts import is_layout, layout_cases


def read_cases(path, channels, *, target=None, columns=()):
    """Reads the cases of a table, a BIDS tree or a data set in its own layout.

    Args:
        path: path of a table, see `medzoo.data.cases.case_table.read_case_table`. Or
            "bids:DIR", see `medzoo.datasets.bids.bids_cases`, or a data set in its own
            layout, see `medzoo.datasets.known_layouts`. A list of `Case` stays so.
        channels: list of dict `{"name", "required"}`, the columns with images.
        target: str or None, the column with the truth.
        columns: further columns to keep; absent ones are left out.

    Returns:
        list of `Case`, in the order of the table.

    Raises:
        MissingFileError: if there is no such file.
        FileFormatError: if it is no table.
        InputError: for a case_id that is malformed or not unique, an absent channel
            or target column, or an empty table.
    """
    if isinstance(path, list) and all(isinstance(case, Case) for case in path):
        return path
    if is_bids(path):
        return bids_cases(path, channels, target=target, columns=columns)
    if is_layout(path):
        return layout_cases(path, channels)
    return read_case_table(path, channels, target=target, columns=columns)
