"""What `medzoo evaluate` refuses before any work, and what it keeps of a file."""

import json
from types import SimpleNamespace

import pytest

from medzoo.cli.main import main
from medzoo.errors import FileFormatError, InputError, MedzooWarning
from medzoo.evaluation.evaluate import _predicted, evaluate
from medzoo.evaluation.metrics_file import write_metrics
from medzoo.evaluation.tasks import TASKS
from medzoo.zoo.recipe.schema import read_recipe

LINES = [
    "case_id,fold,target,prediction,low,high",
    "a,0,20,24,10,30",
    "b,0,40,41,30,42",
    "c,1,60,57,50,58",
    "d,1,80,80,70,90",
]


@pytest.fixture
def folder(add_model):
    """A model that was cross-validated on four cases; its weights are not needed."""
    path = add_model(weights=None)
    (path / "out_of_fold.csv").write_text("\n".join(LINES) + "\n")
    return path


def error_line(capsys):
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("medzoo: error: ")
    return line


def test_repeatability_belongs_to_no_other_data(tmp_path, capsys):
    with pytest.raises(InputError, match="as_external='OASIS'"):
        evaluate("ixi_age_resnet", "c.csv", repeatability=True, as_external="OASIS")
    command = ["evaluate", "ixi_age_resnet", "--cases", "c.csv", "--repeatability"]
    for further in (["--target", "age"], ["--as-external", "x", "-o", "m.json"]):
        assert main([*command, *further]) == 2
        assert "goes with none of" in capsys.readouterr().err


def test_numbers_of_a_cross_validation_by_hand(folder):
    found = evaluate(folder, out_of_fold=True)
    assert found["metrics"]["mean_absolute_error"]["value"] == 2.0
    assert found["metrics"]["mean_error"]["value"] == 0.5
    assert found["metrics"]["interval_coverage"]["value"] == 0.75
    # Cases of one fold get the mean of the other: 70 for 20 and 40, 30 for 60 and 80.
    assert found["baselines"]["mean"]["mean_absolute_error"]["value"] == 40.0
    assert found["groups"] == {}


def test_command_prints_one_object_and_writes_the_file(folder, capsys):
    out = folder / "metrics.json"
    assert (
        main(["evaluate", str(folder), "--out-of-fold", "--json", "-o", f"{out}"]) == 0
    )
    printed = json.loads(capsys.readouterr().out)
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["metrics"] == printed["metrics"]
    assert written["external"] == []


def test_table_names_metrics_and_baselines(folder, capsys):
    assert main(["evaluate", str(folder), "--out-of-fold"]) == 0
    text = capsys.readouterr().out
    assert "mean_absolute_error" in text
    assert "median baseline" in text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--out-of-fold", "--cases", "c.csv"], "exclude each other"),
        (["--cases", "c.csv", "--as-external", "B"], "--as-external"),
        (["--out-of-fold", "--as-external", "B", "-o", "metrics.json"], "--cases"),
        (["--cost", "--out-of-fold"], "--cost measures"),
        (["--out-of-fold", "-o", "no/such/metrics.json"], "folder of the output"),
    ],
)
def test_contradictions_are_one_line_and_2(folder, arguments, word, capsys):
    assert main(["evaluate", str(folder), *arguments]) == 2
    assert word in error_line(capsys)


def test_other_data_need_a_file_before_any_prediction(folder, tmp_path, capsys):
    # There is no such table: had it been read first, the error would be another.
    arguments = ["--cases", "none.csv", "--as-external", "B"]
    out = str(tmp_path / "metrics.json")
    assert main(["evaluate", str(folder), *arguments, "-o", out]) == 2
    assert "own data first" in error_line(capsys)


def test_new_version_replaces_old_numbers_with_a_warning(folder):
    path = folder / "metrics.json"
    recipe = read_recipe(folder)
    found = evaluate(folder, out_of_fold=True)
    external = [{"data": "B", "metrics": found["metrics"]}]
    old = {**found, "version": "0.9", "external": external}
    path.write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(FileFormatError, match="version"):
        write_metrics(path, found, recipe, external="C")
    with pytest.warns(MedzooWarning, match="dropped"):
        write_metrics(path, found, recipe)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["version"] == recipe.version
    assert written["external"] == []


def test_other_data_leave_the_models_own_numbers(folder):
    path = folder / "metrics.json"
    recipe = read_recipe(folder)
    found = evaluate(folder, out_of_fold=True)
    write_metrics(path, found, recipe)
    other = {**found, "protocol": "else", "metrics": {"mean_error": {"value": 9.0}}}
    # Of scans of another size, on another machine.
    other["cost"] = {"seconds_per_scan": 999.0, "peak_memory_gb": 99.0}
    write_metrics(path, other, recipe, external="B")
    write_metrics(path, other, recipe, external="B")
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["external"] == [{"data": "B", "metrics": other["metrics"]}]
    assert written["metrics"] == found["metrics"]
    assert written["protocol"] == found["protocol"]
    assert written["cost"] == found["cost"]


@pytest.mark.parametrize(("subjects", "n"), [("pppqqq", 2), ("abcdef", 6)])
def test_people_of_a_table_are_drawn_with_all_their_scans(
    folder, tmp_path, monkeypatch, subjects, n
):
    table = tmp_path / "cases.csv"
    rows = [f"c{i},{i}.nii.gz,{who},{20 + i}" for i, who in enumerate(subjects)]
    table.write_text("\n".join(["case_id,t1,subject,age", *rows]) + "\n")
    task = TASKS["regression"](read_recipe(folder).to_dict())
    measured = []

    class Answers:
        def __init__(self, files, threads):
            pass

        def results(self, cases):
            for case in cases:
                record = {"case_id": case.case_id, "value": 30.0}
                yield SimpleNamespace(record=record)

    monkeypatch.setattr("medzoo.evaluation.evaluate.Predictor", Answers)
    monkeypatch.setattr("medzoo.evaluation.evaluate.tell", lambda *given: None)
    monkeypatch.setattr(
        "medzoo.metrics.regression.bootstrap",
        lambda *given, people: measured.append(len(set(people))) or {},
    )
    _predicted(None, task, table, None, None)
    assert set(measured) == {n}


def test_file_of_another_name_takes_no_other_data(folder, tmp_path):
    found = evaluate(folder, out_of_fold=True)
    with pytest.raises(InputError, match="own data first"):
        write_metrics(tmp_path / "x.json", found, read_recipe(folder), external="B")
