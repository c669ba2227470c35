"""`medzoo predict` and `evaluate` on a small trained model, as a user runs them."""

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from medzoo.batch.input_cases import case_name, cases_of
from medzoo.batch.predict import predict
from medzoo.errors import IntegrityError
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.metrics_file import write_metrics
from medzoo.io import write
from medzoo.zoo.load import load
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import read_recipe
from tests.conftest import ENGINES, without_engines

CHECKOUT = Path(__file__).parents[2]


def in_a_process(*arguments):
    """The command in a process of its own, whatever TensorFlow prints there."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "medzoo", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_json_is_one_list_and_stderr_is_silent(model_folder, scan):
    done = in_a_process("predict", model_folder, scan, "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    (record,) = json.loads(done.stdout)
    assert record["case_id"] == "head"
    assert record["unit"] == "years"
    low, high = record["interval"]
    assert (low, high) == pytest.approx((record["value"] - 8, record["value"] + 8))
    assert record["value"] == pytest.approx(
        load(model_folder).predict_volume(scan).value, abs=1e-3
    )


def damaged(kind, folder, scan):
    packed = scan.read_bytes()
    middle = len(packed) // 2
    flipped = bytes([packed[middle] ^ 4])
    content = {
        "empty": b"",
        "text": b"not an image\n" * 100,
        "truncated gz": packed[:middle],
        "flipped bit": packed[:middle] + flipped + packed[middle + 1 :],
        "truncated raw": gzip.decompress(packed)[:-1000],
        "nan voxels": nifti(np.full((8, 8, 8), np.nan)),
        "several volumes": nifti(np.ones((8, 8, 8, 3))),
        "nan affine": nan_affine(nifti(np.ones((8, 8, 8)))),
    }
    path = folder / "bad.nii"
    if kind in content:
        if content[kind][:2] == packed[:2]:
            path = folder / "bad.nii.gz"
        path.write_bytes(content[kind])
    return path


def nifti(array):
    return nib.Nifti1Image(array.astype(np.float32), np.eye(4)).to_bytes()


def nan_affine(content):
    content = bytearray(content)
    # srow_x, the first row of the sform.
    content[280:296] = np.full(4, np.nan, "<f4").tobytes()
    return bytes(content)


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "empty",
        "text",
        "truncated gz",
        "truncated raw",
        "flipped bit",
        "nan voxels",
        "several volumes",
        "nan affine",
    ],
)
def test_bad_scan_is_one_line_exit_2_and_no_file(
    tmp_path, kind, model_folder, scan, run_medzoo
):
    path = damaged(kind, tmp_path, scan)
    out = tmp_path / "out.csv"
    done = run_medzoo("predict", model_folder, path, "-o", out)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("medzoo: error: ")
    assert "bad" in line
    assert not out.exists()


def test_bad_scan_is_refused_without_keras(tmp_path, model_folder, scan):
    arguments = ["predict", str(model_folder), str(tmp_path / "no.nii")]
    code = (
        f"import sys; from medzoo.cli.main import main; code = main({arguments!r});"
        "sys.exit(10 * code + ('keras' in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=False
    )
    assert done.returncode == 20


def test_json_of_failed_cases_alone_is_still_a_list(tmp_path, model_folder, run_medzoo):
    paths = [tmp_path / "a.nii", tmp_path / "b.nii"]
    done = run_medzoo("predict", model_folder, *paths, "--json")
    assert done.returncode == 2
    records = json.loads(done.stdout)
    assert [sorted(record) for record in records] == [["case_id", "error"]] * 2
    assert len(done.stderr.splitlines()) == 2


def without_weights(recipe):
    recipe["weights"] = None


def of_other_topology(recipe):
    recipe["architecture"]["arguments"]["filters"] = [4, 12]


@pytest.mark.parametrize("edit", [without_weights, of_other_topology])
def test_broken_model_is_one_line_not_a_fault_of_each_case(
    changed_model, edit, scan, run_medzoo, tmp_path
):
    table = tmp_path / "cases.csv"
    table.write_text(f"case_id,t1\na,{scan}\nb,{scan}\n")
    folder = changed_model(edit)
    with pytest.raises(IntegrityError, match="eights"):
        predict(folder, table)
    done = run_medzoo("predict", folder, "--cases", table, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_absurd_intensities_do_not_stop_the_other_cases(
    tmp_path, changed_model, scan, head_phantom
):
    def edit(recipe):
        grid = {"shape": [8, 8, 8], "spacing": 16.0, "centre": [0, -18, 6]}
        contrast = {"atlas": "ixi_t1_4mm", "probability": 0.5}
        contrast.update(lowest=0.77, highest=0.85)
        recipe["preprocessing"]["spatial"] = [
            {"step": "sample", "arguments": grid},
            {"step": "limit_contrast", "arguments": contrast},
        ]

    head = head_phantom(spacing=6.0)
    # Subnormal numbers beside zeros: one over them is infinite, times zero no number.
    array = head.array * np.float32(1e-42)
    array[: array.shape[0] // 2] = 0
    write(head.with_array(array), tmp_path / "faint.nii.gz")
    faint, good = predict(changed_model(edit), [tmp_path / "faint.nii.gz", scan])
    assert np.isfinite(good["value"])
    assert "error" in faint or np.isfinite(faint["value"])


def test_threads_are_limited_before_the_libraries_start():
    code = (
        "from medzoo.zoo.quiet_keras import limit_threads; limit_threads(1)\n"
        "import SimpleITK, os\n"
        "print(SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads(),"
        " os.environ['TF_NUM_INTRAOP_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"1", b"1"]


def test_one_bad_case_does_not_stop_the_others(
    tmp_path, model_folder, scan, run_medzoo
):
    table = tmp_path / "cases.csv"
    table.write_text(f"case_id,t1\na,{scan}\nb,{tmp_path / 'none.nii.gz'}\nc,{scan}\n")
    out = tmp_path / "out.csv"
    done = run_medzoo("predict", model_folder, "--cases", table, "--json", "-o", out)
    assert done.returncode == 1
    records = json.loads(done.stdout)
    assert [r["case_id"] for r in records] == ["a", "b", "c"]
    assert "error" in records[1]
    assert records[0]["value"] == records[2]["value"]
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["value"] == "" for row in rows] == [False, True, False]
    assert float(rows[0]["interval_low"]) == records[0]["interval"][0]


def test_wrong_channel_is_refused(model_folder, scan, run_medzoo):
    done = run_medzoo("predict", model_folder, "--channel", f"flair={scan}")
    assert done.returncode == 2
    assert "Channels of this model are t1" in done.stderr
    assert "channels=flair" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_constant_image_never_gives_nan(tmp_path, model_folder, head_phantom):
    head = head_phantom(spacing=8.0)
    write(head.with_array(np.full(head.shape, 7.0, np.float32)), tmp_path / "c.nii.gz")
    (record,) = predict(model_folder, [tmp_path / "c.nii.gz"])
    assert "error" in record or np.isfinite(record["value"])


def test_output_must_be_a_table(tmp_path, model_folder, scan, run_medzoo):
    done = run_medzoo("predict", model_folder, scan, "-o", tmp_path / "out.nii.gz")
    assert done.returncode == 2
    assert ".csv" in done.stderr


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/sub-01_T1w.nii.gz", "sub-01_T1w"), ("x.y.nrrd", "x.y"), ("é b.mha", "__b")],
)
def test_case_names_are_file_names_without_suffixes(path, name):
    assert case_name(path) == name


def test_images_of_one_name_are_refused():
    with pytest.raises(ValueError, match="both case head"):
        cases_of(["a/head.nii", "b/head.nii.gz"], [{"name": "t1", "required": True}])


def test_evaluate_measures_labelled_cases_alone(tmp_path, model_folder, scan, capsys):
    table = tmp_path / "cases.csv"
    table.write_text(f"case_id,t1,age\na,{scan},30\nb,{scan},50\nc,{scan},\n")
    found = evaluate(model_folder, table)
    assert "1 cases without age are left out" in capsys.readouterr().err
    value = load(model_folder).predict_volume(scan).value
    wanted = (abs(value - 30) + abs(value - 50)) / 2
    assert found["metrics"]["mean_absolute_error"]["value"] == pytest.approx(
        wanted, abs=1e-3
    )
    assert found["metrics"]["mean_absolute_error"]["n"] == 2


@pytest.fixture(scope="module")
def cross_validated(tmp_path_factory, model_folder):
    """A copy of the model with a cross-validation of 40 cases in 4 folds."""
    folder = tmp_path_factory.mktemp("cross_validated") / "tiny_age"
    shutil.copytree(model_folder, folder)
    generator = np.random.default_rng(0)
    lines = ["case_id,fold,target,prediction,low,high"]
    for number in range(40):
        value = 20 + 1.5 * number + generator.normal(0, 4)
        lines.append(
            f"c{number},{number % 4},{20 + 1.5 * number},{value:.4f},"
            f"{value - 6:.4f},{value + 6:.4f}"
        )
    (folder / "out_of_fold.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def out_of_fold(cross_validated):
    """Its metrics, measured once; other engines in tests/evaluation."""
    with without_engines():
        return evaluate(cross_validated, out_of_fold=True)


def test_out_of_fold_is_measured_beside_baselines(cross_validated, out_of_fold):
    found = out_of_fold
    with (cross_validated / "out_of_fold.csv").open() as file:
        rows = list(csv.DictReader(file))
    error = np.mean([abs(float(r["target"]) - float(r["prediction"])) for r in rows])
    assert found["metrics"]["mean_absolute_error"]["value"] == pytest.approx(
        error, abs=1e-4
    )
    assert found["baselines"]["mean"]["mean_absolute_error"]["value"] > 3 * error
    assert len(found["groups"]) == 3
    assert found["cost"]["seconds_per_scan"] > 0
    assert found["engines"] == ENGINES


def test_metrics_file_keeps_other_data_when_refreshed(
    cross_validated, out_of_fold, scan, tmp_path
):
    recipe = read_recipe(cross_validated)
    path = cross_validated / "metrics.json"
    write_metrics(path, out_of_fold, recipe)
    table = tmp_path / "other.csv"
    table.write_text(f"case_id,t1,age\na,{scan},30\nb,{scan},50\n")
    other = evaluate(cross_validated, table)
    write_metrics(path, other, recipe, external="Other scanner")
    write_metrics(path, out_of_fold, recipe)
    kept = read_metrics(cross_validated, recipe)
    assert [entry["data"] for entry in kept["external"]] == ["Other scanner"]
    assert kept["metrics"]["mean_absolute_error"]["n"] == 40


def test_without_cross_validation_there_is_one_clear_line(model_folder, run_medzoo):
    done = run_medzoo("evaluate", model_folder, "--out-of-fold")
    assert done.returncode == 2
    assert "no cross-validation" in done.stderr
    assert len(done.stderr.splitlines()) == 1
