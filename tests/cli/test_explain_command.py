"""`medzoo explain`: what it prints, writes and refuses."""

import csv
import json

import pytest

from medzoo.io import read, write
from medzoo.training.weights_file import write_weights
from tests.explanation.conftest import tiny_model, two_halves


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder, a scan, its regions, and a table of two people."""
    folder = tmp_path_factory.mktemp("explain") / "tiny_age"
    folder.mkdir()
    model = tiny_model()
    facts = write_weights(model, folder / "model.weights.h5")
    recipe = {**model.recipe, "weights": {**facts, "urls": []}}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def scans(tmp_path_factory, head_phantom):
    folder = tmp_path_factory.mktemp("scans")
    scan = head_phantom(6.0, "LPS")
    write(scan, folder / "a.nii.gz")
    write(scan.with_array(scan.array * 0.7), folder / "b.nii.gz")
    write(two_halves(scan), folder / "labels.nii.gz")
    (folder / "cases.csv").write_text("case_id,t1\na,a.nii.gz\nb,b.nii.gz\n")
    return folder


def test_a_scan_is_explained_against_people_of_ones_own(folder, scans, run_medzoo):
    mean, out = scans / "mean.npz", scans / "out"
    told = run_medzoo(
        "explain", folder, "--cases", scans / "cases.csv", "--population", mean
    )
    assert (told.returncode, told.stdout) == (0, f"{mean}: the mean of 2 people\n")

    arguments = ["explain", folder, scans / "a.nii.gz", "--baseline", mean]
    arguments += ["--regions", scans / "labels.nii.gz", "--steps", "8"]
    found = run_medzoo(*arguments, "--json", "-o", out)

    assert found.returncode == 0, found.stderr
    content = json.loads(found.stdout)
    assert content == json.loads((out / "explanation.json").read_text())
    assert content["baseline"] == "the mean of 2 people"
    difference = content["answer"] - content["baseline_answer"]
    assert abs(content["gap"]) < 0.1 * abs(difference)
    assert read(out / "map.nii.gz").shape == read(scans / "a.nii.gz").shape
    rows = list(csv.DictReader((out / "regions.csv").open(newline="")))
    assert {row["region"] for row in rows} >= {"label 1", "label 2"}
    again = run_medzoo(*arguments, "-o", out)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_another_file_is_no_place_for_a_mean(folder, scans, run_medzoo):
    mine = scans / "mine.npz"
    mine.write_text("mine")

    arguments = ["--cases", scans / "cases.csv", "--population", mine]
    found = run_medzoo("explain", folder, *arguments)

    assert found.returncode == 2
    assert "must not replace" in found.stderr
    assert mine.read_text() == "mine"


def test_images_have_no_report_of_regions(run_medzoo, tmp_path):
    report = tmp_path / "a.html"

    found = run_medzoo("explain", "ixi_superres_x4", "a.nii.gz", "--report", report)

    assert found.returncode == 2
    assert "which gives images" in found.stderr


def test_lines_say_what_replacing_a_region_changes(folder, scans, run_medzoo):
    found = run_medzoo(
        "explain",
        folder,
        *(scans / "a.nii.gz", "--baseline", scans / "b.nii.gz", "--steps", "4"),
        *("--regions", scans / "labels.nii.gz"),
    )

    assert found.returncode == 0, found.stderr
    lines = found.stdout.splitlines()
    assert lines[1].startswith("Replaced by the scan to compare with, a region")
    assert any("label 1" in line for line in lines[2:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "none of them"),
        (["a.nii.gz", "--channel", "t1=a.nii.gz"], "exactly one kind"),
        (["a.nii.gz", "--cases", "c.csv"], "Give both"),
        (["--population", "mean.npz"], "Give both"),
        (["--population", "mean.txt", "--cases", "c.csv"], ".npz"),
        (["--population", "m.npz", "--cases", "c.csv", "--json"], "--json with"),
        (
            ["--population", "m.npz", "--cases", "c.csv", "-o", "out", "--target", "F"],
            "--output and --target with",
        ),
        (["a.nii.gz", "-o", "s3://bucket/out"], "must be a path on disk"),
    ],
)
def test_what_means_nothing_is_refused_at_once(folder, run_medzoo, arguments, message):
    found = run_medzoo("explain", folder, *arguments)

    assert found.returncode == 2
    assert message in found.stderr


def test_an_unknown_model_is_refused(run_medzoo):
    found = run_medzoo("explain", "ixi_age_resne", "a.nii.gz")

    assert found.returncode == 2
    assert "ixi_age_resnet" in found.stderr
