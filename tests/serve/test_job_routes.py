"""Jobs: models on scans, from the request to files that read back."""

import csv
import io
import json
import time

import numpy as np
import pytest

from medzoo.io import read
from medzoo.serve.api_types import JobInfo
from medzoo.spatial import orient

NAMES = ["tiny_age", "tiny_tissue"]


@pytest.fixture(scope="module")
def finished(running, head):
    """A visitor whose job on both kinds of models has ended, and the job."""
    from tests.serve.conftest import Visitor

    visitor = Visitor(running.app, running.server.token)
    scan = visitor.upload(head, "sub-01 <b>T1.nii.gz").json()
    started = visitor.start(NAMES, t1=scan["id"])
    assert started.status_code == 202, started.text
    yield visitor, visitor.wait(started.json())
    visitor.delete("/session")


def test_progress_never_goes_back_and_results_come(finished):
    _, found = finished
    shares = [one["progress"]["share"] for one in found.seen if one["progress"]]

    assert found.job["state"] == "done"
    assert set(found.job) == set(JobInfo.__dataclass_fields__)
    assert shares == sorted(shares)
    assert list(found.job["results"]) == NAMES
    assert found.job["case_id"] == "sub-01__b_T1"
    age, tissue = (found.job["results"][name] for name in NAMES)
    assert age["unit"] == "years"
    assert age["interval"][0] < age["value"] < age["interval"][1]
    assert set(tissue["volumes_ml"]) == {"grey matter", "white matter"}


def test_the_answer_is_what_predict_gives(finished, models, head):
    from medzoo.batch.predict import predict

    _, found = finished
    (record,) = predict(models["tiny_age"], head)

    assert found.job["results"]["tiny_age"]["value"] == record["value"]


def test_the_label_map_is_in_the_space_of_the_scan(finished, head, tmp_path):
    visitor, found = finished
    root = f"/jobs/{found.job['id']}/models/tiny_tissue"
    answer = visitor.get(f"{root}/image.nii.gz")
    path = tmp_path / "labels.nii.gz"
    path.write_bytes(answer.content)
    labels, scan = read(path), read(head)

    assert "sub-01__b_T1_tiny_tissue.nii.gz" in answer.headers["content-disposition"]
    np.testing.assert_allclose(labels.affine, scan.affine)
    assert labels.shape == scan.shape
    assert set(np.unique(labels.array)) <= {0, 1, 2}


def test_the_3d_viewer_draws_what_the_files_hold(finished, head, tmp_path):
    visitor, found = finished
    files = {}
    for name in ("scan", "labels", "image"):
        root = f"/jobs/{found.job['id']}/models/tiny_tissue"
        answer = visitor.get(f"{root}/{name}.nii.gz")
        assert answer.status_code == 200
        (tmp_path / f"{name}.nii.gz").write_bytes(answer.content)
        files[name] = orient(read(tmp_path / f"{name}.nii.gz"), "RAS")
    scan = orient(read(head), "RAS")

    assert files["scan"].array.dtype == np.uint8
    np.testing.assert_allclose(files["scan"].affine, scan.affine, atol=1e-4)
    assert np.corrcoef(files["scan"].array.ravel(), scan.array.ravel())[0, 1] > 0.9
    np.testing.assert_array_equal(files["labels"].array, files["image"].array)
    np.testing.assert_allclose(files["labels"].affine, scan.affine, atol=1e-4)
    # A number has nothing to lay over the scan.
    root = f"/jobs/{found.job['id']}/models/tiny_age"
    assert visitor.get(f"{root}/scan.nii.gz").status_code == 200
    assert visitor.get(f"{root}/labels.nii.gz").status_code == 404


def test_the_numbers_are_a_table(finished):
    visitor, found = finished
    root = f"/jobs/{found.job['id']}"
    rows = list(csv.DictReader(io.StringIO(visitor.get(f"{root}/results.csv").text)))
    records = visitor.get(f"{root}/results.json").json()

    assert {row["model"] for row in rows} == {"tiny_age@1.2", "tiny_tissue@1.2"}
    value = next(row for row in rows if row["quantity"] == "value")
    assert float(value["value"]) == found.job["results"]["tiny_age"]["value"]
    assert value["unit"] == "years"
    assert {"case_id", "value", "interval"} <= set(records[0])
    assert not {"files", "table"} & set(records[0])


def test_the_report_runs_nothing_of_the_page(finished):
    visitor, found = finished
    root = f"/jobs/{found.job['id']}/models/tiny_age"
    report = visitor.get(f"{root}/report.html")

    assert report.text.startswith("<!DOCTYPE html>")
    assert "attachment" in report.headers["content-disposition"]
    assert report.headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize("name", NAMES)
def test_no_file_and_no_answer_tells_a_path_of_the_server(finished, name, running):
    visitor, found = finished
    folder = running.server.sessions.folder
    texts = [json.dumps(found.job)]
    for file in ("report.html", "view.html"):
        root = f"/jobs/{found.job['id']}/models/{name}"
        texts.append(visitor.get(f"{root}/{file}").text)

    for text in texts:
        assert folder.name not in text
        assert "<b>T1" not in text


