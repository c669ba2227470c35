"""`medzoo predict NAME,NAME --bids DIR`, `train --bids` and "bids:DIR", whole runs."""

import csv
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import medzoo
from medzoo.batch.cohort_plan import shard_bids_plan
from medzoo.batch.plan import bids_plan
from medzoo.cli.main import main
from medzoo.errors import InputError, MissingFileError
from tests.conftest import make_head

pytest.importorskip("bids2table")
PEOPLE = "participant_id\tage\tsex\nsub-01\t30\tF\nsub-02\t50\tM\nsub-03\tn/a\tn/a\n"


@pytest.fixture
def study(tmp_path):
    """Three people; 01 has two sessions, 02 a FLAIR."""
    root = tmp_path / "study"
    head = make_head(8.0, noise=1.0)
    for place in ("sub-01/ses-a", "sub-01/ses-b", "sub-02", "sub-03"):
        folder = root / place / "anat"
        folder.mkdir(parents=True)
        stem = place.replace("/", "_")
        medzoo.write(head, folder / f"{stem}_T1w.nii.gz")
        if place == "sub-02":
            medzoo.write(head, folder / f"{stem}_FLAIR.nii.gz")
    content = {"Name": "Study", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(content))
    (root / "participants.tsv").write_text(PEOPLE)
    return root


def faults_of(folder):
    """What the official validator finds wrong."""
    command = Path(sys.executable).with_name("bids-validator-deno")
    if not command.exists():
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run(
        [command, "--json", folder], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in found if issue["severity"] == "error"]


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {row["case_id"]: row for row in csv.DictReader(file, delimiter="\t")}


def test_several_models_make_one_valid_derivative(study, models, capsys):
    names = ",".join(str(models[n]) for n in ("tiny_age", "tiny_sex", "tiny_tissue"))
    out = study / "derivatives" / "medzoo"

    code = main(["predict", names, "--bids", str(study), "--aligned", "--json"])

    assert code == 0
    assert faults_of(out) == []
    cases = ["sub-01_ses-a", "sub-01_ses-b", "sub-02", "sub-03"]
    told = json.loads(capsys.readouterr().out)
    assert [one["case_id"] for one in told] == cases
    assert set(told[0]["models"]) == set(models)
    rows = rows_of(out / "cohort.tsv")
    assert list(rows) == cases
    one = rows["sub-01_ses-b"]
    assert (one["participant_id"], one["session_id"]) == ("sub-01", "ses-b")
    assert (one["age"], one["sex"]) == ("30", "F")
    for record in told:
        row, found = rows[record["case_id"]], record["models"]
        assert float(row["tiny_age_value"]) == found["tiny_age"]["value"]
        assert row["tiny_sex_label"] == found["tiny_sex"]["label"]
        volume = found["tiny_tissue"]["volumes_ml"]["white matter"]
        assert float(row["tiny_tissue_volume_white_matter"]) == volume
        assert medzoo.read(found["tiny_tissue"]["output"]).shape == (22, 28, 26)
    dictionary = json.loads((out / "cohort.json").read_text())
    assert list(dictionary) == list(one)
    assert dictionary["tiny_age_value"]["Units"] == "years"


def test_the_parquet_says_what_the_tsv_does(study, models):
    parquet = pytest.importorskip("pyarrow.parquet")
    name = f"{models['tiny_age']},{models['tiny_sex']}"
    out = study / "out"

    assert main(["predict", name, "--bids", str(study), "-o", str(out)]) == 0

    table = parquet.read_table(out / "cohort.parquet").to_pylist()
    rows = rows_of(out / "cohort.tsv")
    assert [row["case_id"] for row in table] == list(rows)
    for row in table:
        text = rows[row["case_id"]]
        assert row["tiny_age_value"] == float(text["tiny_age_value"])
        assert row["age"] is None or row["age"] == float(text["age"])


@pytest.mark.parametrize("kind", ["broken", "two runs"])
def test_one_bad_person_and_all_others(study, models, kind, capsys):
    scan = study / "sub-02" / "anat" / "sub-02_T1w.nii.gz"
    if kind == "broken":
        scan.write_bytes(scan.read_bytes()[:500])
    else:
        for run in (1, 2):
            scan.with_name(f"sub-02_run-{run}_T1w.nii.gz").write_bytes(
                scan.read_bytes()
            )
        scan.unlink()
    names = f"{models['tiny_age']},{models['tiny_tissue']}"
    out = study / "out"

    code = main(["predict", names, "--bids", str(study), "-o", str(out)])

    told = capsys.readouterr()
    assert code == 1
    assert "Traceback" not in told.err
    assert len(told.out.splitlines()) == 6
    rows = rows_of(out / "cohort.tsv")
    bad = rows.pop("sub-02")
    assert all(row["tiny_age_value"] != "n/a" for row in rows.values())
    assert bad["tiny_age_value"] == "n/a"
    expected = "sub-02_T1w.nii.gz" if kind == "broken" else "sub-02_run-1_T1w.nii.gz"
    assert expected in bad["tiny_age_error"]
    assert expected in told.err
    assert faults_of(out) == []
    if kind == "two runs":
        asked = ["--participant-label", "02", "--bids-filter", "run=2"]
        assert (
            main(["predict", names, "--bids", str(study), *asked, "-o", str(out)]) == 0
        )
        again = rows_of(out / "cohort.tsv")
        assert again["sub-02"]["tiny_age_value"] != "n/a"
        assert "tiny_age_error" not in again["sub-02"]
        assert again["sub-03"] == {
            k: v for k, v in rows["sub-03"].items() if k in again["sub-03"]
        }


