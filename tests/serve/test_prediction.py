"""The models of the zoo behind the page: the age model, and a job cancelled midway."""

import time
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from medzoo.batch.predict import predict
from medzoo.io import write
from medzoo.serve.app import make_app
from medzoo.serve.server import make_server
from tests.serve.conftest import ADDRESS, Visitor

pytestmark = pytest.mark.extended

AGE, TISSUE = "ixi_age_resnet", "mrbrains_tissue_unet"


@pytest.fixture(scope="module")
def zoo():
    """A visitor of a server with two models of the zoo, and the server."""
    server = make_server([AGE, TISSUE])
    app = make_app(server)
    with TestClient(app, base_url=ADDRESS):
        yield SimpleNamespace(visitor=Visitor(app, server.token), server=server)


@pytest.fixture(scope="module")
def whole_head(tmp_path_factory, head_phantom):
    path = tmp_path_factory.mktemp("scans") / "phantom.nii.gz"
    return write(head_phantom(2.0, "LPS", noise=3.0), path)


def test_the_age_is_what_the_command_gives(zoo, whole_head):
    scan = zoo.visitor.upload(whole_head, "phantom.nii.gz").json()
    found = zoo.visitor.wait(zoo.visitor.start([AGE], t1=scan["id"]).json()).job
    (record,) = predict(AGE, whole_head)

    assert found["state"] == "done"
    result = found["results"][AGE]
    assert result["value"] == pytest.approx(record["value"], abs=1e-3)
    assert result["interval"] == pytest.approx(record["interval"], abs=1e-3)
    assert result.get("warnings", []) == record.get("warnings", [])


def test_a_running_job_is_cancelled_soon_and_the_next_one_runs(zoo, whole_head):
    visitor = zoo.visitor
    scan = visitor.upload(whole_head, "phantom.nii.gz").json()["id"]
    job = visitor.start([TISSUE], t1=scan).json()
    stage = None
    while stage != "network":
        found = visitor.get(f"/jobs/{job['id']}").json()
        assert found["state"] in ("queued", "running")
        stage = (found["progress"] or {}).get("stage")
        time.sleep(0.02)
    began = time.monotonic()
    visitor.delete(f"/jobs/{job['id']}")
    found = visitor.wait(job).job

    assert found["state"] == "cancelled"
    assert found["results"] == {}
    assert time.monotonic() - began < 20
    after = visitor.wait(visitor.start([AGE], t1=scan).json()).job
    assert after["state"] == "done"
