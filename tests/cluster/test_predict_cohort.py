"""A cohort on a cluster, without one: what is told of cases that have no result."""

from types import SimpleNamespace

import pytest

from medzoo.batch.status_parts import all_lines
from medzoo.cluster.predict import Cohort, CohortRun
from medzoo.cluster.worker import Item, Job, Worker
from medzoo.data.cases.case import Case
from medzoo.errors import InputError

pytest.importorskip("pyarrow")
CASE = Case("sub-02", {"t1": "a.nii.gz"})


def predictor_of(name="age", version="1.0"):
    facts = {"name": name, "version": version, "task": "regression"}
    weights = {"sha256": "0" * 64}
    recipe = SimpleNamespace(
        name=name, version=version, weights=weights, to_dict=lambda: facts
    )
    return SimpleNamespace(recipe=recipe, files=None, options={})


class Listening:
    """Keeps what it is told."""

    def __init__(self):
        self.records = []

    def begin(self, models, cases):
        self.cases = cases

    def result(self, model, result):
        self.records.append((model, result.record))


def test_a_case_without_a_result_has_a_line_with_time_and_maker(tmp_path, monkeypatch):
    run = CohortRun(predictor_of(), tmp_path, [CASE], {"sub-01": "Two scans."})
    cohort = Cohort([run], SimpleNamespace(write=lambda: None))
    crew = SimpleNamespace(
        results=lambda chunks: [(chunk, None, "killed") for chunk in chunks],
        close=lambda: None,
    )
    monkeypatch.setattr("medzoo.cluster.predict.Crew", lambda *arguments: crew)
    ray = SimpleNamespace(cluster_resources=lambda: {"CPU": 1})
    listening = Listening()
    records = cohort.run(SimpleNamespace(threads=1), ray, listening)

    assert [record["case_id"] for record in records] == ["sub-01", "sub-02"]
    assert [case.case_id for case in listening.cases] == ["sub-01", "sub-02"]
    assert listening.records == [("age", record) for record in records]
    lines = [line for line in all_lines(tmp_path) if "case_id" in line]
    assert ["error" in line for line in lines] == [True, True]
    assert all(line["time"] > 1e9 for line in all_lines(tmp_path))
    assert {line["made_by"]["model"] for line in lines} == {"age@1.0"}
    again = CohortRun(predictor_of(version="1.1"), tmp_path, [CASE])
    with monkeypatch.context() as patched:
        patched.setattr("medzoo.cluster.predict.PartLog", _Closed)
        again.open(SimpleNamespace(enter_context=lambda entered: entered), None)
    assert again.lines == {}


def test_a_place_that_is_refused_in_a_worker_is_a_line_too(tmp_path, monkeypatch):
    def refused(*arguments, **options):
        assert options["inputs"] == ("b.nii.gz",)
        raise InputError("A place must be free.")

    monkeypatch.setattr("medzoo.cluster.worker.output_of", refused)
    worker = Worker.__new__(Worker)
    worker.predictors = [predictor_of()]
    worker.job = Job((), ((), {}), (tmp_path,), inputs=("b.nii.gz",))
    (line,) = worker.do([Item(0, CASE)])
    assert line["error"] == "A place must be free."
    assert line["time"] > 1e9
    assert line["made_by"]["model"] == "age@1.0"


def test_workers_know_of_inputs_that_lie_where_results_go(tmp_path):
    store = CohortRun(predictor_of(), "s3://b/out", [])
    folder = CohortRun(predictor_of(), tmp_path, [])
    inside = [tmp_path / "a.nii.gz", "s3a://b/out/b.nii.gz"]
    inputs = [*inside, tmp_path / "in" / "a.nii.gz", "s3://b/in/a.nii.gz"]
    assert list(Cohort([store, folder], None, inputs).inputs) == inside


class _Closed:
    def __init__(self, *arguments):
        pass

    def __enter__(self):
        return self