def test_a_corrected_label_map_is_kept(study, models, capsys):
    arguments = ["predict", str(models["tiny_tissue"]), "--bids", str(study)]
    arguments += ["--participant-label", "03"]
    assert main(arguments) == 0
    (image,) = (study / "derivatives/medzoo/sub-03/anat").glob("*_dseg.nii.gz")
    labels = medzoo.read(image)
    corrected = labels.with_array(np.full_like(labels.array, 1))
    medzoo.write(corrected, image)

    assert main(arguments) == 2
    assert "changed after medzoo wrote it" in capsys.readouterr().err
    assert (medzoo.read(image).array == 1).all()
    assert main([*arguments, "--overwrite"]) == 0
    np.testing.assert_array_equal(medzoo.read(image).array, labels.array)


def test_a_table_of_others_is_not_replaced(study, models, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "cohort.tsv").write_text("case_id\tmine\n")
    scan = study / "sub-03" / "anat" / "sub-03_T1w.nii.gz"
    names = f"{models['tiny_age']},{models['tiny_sex']}"

    assert main(["predict", names, str(scan), "-o", str(out)]) == 2
    assert "which medzoo did not write" in capsys.readouterr().err
    assert (out / "cohort.tsv").read_text() == "case_id\tmine\n"


def test_several_models_on_images(study, models, tmp_path):
    scan = study / "sub-02" / "anat"
    names = f"{models['tiny_age']},{models['tiny_tissue']}"
    out = tmp_path / "out"
    channels = [f"t1={scan / 'sub-02_T1w.nii.gz'}", f"flair={scan}/sub-02_FLAIR.nii.gz"]
    channels = [word for text in channels for word in ("--channel", text)]

    assert main(["predict", names, *channels, "--aligned", "-o", str(out)]) == 0

    (row,) = rows_of(out / "cohort.tsv").values()
    assert float(row["tiny_age_value"]) > 0
    assert (out / "tiny_tissue" / "sub-02_T1w.nii.gz").is_file()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["-o", "x.csv"], "output folder"),
        (["--report", "x.html"], "covers one model"),
        (["--dicom-seg", "-o", "x"], "none for segmentation"),
    ],
)
def test_what_is_of_one_model_is_refused(models, given, told, capsys, tmp_path):
    names = f"{models['tiny_age']},{models['tiny_sex']}"

    assert main(["predict", names, str(tmp_path / "a.nii.gz"), *given]) == 2
    assert told in capsys.readouterr().err


def test_a_model_twice_is_refused(models, capsys):
    name = models["tiny_age"]

    assert main(["predict", f"{name},{name}", "a.nii.gz"]) == 2
    assert "once" in capsys.readouterr().err


def _add_people(study):
    """Two folds take more than three."""
    scan = (study / "sub-03" / "anat" / "sub-03_T1w.nii.gz").read_bytes()
    with (study / "participants.tsv").open("a") as table:
        for number in range(11, 15):
            folder = study / f"sub-{number}" / "anat"
            folder.mkdir(parents=True)
            (folder / f"sub-{number}_T1w.nii.gz").write_bytes(scan)
            table.write(f"sub-{number}\t{20 + number}\tF\n")


@pytest.mark.usefixtures("eagerly")
def test_training_and_feeding_take_a_tree(study, models, tmp_path):
    model = medzoo.load(models["tiny_age"])

    x, y = next(iter(medzoo.dataset(f"bids:{study}", model, batch_size=3)))
    assert x.shape == (3, 8, 8, 8, 1)
    assert sorted(np.ravel(y).tolist()) in ([30, 30, 50],)
    with pytest.raises(MissingFileError, match="must be a folder"):
        medzoo.dataset(f"bids:{study / 'absent'}", model)
    _add_people(study)
    out = tmp_path / "run"
    folder = str(models["tiny_age"])
    assert main(["train", folder, "--bids", str(study), "-o", str(out)]) == 0
    assert medzoo.load(out).predict_volume(make_head(8.0)).value > 0


@pytest.mark.parametrize("make", [bids_plan, partial(shard_bids_plan, shard=(1, 2))])
def test_a_derivative_is_on_disk(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    options = dict.fromkeys(("participants", "entities", "overwrite", "dicom_seg"))
    with pytest.raises(InputError, match="folders on disk"):
        make([], tmp_path, "s3://bucket/out", **options)
    assert list(tmp_path.iterdir()) == []
