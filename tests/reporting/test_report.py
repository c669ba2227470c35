"""`medzoo.report` and `medzoo predict --report`, on a tiny trained model."""

import json

import pytest

import medzoo
from medzoo.batch.predictor import Predictor
from medzoo.cli.main import main
from medzoo.errors import InputError
from medzoo.io import write
from tests.reporting.page import Page


@pytest.fixture(scope="module")
def model(tiny_age):
    return medzoo.load(tiny_age)


@pytest.fixture(scope="module")
def scan(tmp_path_factory, head_phantom):
    path = tmp_path_factory.mktemp("Doe") / "head.nii.gz"
    return write(head_phantom(6.0), path)


def read(path):
    return Page(path.read_text(encoding="utf-8"))


def test_command_writes_a_report_of_good_and_bad_cases(
    tmp_path, tiny_age, scan, capsys
):
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"no scan")
    out = tmp_path / "out.html"
    code = main(
        ["predict", str(tiny_age), str(scan), str(bad), "--json", "--report", str(out)]
    )
    assert code == 1
    good, failed = json.loads(capsys.readouterr().out)
    page = read(out)
    rows = {row[1]: row for row in page.rows[1:3]}
    assert rows["head"][2] == f"{good['value']:.1f}"
    assert rows["bad"][-1] == failed["error"].replace(str(bad), "[t1]")
    assert "Doe" not in page.source
    assert str(tmp_path) not in page.source
    digest = json.loads((tiny_age / "recipe.json").read_text())["weights"]["sha256"]
    assert f"{digest} (verified in this run)" in page.text


def test_command_refuses_a_report_of_another_kind_before_any_work(
    tmp_path, tiny_age, scan, capsys
):
    code = main(["predict", str(tiny_age), str(scan), "--report", "a.pdf"])
    assert code == 2
    assert "Let its name end in .html" in capsys.readouterr().err


def test_report_predicts_what_the_model_does(tmp_path, tiny_age, model, scan):
    path = medzoo.report(tiny_age, [scan], tmp_path / "a.html")
    assert path == tmp_path / "a.html"
    page = read(path)
    assert f"{model.predict_volume(scan).value:.1f} years" in page.text
    assert "Bars: age of the 40 cases" in page.text
    assert "(verified when it was loaded)" in page.text


def test_report_of_a_model_in_memory_and_of_predictions_made_before(
    tmp_path, model, head_phantom
):
    volume = head_phantom(6.0)
    found = model.predict_volume(volume)
    made_up = type(found)(**{**vars(found), "value": 12.3, "interval": None})
    path = medzoo.report(model, volume, tmp_path / "a.html", predictions=made_up)
    page = read(path)
    assert "12.3 years" in page.text
    assert "scan-1" in page.text
    assert "may have been trained further" in page.text
    # Not of the zoo: nothing is known of the cases that it was trained on.
    assert "Bars" not in page.text


def test_images_may_be_given_in_many_ways(tmp_path, model, scan, head_phantom):
    volume = head_phantom(8.0)
    table = tmp_path / "cases.csv"
    table.write_text(f"case_id,t1\nfirst,{scan}\n")
    for images, names in (
        (scan, ["head"]),
        ({"t1": volume}, ["scan-1"]),
        ([scan, volume], ["head", "scan-2"]),
        ({"a": scan, "b": {"t1": volume}}, ["a", "b"]),
        (table, ["first"]),
    ):
        page = read(medzoo.report(model, images, tmp_path / "a.html"))
        tag = "h2" if len(names) == 1 else "summary"
        for name in names:
            assert f"<{tag}>{name}</{tag}>" in page.source


def test_a_case_that_fails_stands_in_the_report(tmp_path, model, scan):
    missing = tmp_path / "gone.nii.gz"
    page = read(medzoo.report(model, [scan, missing], tmp_path / "a.html"))
    assert page.rows[2][1] == "gone"
    assert "[t1]" in page.rows[2][-1]
    assert str(tmp_path) not in page.source


@pytest.mark.parametrize(
    ("images", "predictions", "message"),
    [
        (["a.nii", "b/a.nii"], None, "differ"),
        ({"a/b": "a.nii"}, None, "case_id"),
        (["a.nii"], [], "one prediction a case"),
    ],
)
def test_wrong_use_is_refused(tmp_path, model, images, predictions, message):
    with pytest.raises(InputError, match=message):
        medzoo.report(model, images, tmp_path / "a.html", predictions=predictions)
    assert not (tmp_path / "a.html").exists()


def test_case_done_in_an_earlier_run_is_shown_from_its_files(
    tmp_path, recipe_of, case_of, head_phantom
):
    from medzoo.reporting.sheet import ReportSheet

    recipe = recipe_of("segmentation")
    case, found = case_of(recipe)
    labels = write(found.labels, tmp_path / "labels.nii.gz")
    told = {"warnings": ["dim", "odd"], "warning_kinds": [None, "image"]}
    record = {**found.to_dict(), "output": str(labels), **told}
    sheet = ReportSheet(tmp_path / "a.html", recipe)
    sheet.earlier("a", {"t1": "a.nii"}, case.volume, record)
    page = read(sheet.write())
    assert "700.0 ml" in page.text
    assert "Warning: dim" in page.text
    assert "Doubtful (kind of image)" in page.text
    assert "predicted in an earlier run" in page.text
    assert set(page.voxels("labels").ravel()) == {0, 1, 2}


def test_results_hold_what_a_report_shows(tiny_age, tmp_path, scan):
    from medzoo.data.cases.case import Case

    cases = [Case("a", {"t1": scan}), Case("b", {"t1": tmp_path / "no.nii"})]
    good, bad = Predictor(tiny_age).results(cases, scans=True)
    assert good.scan.shape == medzoo.read(scan).shape
    assert good.x.shape == (8, 8, 8)
    assert good.prediction.task == "regression"
    assert (good.record["case_id"], bad.record["case_id"]) == ("a", "b")
    assert "no.nii" in bad.record["error"]
    assert bad.prediction is None
    (plain,) = Predictor(tiny_age).results(cases[:1])
    assert (plain.record, plain.scan, plain.x) == (good.record, None, None)
