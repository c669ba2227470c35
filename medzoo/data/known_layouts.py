"""Data sets that are read in their own layout, instead of from a cases.csv."""

from medzoo.data.mrbrains13 import read_mrbrains13
from medzoo.data.mrbrains18 import read_mrbrains18
from medzoo.data.wmh import read_wmh
from medzoo.errors import InputError

LAYOUTS = {
    "mrbrains13": read_mrbrains13,
    "mrbrains18": read_mrbrains18,
    "wmh": read_wmh,
}


def read_layout(text, *, source=None):
    """Lists the cases of a data set in its own layout.

    Args:
        text: str, LAYOUT:FOLDER, such as "mrbrains13:data/MRBrainS13DataNii".
        source: str or None, which source of a recipe the cases are of.

    Returns:
        list of `Case`.

    Raises:
        InputError: for a layout that is not known.
        MissingFileError: if the folder is not there.
    """
    name, colon, folder = text.partition(":")
    if not (colon and folder) or name not in LAYOUTS:
        raise InputError(
            f"Data must be LAYOUT:FOLDER, with a layout of {sorted(LAYOUTS)}. "
            f"Received: data={text!r}. For other data make a table and use --cases."
        )
    return LAYOUTS[name](folder, source=source)
