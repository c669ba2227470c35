"""MRBrainS13: the challenge's training data in its own layout, as cases.

Its terms forbid passing it on, so users bring their own copy
(https://mrbrains13.isi.uu.nl, published as https://doi.org/10.34894/645ZIN).
"""

from pathlib import Path

from medzoo.data.cases.case import Case
from medzoo.errors import InputError, MissingFileError

TRAINING_FOLDER = "TrainingData"
# The archive has one more folder around.
ARCHIVE_FOLDER = "MRBrainS13DataNii"
# Channel -> file. These three are aligned with the labels; T1_1mm is not.
CHANNEL_FILES = {"t1": "T1", "t1_ir": "T1_IR", "flair": "T2_FLAIR"}
# All nine classes; LabelsForTesting merges them into three.
LABEL_FILE = "LabelsForTraining"
SUFFIXES = (".nii", ".nii.gz")


def read_mrbrains13(folder, *, source=None):
    """Lists the training subjects of MRBrainS13.

    Nothing is read but the names of files. Each subject has its folder, 1 to 5, with
    T1.nii, T1_IR.nii, T2_FLAIR.nii (0.958 x 0.958 x 3 mm, aligned) and
    LabelsForTraining.nii: 0 background, 1 cortical grey matter, 2 basal ganglia,
    3 white matter, 4 white-matter lesions, 5 extracerebral fluid, 6 ventricles,
    7 cerebellum, 8 brainstem. Other files are left alone; .nii.gz is taken too.

    Args:
        folder: path of TrainingData, or of a folder that holds it.
        source: str or None, which source of a recipe the cases are of (the column
            `source` of a case table).

    Returns:
        list of `Case`, by number: case_id "mrbrains13-1" and so on, channels t1, t1_ir
        and flair, target the path of the label map.

    Raises:
        MissingFileError: if there is no such folder, or a subject lacks a file.
        InputError: if the folder has not the layout.

    Source: Mendrik et al., MRBrainS Challenge: Online Evaluation Framework for Brain
    Image Segmentation in 3T MRI Scans (2015).
    """
    training = _training_folder(Path(folder))
    subjects = [
        path for path in training.iterdir() if path.is_dir() and path.name.isdecimal()
    ]
    if not subjects:
        raise InputError(
            f"MRBrainS13 has a numbered folder a subject in {training}. Received: "
            f"{_listing(training)}. Give the folder {TRAINING_FOLDER} as it was "
            "unpacked."
        )
    columns = {} if source is None else {"source": source}
    return [
        _subject(path, columns)
        for path in sorted(subjects, key=lambda path: int(path.name))
    ]


def _training_folder(folder):
    """The folder with the subjects: the given one, or that within it."""
    if not folder.is_dir():
        raise MissingFileError(
            f"MRBrainS13 must be a folder. Received: {folder}. Check the path."
        )
    inner = Path(ARCHIVE_FOLDER, TRAINING_FOLDER)
    for name in (TRAINING_FOLDER, inner):
        if (folder / name).is_dir():
            return folder / name
    return folder


def _subject(folder, columns):
    stems = {**CHANNEL_FILES, "labels": LABEL_FILE}
    found = {name: _file(folder, stem) for name, stem in stems.items()}
    missing = [f"{stems[name]}.nii" for name, path in found.items() if path is None]
    if missing:
        raise MissingFileError(
            f"A subject of MRBrainS13 must have {missing} in {folder}. Received: "
            f"{_listing(folder)}. Unpack the archive again; training needs the labels."
        )
    return Case(
        case_id=f"mrbrains13-{int(folder.name)}",
        images={name: found[name] for name in CHANNEL_FILES},
        target=found["labels"].name,
        columns=dict(columns),
        folder=folder,
    )


def _file(folder, stem):
    paths = (folder / f"{stem}{suffix}" for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _listing(folder):
    names = sorted(path.name for path in folder.iterdir())
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{names[:8]}{more}"
