"""The scans of a BIDS tree, by bids2table; what is none to us is left out."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from medzoo.errors import InputError, MissingFileError

# Suffix of BIDS -> channel.
CHANNELS = {
    "T1w": "t1",
    "T2w": "t2",
    "FLAIR": "flair",
    "PDw": "pd",
    "IRT1": "t1_ir",
    "CT": "ct",
    "ct": "ct",
}
IMAGES = (".nii.gz", ".nii")
# Parts of complex images, and what was made of scans.
DERIVED = ("space", "desc", "res", "label", "seg", "hemi")
MAGNITUDE = (None, "", "mag")
ENTITY = re.compile(r"([a-z]+)-([A-Za-z0-9+]+)")


@dataclass(frozen=True)
class Scan:
    """One image.

    Attributes:
        path: pathlib.Path.
        suffix: str, as "T1w".
        entities: dict of str -> str, from the file name, with "sub" and "ses".
    """

    path: Path
    suffix: str
    entities: dict

    @property
    def stem(self):
        """str: the name without suffix and extension, "sub-01_run-1"."""
        return self.path.name.rpartition("_")[0]


def scans_of(root, participants=None):
    """Lists the scans of heads in a tree, in the order of their names.

    Args:
        root: pathlib.Path of the tree.
        participants: list of str or None, labels with "sub-" or without; None for all.

    Returns:
        list of `Scan`.

    Raises:
        MissingFileError: if there is no such folder, or no such person.
        InputError: if it is no BIDS tree, or the extra bids is not installed.
    """
    _require()
    if not root.is_dir():
        raise MissingFileError(
            f"A BIDS tree must be a folder. Received: {root}. Check the path."
        )
    people = sorted(p.name for p in root.glob("sub-*") if p.is_dir())
    if not people:
        raise InputError(
            f"A BIDS tree must have folders sub-* in {root}. Received: none. "
            "Give the folder with dataset_description.json."
        )
    wanted = people
    if participants:
        wanted = [f"sub-{name.removeprefix('sub-')}" for name in participants]
        absent = sorted(set(wanted) - set(people))
        if absent:
            raise MissingFileError(
                f"Participants must be in the BIDS tree {root}. Received: {absent}. "
                "Check --participant-label."
            )
    scans = [
        Scan(root / row["path"], row["suffix"], _entities(row["path"]))
        for row in _rows(root, wanted)
        if row["datatype"] in ("anat", "ct") and row["ext"] in IMAGES
    ]
    plain = (scan for scan in scans if _is_plain(scan))
    return sorted(plain, key=lambda scan: str(scan.path))


def _require():
    from importlib.util import find_spec

    if find_spec("bids2table") is None:
        raise InputError(
            "Reading BIDS needs the extra bids. Received: bids2table is not installed. "
            "Install it with pip install 'medzoo[bids]'."
        )


def _rows(root, people):
    import bids2table

    # It takes a description for granted, which says nothing that is needed here.
    table = bids2table.index_dataset(str(root), include_subjects=people)
    return table.select(["path", "suffix", "datatype", "ext"]).to_pylist()


def _entities(path):
    """Entities as in the file name: bids2table converts runs to numbers."""
    return dict(ENTITY.findall(os.path.basename(path)))


def _is_plain(scan):
    entities = scan.entities
    return (
        scan.suffix in CHANNELS
        and entities.get("part") in MAGNITUDE
        and not any(name in entities for name in DERIVED)
    )
