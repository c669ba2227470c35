"""Numbered folders of subjects, as challenges publish them."""

from medzoo.errors import InputError, MissingFileError

SUFFIXES = (".nii.gz", ".nii")


def subjects_of(folder, what, inner, *, depth=1):
    """Lists the subjects' folders, by number.

    Args:
        folder: pathlib.Path as the user gave it.
        what: str, the data set, for messages.
        inner: names of folders that may lie between.
        depth: int, how many levels of such folders, or of scanners, there may be.

    Raises:
        MissingFileError: if there is no such folder.
        InputError: if it holds no numbered folder.
    """
    if not folder.is_dir():
        raise MissingFileError(
            f"{what} must be a folder. Received: {folder}. Check the path."
        )
    level, found = [folder], []
    for _ in range(depth + 1):
        children = [p for place in level for p in sorted(place.iterdir()) if p.is_dir()]
        found += [path for path in children if path.name.isdecimal()]
        if depth == 1:
            children = [path for path in children if path.name in inner]
        level = [path for path in children if path not in found]
    if not found:
        raise InputError(
            f"{what} has a numbered folder a subject in {folder}. Received: "
            f"{listing(folder)}. Give the folder as it was unpacked."
        )
    return sorted(found, key=lambda path: (str(path.parent), int(path.name)))


def file_of(folder, stem):
    """The image of a name, packed or not, or None."""
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def listing(folder):
    """The first names in a folder, for messages."""
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{names[:8]}{more}"
