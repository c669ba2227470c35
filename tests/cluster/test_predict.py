"""Cohorts on Ray: two nodes on this machine, one of which is killed, and the driver."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import medzoo
from medzoo.batch.merged_table import record_of
from medzoo.batch.status_parts import all_lines
from medzoo.cluster.predict import _absolute, _from_anywhere, predict_on_cluster
from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from tests.batch.small_study import make_study
from tests.conftest import make_head

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.extended

CHECKOUT = Path(__file__).parents[2]
COUNT = 200
DIFFERENT = 20


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """A table of 200 cases; the fifth has no file."""
    folder = tmp_path_factory.mktemp("heads")
    heads = [
        medzoo.write(make_head(8.0, noise=1.0, seed=i), folder / f"head-{i}.nii.gz")
        for i in range(DIFFERENT)
    ]
    rows = [f"c{i:03},{heads[i % DIFFERENT]}" for i in range(COUNT)]
    rows[5] = f"c005,{folder / 'no.nii.gz'}"
    table = folder / "cases.csv"
    table.write_text("\n".join(["case_id,t1", *rows]) + "\n")
    return table


@pytest.fixture
def cluster(monkeypatch):
    """A head without processors, and two nodes with one each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Ray's workers stand back behind all else, which beside other tests takes for ever.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes.workers = [nodes.add_node(num_cpus=1) for _ in range(2)]
        nodes.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", nodes.address)
        yield nodes
    finally:
        nodes.shutdown()


def start(names, cases, out):
    """The command in a process of its own."""
    arguments = ["predict", ",".join(map(str, names)), "--cases", cases, "-o", out]
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "medzoo",
            *map(str, arguments),
            "--cluster",
            "ray",
        ],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(count, folder, process):
    """Waits until so many cases are noted."""
    while len(noted(folder)) < count:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


def noted(folder):
    return [line for line in all_lines(folder) if "case_id" in line]


def test_a_node_and_the_driver_killed(tmp_path, models, cases, cluster):
    names, out = [models["tiny_age"], models["tiny_tissue"]], tmp_path / "out"
    first = start(names, cases, out)
    wait_for(COUNT // 4, out / "tiny_age", first)
    cluster.workers[0].kill_raylet(check_alive=False)
    wait_for(COUNT // 2, out / "tiny_age", first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = Counter(line["case_id"] for line in noted(out / "tiny_age"))
    assert COUNT // 2 <= len(before) < COUNT

    second = start(names, cases, out)
    _, errors = second.communicate(timeout=500)
    assert second.returncode == 1, errors  # one case has no file
    whole = medzoo.predict(models["tiny_age"], cases)
    for name in ("tiny_age", "tiny_tissue"):
        lines = noted(out / name)
        count = Counter(line["case_id"] for line in lines if "record" in line)
        assert len(count) == COUNT - 1
        # What was done before the driver died is not done again.
        assert all(number == 1 for number in count.values())
    found = {line["case_id"]: record_of(line) for line in noted(out / "tiny_age")}
    for record in whole:
        other = found[record["case_id"]]
        if "error" in record:
            assert other["error"] == record["error"]
        else:
            assert other["value"] == pytest.approx(record["value"], abs=1e-4)
    with (out / "cohort.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["case_id"] for row in rows] == sorted(f"c{i:03}" for i in range(COUNT))
    assert len(list((out / "tiny_tissue").glob("*.nii.gz"))) == COUNT - 1
    parts = list((out / "tiny_age").glob("status-*.parquet"))
    assert parts
    from pyarrow import parquet

    table = parquet.ParquetFile(parts[-1]).read().to_pydict()
    assert {"case_id", "value", "error"} <= set(table)


def test_as_one_process_also_of_bids(tmp_path, models, cluster):
    pytest.importorskip("bids2table")
    root = make_study(tmp_path / "study")
    names = [models["tiny_age"], models["tiny_tissue"]]
    told = predict_on_cluster(names, output=tmp_path / "out", bids=root)
    whole = medzoo.predict(names, output=tmp_path / "whole", bids=root)
    again = predict_on_cluster(names, output=tmp_path / "out", bids=root)

    assert [one["case_id"] for one in told] == [one["case_id"] for one in whole]
    assert again == told
    for path in (tmp_path / "whole").rglob("*_dseg.nii.gz"):
        other = tmp_path / "out" / path.relative_to(tmp_path / "whole")
        assert other.read_bytes() == path.read_bytes()
    assert (tmp_path / "out" / "phenotype" / "tiny_age.tsv").is_file()


def test_what_cannot_be_is_refused(tmp_path, models, cases, run_medzoo):
    with pytest.raises(InputError, match="needs an output folder"):
        predict_on_cluster(models["tiny_age"], cases)
    address = "ray://127.0.0.1:9"
    arguments = ("--cases", cases, "-o", tmp_path, "--cluster", address)
    done = run_medzoo("predict", models["tiny_age"], *arguments)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "must be reached at its address" in line


def test_paths_mean_the_same_in_a_worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case = Case("a", {"t1": Path("in/a.nii.gz"), "flair": "s3://b/a.nii.gz"})
    found = _from_anywhere(case).images
    assert found == {"t1": tmp_path / "in/a.nii.gz", "flair": "s3://b/a.nii.gz"}
    assert _absolute("out") == tmp_path / "out"
    assert _absolute("s3://b/out") == "s3://b/out"
    assert _absolute(None) is None
