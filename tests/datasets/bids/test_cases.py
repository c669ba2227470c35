import json

import numpy as np
import pytest

import medzoo
from medzoo.datasets.bids import is_bids, read_bids
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError, MissingFileError
from medzoo.volume import Volume

pytest.importorskip("bids2table")

T1 = [{"name": "t1"}]
BOTH = [{"name": "t1", "required": False}, {"name": "flair", "required": False}]


@pytest.fixture
def tree(tmp_path):
    """A function that makes a BIDS tree of empty scans."""
    root = tmp_path / "study"
    root.mkdir()
    content = {"Name": "Study", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(content))

    def make(*paths, participants="", **tables):
        for path in paths:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
        if participants:
            (root / "participants.tsv").write_text(participants)
        return root

    return make


def test_sessions_become_cases_with_what_is_known_of_people(tree):
    root = tree(
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_FLAIR.nii.gz",
        "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii",
        "sub-02/func/sub-02_task-rest_bold.nii.gz",
        "sub-03/func/sub-03_task-rest_bold.nii.gz",
        participants="participant_id\tage\tGender\nsub-01\t34.5\tfemale\n"
        "sub-02\t89+\tM\n",
    )

    found = read_bids(root, BOTH)

    assert [case.case_id for case in found.cases] == [
        "sub-01_ses-a",
        "sub-01_ses-b",
        "sub-02",
    ]
    assert [sorted(case.images) for case in found.cases] == [
        ["flair", "t1"],
        ["t1"],
        ["t1"],
    ]
    assert found.cases[0].columns == {
        "age": "34.5",
        "sex": "F",
        "subject": "sub-01",
        "session": "a",
    }
    assert found.cases[2].columns == {"sex": "M", "subject": "sub-02"}
    assert found.problems == {}


def test_two_runs_are_told_and_not_guessed(tree):
    root = tree(
        "sub-01/anat/sub-01_run-01_T1w.nii.gz",
        "sub-01/anat/sub-01_run-02_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii.gz",
    )

    found = read_bids(root, T1)

    assert [case.case_id for case in found.cases] == ["sub-02"]
    assert "sub-01_run-01_T1w.nii.gz, sub-01_run-02" in found.problems["sub-01"]
    chosen = read_bids(root, T1, entities={"run": "2"})
    assert [case.images["t1"].name for case in chosen.cases] == [
        "sub-01_run-02_T1w.nii.gz",
        "sub-02_T1w.nii.gz",
    ]


@pytest.mark.parametrize(
    "name", ["part-phase_T1w", "space-MNI_T1w", "desc-brain_T1w", "inplaneT2"]
)
def test_what_is_no_plain_scan_is_left_out(tree, name):
    root = tree(f"sub-01/anat/sub-01_{name}.nii.gz", "sub-01/anat/sub-01_T1w.nii.gz")

    found = read_bids(root, T1)

    assert [case.images["t1"].name for case in found.cases] == ["sub-01_T1w.nii.gz"]


def test_derivatives_are_no_scans(tree):
    root = tree(
        "sub-01/anat/sub-01_T1w.nii.gz",
        "derivatives/other/sub-01/anat/sub-01_T1w.nii.gz",
    )

    assert len(read_bids(root, T1).cases) == 1


def test_people_can_be_chosen(tree):
    root = tree("sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz")

    for label in ("02", "sub-02"):
        found = read_bids(root, T1, participants=[label])
        assert [case.case_id for case in found.cases] == ["sub-02"]
    with pytest.raises(MissingFileError, match="sub-9"):
        read_bids(root, T1, participants=["9"])


def test_what_is_no_tree_is_refused(tmp_path, tree):
    with pytest.raises(MissingFileError):
        read_bids(tmp_path / "nothing", T1)
    with pytest.raises(InputError, match=r"sub-\*"):
        read_bids(tmp_path, T1)
    with pytest.raises(InputError, match="scans for the model"):
        read_bids(tree("sub-01/anat/sub-01_T2w.nii.gz"), T1)


def test_a_table_of_cases_may_be_a_tree(tree):
    root = tree(
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii.gz",
        "derivatives/manual/sub-02/anat/sub-02_dseg.nii.gz",
        participants="participant_id\tage\tsite\nsub-01\t30\tA\nsub-02\tn/a\tB\n",
    )

    aged = read_cases(f"bids:{root}", T1, target="age", columns=["site"])
    labelled = read_cases(f"bids:{root}", T1, target="labels")

    assert is_bids(f"bids:{root}")
    assert [(case.target, case.columns["site"]) for case in aged] == [
        ("30", "A"),
        (None, "B"),
    ]
    assert [case.target for case in labelled] == [
        None,
        "derivatives/manual/sub-02/anat/sub-02_dseg.nii.gz",
    ]
    assert labelled[1].folder == root


def test_dataset_takes_a_tree(tree):
    root = tree(
        *(f"sub-0{n}/anat/sub-0{n}_T1w.nii.gz" for n in (1, 2)),
        participants="participant_id\tage\nsub-01\t30\nsub-02\t50\n",
    )
    array = np.random.default_rng(0).random((12, 12, 12), np.float32)
    for path in root.glob("sub-*/anat/*.nii.gz"):
        medzoo.write(Volume(array, np.eye(4)), path)
    recipe = {
        "name": "tiny",
        "task": "regression",
        "channels": T1,
        "target": {"column": "age"},
        "preprocessing": {"spatial": [], "layers": []},
    }

    data = medzoo.dataset(
        f"bids:{root}", recipe, batch_size=2, augment=False, shuffle=False
    )

    images, ages = data[0]
    assert images.shape == (2, 12, 12, 12, 1)
    np.testing.assert_array_equal(ages, [[30.0], [50.0]])


def test_training_is_not_told_of_an_option_that_it_lacks(tree):
    root = tree(
        "sub-01/anat/sub-01_run-01_T1w.nii.gz",
        "sub-01/anat/sub-01_run-02_T1w.nii.gz",
    )

    with pytest.raises(InputError, match="Move the other files") as told:
        read_cases(f"bids:{root}", T1, target="age")

    assert "--bids-filter" not in str(told.value)
