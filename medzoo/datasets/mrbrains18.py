"""MRBrainS18: the challenge's training data in its own layout, as cases.

Users bring their own copy (https://mrbrains18.isi.uu.nl, published as
https://doi.org/10.34894/E0U32Q).
"""

from pathlib import Path

from medzoo.datasets.challenge_folders import case_of, subjects_of

# In the folder `pre`: bias-corrected, and on the grid of the labels.
CHANNEL_FILES = {"t1": "reg_T1", "t1_ir": "reg_IR", "flair": "FLAIR"}
LABEL_FILE = "segm"


def read_mrbrains18(folder, *, source=None):
    """Lists the training subjects of MRBrainS18.

    Nothing is read but the names of files. Each subject has its folder, a number, with
    `segm.nii.gz` and, in `pre`, reg_T1.nii.gz, reg_IR.nii.gz and FLAIR.nii.gz (0.958 x
    0.958 x 3 mm, aligned). Labels 0 to 8 are those of MRBrainS13; 9 is infarction and
    10 other, which a code table may merge into others.

    Args:
        folder: path of the folder `training`, or of one that holds it.
        source: str or None, which source of a recipe the cases are of.

    Returns:
        list of `Case`, by number: case_id "mrbrains18-1" and so on.

    Raises:
        MissingFileError: if there is no such folder, or a subject lacks a file.
        InputError: if the folder has not the layout.
    """
    columns = {} if source is None else {"source": source}
    return [
        case_of(
            path,
            "MRBrainS18",
            f"mrbrains18-{int(path.name)}",
            CHANNEL_FILES,
            LABEL_FILE,
            dict(columns),
        )
        for path in subjects_of(Path(folder), "MRBrainS18", ("training",))
    ]
