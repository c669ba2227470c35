"""The WMH segmentation challenge (MICCAI 2017) in its own layout, as cases.

Users bring their own copy (https://wmh.isi.uu.nl, published as
https://doi.org/10.34894/AECRSD).
"""

from pathlib import Path

from medzoo.datasets.challenge_folders import case_of, subjects_of

# In the folder `pre`: bias-corrected, T1 on the grid of FLAIR and labels.
CHANNEL_FILES = {"t1": "T1", "flair": "FLAIR"}
LABEL_FILE = "wmh"
WHAT = "The WMH challenge"
SITES = ("Utrecht", "Singapore", "Amsterdam")


def read_wmh(folder, *, source=None):
    """Lists the training subjects of the WMH challenge.

    Nothing is read but the names of files. A site's folder (Utrecht, Singapore,
    Amsterdam, GE3T and other scanners within) has a numbered folder a subject, with
    `wmh.nii.gz` and, in `pre`, T1.nii.gz and FLAIR.nii.gz. Labels: 0 background,
    1 white-matter hyperintensities, 2 other pathology.

    Args:
        folder: path of `training`, of a site, or of one that holds them.
        source: str or None, which source of a recipe the cases are of.

    Returns:
        list of `Case`: case_id "wmh-Utrecht-0" and so on; `columns` have the "site".

    Raises:
        MissingFileError: if there is no such folder, or a subject lacks a file.
        InputError: if the folder has not the layout.
    """
    columns = {} if source is None else {"source": source}
    found = subjects_of(Path(folder), WHAT, depth=3)
    return [_subject(path, Path(folder), columns) for path in found]


def _subject(folder, root, columns):
    parents = (root.name, *folder.parent.relative_to(root).parts)
    site = "-".join(part for part in parents if part in SITES or "T" in part[1:])
    name = "-".join(part for part in ("wmh", site, folder.name) if part)
    return case_of(
        folder,
        WHAT,
        "".join(c if c.isalnum() or c in "._-" else "_" for c in name),
        CHANNEL_FILES,
        LABEL_FILE,
        {**columns, **({"site": site} if site else {})},
    )
