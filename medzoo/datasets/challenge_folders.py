"""Numbered folders of subjects, as challenges publish them."""

from medzoo.data.cases.case import Case
from medzoo.errors import InputError, MissingFileError

SUFFIXES = (".nii.gz", ".nii")


def subjects_of(folder, what, inner=None, *, depth=1):
    """Lists the subjects' folders, by number.

    Args:
        folder: pathlib.Path as the user gave it.
        what: str, the data set, for messages.
        inner: names of folders that may lie between; None for any.
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
        if inner is not None:
            children = [path for path in children if path.name in inner]
        level = [path for path in children if path not in found]
    if not found:
        raise InputError(
            f"{what} has a numbered folder a subject in {folder}. Received: "
            f"{listing(folder)}. Give the folder as it was unpacked."
        )
    return sorted(found, key=lambda path: (str(path.parent), int(path.name)))


def case_of(folder, what, case_id, channels, labels, columns):
    """Makes the case of a subject's folder, whose images may lie in a folder `pre`.

    Args:
        folder: pathlib.Path.
        what: str, the data set, for messages.
        case_id: str.
        channels: dict of channel -> file name without suffix.
        labels: str, file name of the label map, without suffix.
        columns: dict, the case's further columns.

    Raises:
        MissingFileError: if a file is missing.
    """
    images = {
        n: _file(folder / "pre", s) or _file(folder, s) for n, s in channels.items()
    }
    target = _file(folder, labels)
    missing = [f"{stem}.nii" for n, stem in channels.items() if images[n] is None]
    if missing or target is None:
        missing += [f"{labels}.nii"] * (target is None)
        raise MissingFileError(
            f"A subject of {what} must have {missing} in {folder}. Received: "
            f"{listing(folder)}. Unpack the archive again; training needs the labels."
        )
    return Case(
        case_id=case_id,
        images=images,
        target=target.name,
        columns=columns,
        folder=folder,
    )


def _file(folder, stem):
    """The image of a name, packed or not, or None."""
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def listing(folder):
    """The first names in a folder, for messages."""
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{names[:8]}{more}"
