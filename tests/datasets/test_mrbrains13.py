"""MRBrainS13 in its own layout, with synthesised content."""

import numpy as np
import pytest

from medzoo.data.feeds.segmentation import prepared_cases
from medzoo.datasets.known_layouts import read_layout
from medzoo.datasets.mrbrains13 import read_mrbrains13
from medzoo.errors import InputError, MissingFileError
from medzoo.io import write
from medzoo.volume import Volume

SHAPE, SPACING = (24, 24, 9), (0.958, 0.958, 3.0)
FILES = ("T1", "T1_IR", "T2_FLAIR", "LabelsForTraining", "LabelsForTesting", "T1_1mm")
CHANNELS = [
    {"name": name, "required": False} for name in ("t1", "t1_ir", "flair", "pd")
]
NAMES = ("background", *"abcdefgh")


def make_layout(folder, subjects=(1, 2), suffix=".nii"):
    """The challenge's folders: nine concentric classes, a contrast a channel."""
    rng = np.random.default_rng(0)
    affine = np.diag([*SPACING, 1.0])
    index = np.stack(np.indices(SHAPE), -1) - (np.array(SHAPE) - 1) / 2
    radius = np.abs(index / np.array(SHAPE) * 2).max(-1)
    labels = (8 - (radius * 9).astype(int)).astype("u1")
    for subject in subjects:
        place = folder / str(subject)
        place.mkdir(parents=True)
        for name in FILES:
            array = labels
            if not name.startswith("Labels"):
                array = rng.permutation(9)[labels] * 100 + rng.normal(0, 5, SHAPE)
            write(Volume(array.astype("f4"), affine), place / f"{name}{suffix}")
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    top = tmp_path_factory.mktemp("mrbrains")
    make_layout(top / "MRBrainS13DataNii" / "TrainingData", (2, 1, 10))
    (top / "MRBrainS13DataNii" / "TestData" / "1").mkdir(parents=True)
    return top


@pytest.mark.parametrize(
    "inner", [".", "MRBrainS13DataNii", "MRBrainS13DataNii/TrainingData"]
)
def test_each_subject_is_a_case_by_number(archive, inner):
    cases = read_mrbrains13(archive / inner)
    assert [case.case_id for case in cases] == [
        "mrbrains13-1",
        "mrbrains13-2",
        "mrbrains13-10",
    ]
    place = archive / "MRBrainS13DataNii" / "TrainingData" / "1"
    assert {name: path.name for name, path in cases[0].images.items()} == {
        "t1": "T1.nii",
        "t1_ir": "T1_IR.nii",
        "flair": "T2_FLAIR.nii",
    }
    assert all(path.parent.samefile(place) for path in cases[0].images.values())
    assert cases[0].folder / cases[0].target == cases[0].folder / (
        "LabelsForTraining.nii"
    )
    assert cases[0].columns == {}


def test_layout_is_named_on_the_command_line(archive):
    cases = read_layout(f"mrbrains13:{archive}", source="manual")
    assert len(cases) == 3
    assert cases[0].columns == {"source": "manual"}


def test_cases_become_labelled_volumes_of_nine_classes(archive):
    recipe = {
        "name": "tissue",
        "channels": CHANNELS,
        "class_names": NAMES,
        "preprocessing": {"spatial": [], "layers": []},
    }
    found = prepared_cases(read_mrbrains13(archive), recipe).get(0)
    assert found["present"].tolist() == [True, True, True, False]
    assert found["image"].shape == (*SHAPE, 4)
    assert np.unique(found["labels"]).tolist() == list(range(9))
    # Each channel is the one of its file: within a class it is nearly constant.
    for channel in range(3):
        values = found["image"][..., channel][found["labels"] == 8].astype("f4")
        assert values.std() < 10


def test_compressed_files_are_taken_too(tmp_path):
    make_layout(tmp_path / "TrainingData", (1,), ".nii.gz")
    assert read_mrbrains13(tmp_path)[0].images["t1"].name == "T1.nii.gz"


def test_a_subject_without_a_file_is_refused_by_name(tmp_path):
    make_layout(tmp_path, (1,))
    (tmp_path / "1" / "T2_FLAIR.nii").unlink()
    with pytest.raises(MissingFileError, match=r"must have \['T2_FLAIR.nii'\]"):
        read_mrbrains13(tmp_path)


def test_a_folder_of_another_layout_is_refused(tmp_path):
    (tmp_path / "sub-01").mkdir()
    with pytest.raises(InputError, match=r"Received: \['sub-01'\]"):
        read_mrbrains13(tmp_path)
    with pytest.raises(MissingFileError, match="must be a folder"):
        read_mrbrains13(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["mrbrains13", "mrbrains13:", "brats:x", ":x"])
def test_an_unknown_layout_is_refused(text):
    with pytest.raises(InputError, match="must be LAYOUT:FOLDER"):
        read_layout(text)
