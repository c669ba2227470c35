"""Messages as they may stand in a report: without the places of files."""

import os
import re
from pathlib import Path

from medzoo.files import split_part

# An absolute path, of Unix or Windows, that is not part of an address or a fraction.
_PATH = re.compile(
    r"(?<![\w:/.])(?:[A-Za-z]:[\\/]|\\\\|~?/)[^\s:;,'\"<>()]*[^\s:;,.'\"<>()]"
)


def without_paths(text, images):
    """Replaces paths by the name of the channel, and others by "[file]".

    File and folder names often hold names of patients or of studies.

    Args:
        text: str, a warning or an error.
        images: dict of channel -> path or Volume, the case's.

    Returns:
        str.
    """
    known = {}
    for channel, image in images.items():
        if isinstance(image, (str, Path)):
            # Messages on "FOLDER#SERIES" name the folder.
            for place in (os.fspath(image), split_part(image)[0]):
                _add_forms(known, place, f"[{channel}]")
    for form in sorted(known, key=len, reverse=True):
        whole = rf"(?<![\w.~-]){re.escape(form)}(?![\w-])"
        text = re.sub(whole, known[form], text)
    return _PATH.sub("[file]", text)


def _add_forms(known, place, name):
    """Adds what a place may be called in a message."""
    path = Path(place)
    for form in (place, path, path.absolute(), path.resolve()):
        known[str(form)] = name
    known.setdefault(str(path.absolute().parent), "[folder]")
    # A folder's name may be a word of the message.
    if path.suffix:
        known[path.name] = name