def test_the_view_has_the_viewer_and_a_legend(finished):
    visitor, found = finished
    root = f"/jobs/{found.job['id']}/models"
    tissue = visitor.get(f"{root}/tiny_tissue/view.html").text
    age = visitor.get(f"{root}/tiny_age/view.html").text

    assert tissue.index('class="viewer"') < tissue.index("grey matter")
    assert age.index('class="headline"') < age.index('class="viewer"')
    assert "<script" not in tissue + age


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/0123456789abcdef",
        "/jobs/{job}/models/tiny_age/image.nii.gz",
        "/jobs/{job}/models/other/report.html",
        "/jobs/{job}/models/tiny_age/..%2F..%2Freport.html",
        "/jobs/{job}/models/..%2F..%2F/report.html",
        "/jobs/..%2F..%2Fetc/results.csv",
    ],
)
def test_what_is_not_there_is_404(finished, path, error_of):
    visitor, found = finished

    error_of(visitor.get(path.format(job=found.job["id"])), 404)


def test_sessions_do_not_see_each_other(finished, visit, error_of):
    owner, found = finished
    other = visit()
    scan = owner.get("/session").json()["scans"][0]["id"]
    root = f"/jobs/{found.job['id']}"

    for path in ("", "/results.csv", "/models/tiny_age/report.html"):
        error_of(other.get(root + path), 404)
    error_of(other.delete(root), 404)
    error_of(other.delete(f"/scans/{scan}"), 404)
    assert "this session" in error_of(other.start(["tiny_age"], t1=scan), 400)
    assert other.get("/session").json()["scans"] == []
    assert owner.get(root).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"models": []}, "one model or more"),
        ({"models": ["tiny_age", "tiny_age"]}, "each once"),
        ({"models": ["../../etc"]}, "models of this server"),
        ({"channels": {"flair": "scan"}}, "needs the channel t1"),
        ({"channels": {}}, "no scan"),
        ({"age": 400, "sex": "F"}, "from 0 to 120"),
        ({"age": 40, "sex": "<b>"}, "female or male"),
    ],
)
def test_what_cannot_run_is_refused_at_once(visitor, head, wanted, said, error_of):
    scan = visitor.upload(head).json()["id"]
    job = {"models": ["tiny_age"], "channels": {"t1": scan}, **wanted}
    job["channels"] = dict.fromkeys(job["channels"], scan)

    assert said in error_of(visitor.post("/jobs", json=job), 400)


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"models": 3}'])
def test_a_malformed_request_is_a_sentence(visitor, body, error_of):
    headers = {"Content-Type": "application/json"}

    error_of(visitor.post("/jobs", content=body, headers=headers), 422)


def test_one_model_that_fails_does_not_stop_the_other(visitor, tmp_path, running):
    import nibabel

    flat = nibabel.Nifti1Image(
        np.zeros((12, 12, 12), np.float32), np.diag([9, 9, 9, 1])
    )
    nibabel.save(flat, tmp_path / "flat.nii.gz")
    scan = visitor.upload(tmp_path / "flat.nii.gz").json()["id"]
    folder = tmp_path / "gone"
    models = dict(running.server.models)
    broken = type(models["tiny_age"])(
        str(folder), folder, models["tiny_age"].recipe, None
    )
    running.server.models["tiny_age"] = broken
    try:
        started = visitor.start(["tiny_age", "tiny_sex"], t1=scan).json()
        found = visitor.wait(started).job["results"]
    finally:
        running.server.models.update(models)

    assert "error" in found["tiny_age"]
    assert "[file]" in found["tiny_age"]["error"]
    assert "label" in found["tiny_sex"]


def test_a_job_that_waits_is_cancelled_at_once(visitor, head):
    scan = visitor.upload(head).json()["id"]
    jobs = [visitor.start(NAMES, t1=scan).json() for _ in range(3)]
    assert visitor.delete(f"/jobs/{jobs[2]['id']}").status_code == 204

    assert visitor.get(f"/jobs/{jobs[2]['id']}").json()["state"] == "cancelled"
    assert visitor.wait(jobs[1]).job["state"] == "done"
    assert visitor.wait(jobs[0]).job["state"] == "done"


def test_jobs_of_all_sessions_wait_their_turn(visit, head):
    one, two = visit(), visit()
    mine, theirs = (v.upload(head).json()["id"] for v in (one, two))
    first = [one.start(NAMES, t1=mine).json() for _ in range(4)]
    second = two.start(NAMES, t1=theirs).json()

    assert second["state"] == "queued"
    assert second["ahead"] >= 1
    assert two.wait(second).job["state"] == "done"
    # Whoever came first was served first.
    for job in first:
        assert one.get(f"/jobs/{job['id']}").json()["state"] == "done"


def test_results_that_are_removed_are_gone(visitor, head, running, error_of):
    scan = visitor.upload(head).json()["id"]
    job = visitor.wait(visitor.start(["tiny_age"], t1=scan).json()).job
    assert list(running.server.sessions.folder.rglob("report.html"))
    assert visitor.delete(f"/jobs/{job['id']}").status_code == 204

    error_of(visitor.get(f"/jobs/{job['id']}"), 404)
    found = running.server.sessions.folder.rglob(f"job-{job['id']}")
    assert list(found) == []


def test_a_session_that_ends_takes_its_running_job_with_it(visit, head, running):
    visitor = visit()
    scan = visitor.upload(head).json()["id"]
    for _ in range(2):
        visitor.start(NAMES, t1=scan)
    session = running.server.sessions.find(visitor.secret)
    assert visitor.delete("/session").status_code == 204
    assert visitor.get("/session").status_code == 403
    deadline = time.monotonic() + 60
    while not all(job.ended for job in session.jobs.values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    time.sleep(0.3)
    assert not session.folder.exists()
