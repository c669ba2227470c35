"""Data sets that are read in their own layout, instead of from a cases.csv."""

from dataclasses import replace
from pathlib import Path

from medzoo.datasets.bids import is_bids
from medzoo.datasets.mrbrains13 import read_mrbrains13
from medzoo.datasets.mrbrains18 import read_mrbrains18
from medzoo.datasets.wmh import read_wmh
from medzoo.errors import InputError

LAYOUTS = {
    "mrbrains13": read_mrbrains13,
    "mrbrains18": read_mrbrains18,
    "wmh": read_wmh,
}


def is_layout(text):
    """Whether a text is LAYOUT:FOLDER."""
    return str(text).partition(":")[0] in LAYOUTS and ":" in str(text)


def layout_cases(text, channels):
    """Lists the cases of a data set in its own layout, with a model's channels.

    Args:
        text: str, LAYOUT:FOLDER.
        channels: list of dict `{"name", "required"}`.

    Returns:
        list of `Case`.

    Raises:
        InputError: as `read_layout`, or for a channel that the data set does not have.
    """
    known = [channel["name"] for channel in channels]
    needed = [c["name"] for c in channels if c.get("required", True)]
    found = []
    for case in read_layout(str(text)):
        images = {name: path for name, path in case.images.items() if name in known}
        missing = [name for name in needed if name not in images]
        if missing or not images:
            raise InputError(
                f"A data set must have the model's channels {known}. "
                f"Received: {text} with {sorted(case.images)}. Choose another model."
            )
        found.append(replace(case, images=images))
    return found


def named_cases(cases):
    """Returns the cases of a data set that is named by its layout, or what was given.

    Args:
        cases: LAYOUT:FOLDER; or a path, "bids:DIR" or list of `Case`, which stay.
    """
    named = isinstance(cases, str) and ":" in cases and not Path(cases).exists()
    return read_layout(cases) if named and not is_bids(cases) else cases


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
