"""Explanations of results: a job of their own, with a map, regions and a report."""

import csv
import html
import io
import json

import numpy as np
import pytest

from medzoo.io import read
from medzoo.spatial import orient
from medzoo.spatial.doubt import MAP, REGIONS

pytestmark = pytest.mark.extended


@pytest.fixture(scope="module")
def explained(running, head):
    """A visitor, a job with two results, and the explanation of the number."""
    from tests.serve.conftest import Visitor

    visitor = Visitor(running.app, running.server.token)
    scan = visitor.upload(head, "sub-01.nii.gz").json()
    job = visitor.start(["tiny_age", "tiny_tissue"], t1=scan["id"]).json()
    assert visitor.wait(job).job["state"] == "done"
    asked = visitor.post(f"/jobs/{job['id']}/models/tiny_age/explanation")
    assert asked.status_code == 202, asked.text
    yield visitor, job["id"], visitor.wait(asked.json(), 500)
    visitor.delete("/session")


def test_it_runs_as_a_job_that_says_what_it_explains(explained):
    _, of, found = explained
    job = found.job
    shares = [one["progress"]["share"] for one in found.seen if one["progress"]]
    stages = {one["progress"]["stage"] for one in found.seen if one["progress"]}

    assert (job["state"], job["explains"], job["models"]) == ("done", of, ["tiny_age"])
    assert shares == sorted(shares)
    assert "regions" in stages
    record = job["results"]["tiny_age"]
    assert record["model"] == "tiny_age@1.2"
    told = record["explanation"]
    # Of an untrained network with instance normalisation the quadrature lacks much; the
    # map's integral is what it found, but for the way into the scan's own space.
    found = told["answer"] - told["baseline_answer"] - told["gap"]
    assert told["integral"] == pytest.approx(found, rel=0.2, abs=0.02)


def test_its_warnings_say_what_they_are_about(explained):
    visitor, of, found = explained
    record = found.job["results"]["tiny_age"]
    result = visitor.get(f"/jobs/{of}").json()["results"]["tiny_age"]
    # Without a warning neither, and without a kind no kinds.
    texts = record.get("warnings", ())
    about = record.get("warning_kinds", [None] * len(texts))
    kinds = dict(zip(texts, about, strict=True))

    assert not {"warnings", "warning_kinds"} & record["explanation"].keys()
    assert set(result.get("warnings", ())) <= kinds.keys()
    root = f"/jobs/{found.job['id']}/models/tiny_age"
    view = html.unescape(visitor.get(f"{root}/view.html").text)
    report = html.unescape(visitor.get(f"{root}/report.html").text)
    # Whether the steps are too few for this untrained network differs by chance;
    # tests/reporting has each kind.
    for text, kind in kinds.items():
        about = kind if kind in (MAP, REGIONS) else "scan"
        assert f"Warning about the {about}: {text}" in view
        assert f"Warning about the {about}: {text}" in report


def test_its_table_has_the_effect_of_each_region(explained):
    visitor, _, found = explained
    key = found.job["id"]
    rows = list(
        csv.DictReader(io.StringIO(visitor.get(f"/jobs/{key}/results.csv").text))
    )
    regions = found.job["results"]["tiny_age"]["explanation"]["regions"]

    assert {row["quantity"]: float(row["value"]) for row in rows} == {
        region["region"]: region["effect"] for region in regions
    }
    assert {row["unit"] for row in rows} == {"years"}


def test_the_map_lies_on_the_scan_and_the_viewers_draw_it(explained, head, tmp_path):
    visitor, _, found = explained
    root = f"/jobs/{found.job['id']}/models/tiny_age"
    files = {}
    for name in ("map", "heat", "scan"):
        answer = visitor.get(f"{root}/{name}.nii.gz")
        (tmp_path / f"{name}.nii.gz").write_bytes(answer.content)
        files[name] = read(tmp_path / f"{name}.nii.gz")
    scan = read(head)

    assert files["map"].shape == scan.shape
    np.testing.assert_allclose(files["map"].affine, scan.affine, atol=1e-5)
    density = orient(files["map"], "RAS").array
    level = files["heat"].array.astype(int)
    strong = np.abs(level) > 1
    assert strong.any()
    np.testing.assert_array_equal(np.sign(level[strong]), np.sign(density[strong]))
    view = visitor.get(f"{root}/view.html").text
    assert "data-heat=" in view
    assert "Opacity of the map" in view
    assert "<script" not in view
    report = visitor.get(f"{root}/report.html")
    assert "Explanation of the prediction" in report.text
    assert "_explained.html" in report.headers["content-disposition"]


def test_nothing_of_the_server_is_told(explained, running):
    visitor, _, found = explained
    root = f"/jobs/{found.job['id']}/models/tiny_age"
    texts = [json.dumps(found.job)]
    texts += [visitor.get(f"{root}/{f}").text for f in ("view.html", "report.html")]

    for text in texts:
        assert running.server.sessions.folder.name not in text


@pytest.mark.parametrize(
    ("model", "said"),
    [("tiny_tissue", "value or a class"), ("tiny_sex", "a job without one")],
)
def test_what_cannot_be_explained_says_why(explained, model, said, error_of):
    visitor, of, _ = explained
    answer = visitor.post(f"/jobs/{of}/models/{model}/explanation")

    assert said in error_of(answer, 400)


def test_an_explanation_is_not_explained_and_others_may_not_ask(
    explained, visit, error_of
):
    visitor, of, found = explained
    again = visitor.post(f"/jobs/{found.job['id']}/models/tiny_age/explanation")
    assert "a job without one" in error_of(again, 400)
    error_of(visit().post(f"/jobs/{of}/models/tiny_age/explanation"), 404)


def test_one_that_runs_is_cancelled_and_goes_with_its_result(explained, running):
    visitor, of, _ = explained
    asked = visitor.post(f"/jobs/{of}/models/tiny_age/explanation").json()
    visitor.delete(f"/jobs/{asked['id']}")
    assert visitor.wait(asked).job["state"] == "cancelled"
    folder = running.server.sessions.find(visitor.secret).folder
    assert list(folder.glob("job-*/tiny_age/map.nii.gz"))

    visitor.delete(f"/jobs/{of}")
    assert visitor.get("/session").json()["jobs"] == []
    assert list(folder.glob("job-*/*/*")) == []
