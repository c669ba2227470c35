import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import medzoo
from medzoo.batch.bids_output import BidsOutput
from medzoo.datasets.bids import read_bids
from medzoo.errors import InputError
from medzoo.volume import Volume

pytest.importorskip("bids2table")

SEGMENTATION = {
    "name": "tiny_tissue",
    "version": "1.0",
    "task": "segmentation",
    "licence": "CC-BY-NC-3.0",
    "class_names": ["background", "grey matter", "white matter"],
    "channels": [{"name": "t1"}],
    "postprocessing": [],
}
AGE = {**SEGMENTATION, "name": "tiny_age", "task": "regression", "unit": "years"}


@pytest.fixture
def tree(tmp_path):
    """Two people, one with two sessions."""
    root = tmp_path / "study"
    for place in ("sub-01/ses-a", "sub-01/ses-b", "sub-02"):
        folder = root / place / "anat"
        folder.mkdir(parents=True)
        name = place.replace("/", "_") + "_T1w.nii.gz"
        volume = Volume(np.ones((4, 5, 6), np.uint8), np.eye(4))
        medzoo.write(volume, folder / name)
    content = {"Name": "Study", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(content))
    return read_bids(root, SEGMENTATION["channels"])


def segment_all(output, tree):
    output.begin()
    output.work_folder.mkdir()
    records = []
    for case in tree.cases:
        path = output.work_folder / f"{case.case_id}.nii.gz"
        medzoo.write(Volume(np.ones((4, 5, 6), np.uint8), np.eye(4)), path)
        volumes = {"grey matter": 1.5, "white matter": 2.0}
        record = {"case_id": case.case_id, "volumes_ml": volumes, "output": str(path)}
        records.append(output.add(record, case))
    output.finish(records)
    return records


def errors_of(folder):
    """What the official validator finds wrong."""
    command = Path(sys.executable).with_name("bids-validator-deno")
    if not command.exists():
        pytest.skip("bids-validator-deno is not installed")
    command = [command, "--json", "--ignoreNiftiHeaders", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in found if issue["severity"] == "error"]


def test_images_get_names_with_entities_and_side_cars(tree, tmp_path):
    folder = tmp_path / "derivatives"
    segment_all(BidsOutput(folder, SEGMENTATION, tree), tree)

    anat = folder / "sub-01" / "ses-a" / "anat"
    stem = "sub-01_ses-a_seg-tinytissue_dseg"
    assert sorted(path.name for path in anat.iterdir()) == [
        f"{stem}.json",
        f"{stem}.nii.gz",
        f"{stem}.tsv",
    ]
    side_car = json.loads((anat / f"{stem}.json").read_text())
    assert side_car["Sources"] == ["bids:raw:sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz"]
    assert (anat / f"{stem}.tsv").read_text().splitlines()[2] == "1\tgrey matter"
    assert medzoo.read(anat / f"{stem}.nii.gz").shape == (4, 5, 6)


def test_a_table_of_all_people_with_its_dictionary(tree, tmp_path):
    folder = tmp_path / "derivatives"
    output = BidsOutput(folder, AGE, tree)
    output.begin()
    first = {"case_id": "sub-01", "value": 40.5, "interval": [30.0, 50.0]}
    output.finish([first, {"case_id": "sub-02", "error": "broken\tfile"}])
    output.finish([{"case_id": "sub-03", "value": 41.0}])
    output.finish([{"case_id": "sub-01_ses-b", "value": 42.0}])

    rows = rows_of(folder / "phenotype" / "tiny_age.tsv")

    assert [row["participant_id"] for row in rows] == ["sub-01", "sub-02", "sub-03"]
    assert [row["value"] for row in rows] == ["40.5", "n/a", "41.0"]
    assert rows[1]["error"] == "broken file"
    told = json.loads((folder / "phenotype" / "tiny_age.json").read_text())
    assert told["value"]["Units"] == "years"
    assert set(rows[0]) <= set(told)
    session = rows_of(folder / "phenotype" / "tiny_age_ses-b.tsv")
    assert [(row["participant_id"], row["value"]) for row in session] == [
        ("sub-01", "42.0")
    ]


def rows_of(table):
    names, *lines = (line.split("\t") for line in table.read_text().splitlines())
    return [dict(zip(names, line, strict=True)) for line in lines]


def test_the_derivative_is_valid(tree, tmp_path):
    folder = tmp_path / "derivatives"
    segment_all(BidsOutput(folder, SEGMENTATION, tree), tree)
    output = BidsOutput(folder, AGE, tree)
    output.begin()
    output.finish([{"case_id": "sub-02", "value": 41.0}])

    assert errors_of(folder) == []


def test_another_folder_is_left_alone(tree, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")

    with pytest.raises(InputError, match="something else"):
        BidsOutput(tmp_path, AGE, tree)
