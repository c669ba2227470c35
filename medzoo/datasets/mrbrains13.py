"""MRBrainS13: the challenge's training data in its own layout, as cases.

Its terms forbid passing it on, so users bring their own copy
(https://mrbrains13.isi.uu.nl, published as https://doi.org/10.34894/645ZIN).
"""

from pathlib import Path

from medzoo.datasets.challenge_folders import case_of, subjects_of

# The archive has one more folder around.
FOLDERS = ("TrainingData", "MRBrainS13DataNii")
# Channel -> file. These three are aligned with the labels; T1_1mm is not.
CHANNEL_FILES = {"t1": "T1", "t1_ir": "T1_IR", "flair": "T2_FLAIR"}
# All nine classes; LabelsForTesting merges them into three.
LABEL_FILE = "LabelsForTraining"


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
    columns = {} if source is None else {"source": source}
    return [
        case_of(
            path,
            "MRBrainS13",
            f"mrbrains13-{int(path.name)}",
            CHANNEL_FILES,
            LABEL_FILE,
            dict(columns),
        )
        for path in subjects_of(Path(folder), "MRBrainS13", FOLDERS, depth=2)
    ]
