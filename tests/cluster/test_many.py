"""What the driver of a cluster costs a case, and how soon it finds 10,000 done ones."""

import time
from pathlib import Path

import pytest

import medzoo
from medzoo.batch.listener import Listener
from medzoo.batch.status_log import writer_name
from medzoo.batch.status_parts import PartLog, all_lines
from medzoo.cluster.crew import Crew
from medzoo.cluster.predict import CHUNK, predict_on_cluster
from tests.cluster.test_predict import cluster  # noqa: F401 - a fixture
from tests.conftest import make_head

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.extended

NEW, DONE = 100, 10_000
# Processor seconds: what else runs on the machine hardly changes them.
MOST_A_CASE, MOST_IN_ALL = 0.05, 20.0
# Records of all cases, which the call returns, and nothing beside them.
MOST_KB_A_CASE = 10


class Memory(Listener):
    """Notes the memory of this process after so many results."""

    def __init__(self):
        self.seen, self.kb = 0, {}

    def result(self, name, result):
        self.seen += 1
        if self.seen in (DONE // 10, DONE):
            status = Path("/proc/self/status").read_text().splitlines()
            (line,) = [one for one in status if one.startswith("VmRSS")]
            self.kb[self.seen] = int(line.split()[1])


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    folder = tmp_path_factory.mktemp("head")
    return medzoo.write(make_head(12.0, noise=1.0, seed=0), folder / "head.nii.gz")


def table_of(folder, head, names):
    path = folder / "cases.csv"
    rows = [f"{name},{head}" for name in names]
    path.write_text("\n".join(["case_id,t1", *rows]) + "\n")
    return path


def test_driver_costs_little_a_case(tmp_path, models, head, cluster):  # noqa: F811
    table = table_of(tmp_path, head, [f"c{i}" for i in range(NEW)])
    began = time.process_time()
    told = predict_on_cluster(models["tiny_age"], table, tmp_path / "out")
    spent = time.process_time() - began
    print(f"driver: {spent / NEW:.4f} processor seconds a case")  # noqa: T201
    assert len(told) == NEW
    assert not any("error" in record for record in told)
    assert spent / NEW < MOST_A_CASE


def test_ten_thousand_done_cases_are_found(
    tmp_path,
    models,
    head,
    cluster,  # noqa: F811
    monkeypatch,
):
    first = table_of(tmp_path, head, ["c0"])
    predict_on_cluster(models["tiny_age"], first, tmp_path / "out")
    (line,) = [one for one in all_lines(tmp_path / "out") if "case_id" in one]
    names = [f"c{i}" for i in range(DONE)]
    log = PartLog(tmp_path / "out", writer_name((1, 1)))
    for name in names[1:]:
        log.add(
            {**line, "case_id": name, "record": {**line["record"], "case_id": name}}
        )
    log.close()
    parts = sorted(path.name for path in (tmp_path / "out").glob("status*"))
    asked, results = [], Crew.results

    def counted(self, chunks):
        asked.extend(chunks)
        return results(self, chunks)

    monkeypatch.setattr(Crew, "results", counted)
    memory, table = Memory(), table_of(tmp_path, head, names)
    began, clock = time.process_time(), time.monotonic()
    told = predict_on_cluster(
        models["tiny_age"], table, tmp_path / "out", listener=memory
    )
    spent, waited = time.process_time() - began, time.monotonic() - clock
    grown = memory.kb[DONE] - memory.kb[DONE // 10]
    print(f"driver: {spent:.1f} processor seconds, {waited:.0f} s")  # noqa: T201
    print(f"grown by {grown / 1024:.1f} MB over the last 9 of 10")  # noqa: T201
    assert [record["case_id"] for record in told] == names
    assert {record["value"] for record in told} == {line["record"]["value"]}
    # Looked through in chunks, and nothing done or noted again.
    assert len(asked) == DONE // CHUNK
    assert sorted(path.name for path in (tmp_path / "out").glob("status*")) == parts
    assert spent < MOST_IN_ALL
    assert grown < MOST_KB_A_CASE * DONE
