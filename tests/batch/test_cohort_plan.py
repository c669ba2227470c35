"""`medzoo predict --shard I/N`: several processes share a cohort and a folder."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import medzoo
from medzoo.errors import InputError
from tests.batch.small_study import make_heads, make_study
from tests.conftest import make_head

CHECKOUT = Path(__file__).parents[2]
COUNT = 7


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """Paths of small heads that differ."""
    return make_heads(tmp_path_factory.mktemp("heads"), COUNT)


@pytest.fixture
def cases(tmp_path, heads):
    """A table whose third case has no file."""
    rows = [f"c{i},{path},{20 + i}" for i, path in enumerate(heads)]
    rows[2] = f"c2,{tmp_path / 'no.nii.gz'},22"
    table = tmp_path / "cases.csv"
    table.write_text("\n".join(["case_id,t1,age", *rows]) + "\n")
    return table


def table_of(folder):
    with (folder / "cohort.tsv").open(newline="", encoding="utf-8") as file:
        return {row["case_id"]: row for row in csv.DictReader(file, delimiter="\t")}


def lines_of(folder):
    """All lines of cases that all processes noted."""
    found = [
        json.loads(row)
        for path in Path(folder).rglob("status-*.jsonl")
        for row in path.read_text().splitlines()
    ]
    return [line for line in found if "case_id" in line]


def contents(folder):
    """Name -> bytes of the images."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in Path(folder).rglob("*.nii.gz")
    }


def test_shards_give_what_one_run_gives_and_one_table(tmp_path, models, cases):
    names, out = list(models.values()), tmp_path / "out"
    whole = medzoo.predict(names, cases, tmp_path / "whole")
    parts = [medzoo.predict(names, cases, out, shard=(i, 3)) for i in (2, 3, 1)]

    told = {record["case_id"]: record for part in parts for record in part}
    assert [len(part) for part in parts] == [2, 2, 3]
    for record in whole:
        for name, own in record["models"].items():
            other = told[record["case_id"]]["models"][name]
            assert other.get("value") == own.get("value")
            assert other.get("error") == own.get("error")
            assert other.get("volumes_ml") == own.get("volumes_ml")
    assert contents(out) == contents(tmp_path / "whole")
    assert len(contents(out)) == COUNT - 1
    assert table_of(out) == table_of(tmp_path / "whole")


def test_any_shards_resume_what_others_did(tmp_path, models, cases, heads):
    out = tmp_path / "out"
    medzoo.predict(models["tiny_age"], cases, out, shard=(1, 2))
    first = lines_of(out)
    (tmp_path / "no.nii.gz").write_bytes(heads[2].read_bytes())
    for i in (1, 2, 3):
        medzoo.predict(models["tiny_age"], cases, out, shard=(i, 3))

    done = [line["case_id"] for line in lines_of(out) if "record" in line]
    assert sorted(done) == [f"c{i}" for i in range(COUNT)]
    assert [line["case_id"] for line in first if "error" in line] == ["c2"]
    rows = table_of(out)
    assert all(float(row["tiny_age_value"]) > 0 for row in rows.values())
    assert rows["c2"]["age"] == "22"


def test_a_changed_scan_is_done_again(tmp_path, models, cases, heads):
    own = tmp_path / "no.nii.gz"
    own.write_bytes(heads[2].read_bytes())
    out = tmp_path / "out"
    medzoo.predict(models["tiny_age"], cases, out, shard=(1, 1))
    medzoo.write(make_head(12.0, noise=1.0, seed=99), own)
    medzoo.predict(models["tiny_age"], cases, out, shard=(1, 1))

    done = [line["case_id"] for line in lines_of(out)]
    assert sorted(done) == sorted([*(f"c{i}" for i in range(COUNT)), "c2"])
    assert len(table_of(out)) == COUNT


@pytest.mark.parametrize("shard", [(0, 2), (3, 2), (1.5, 2), "1/2", (1,), None])
def test_a_shard_must_be_one_of_how_many(tmp_path, models, cases, shard):
    out = tmp_path / "out"
    if shard is None:
        shard, out = (1, 2), None
    with pytest.raises(InputError, match=r"shard must|Shards must"):
        medzoo.predict(models["tiny_age"], cases, out, shard=shard)


def test_bids_in_shards(tmp_path, models):
    pytest.importorskip("bids2table")
    root = make_study(tmp_path / "study")
    names = [models["tiny_age"], models["tiny_tissue"]]
    out = tmp_path / "out"
    for i in (1, 2):
        medzoo.predict(names, output=out, bids=root, shard=(i, 2))

    medzoo.predict(names, output=tmp_path / "whole", bids=root)
    for path in (tmp_path / "whole").rglob("*.tsv"):
        other = out / path.relative_to(tmp_path / "whole")
        assert sorted(other.read_text().splitlines()) == (
            sorted(path.read_text().splitlines())
        )
    assert len(list(out.glob("sub-*/anat/*_dseg.nii.gz"))) == 3


def command(models, cases, out, share):
    names = ",".join(map(str, (models["tiny_age"], models["tiny_tissue"])))
    arguments = ["predict", names, "--cases", cases, "-o", out, "--shard", share]
    return [sys.executable, "-P", "-m", "medzoo", *map(str, arguments)]


@pytest.mark.extended
def test_processes_at_once_one_of_them_killed(tmp_path, models, cases):
    out = tmp_path / "out"
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    running = [
        subprocess.Popen(command(models, cases, out, f"{i}/2"), env=env) for i in (1, 2)
    ]
    while len(lines_of(out)) < 3 and running[0].poll() is None:
        time.sleep(0.05)
    running[0].send_signal(signal.SIGKILL)
    for process in running:
        process.wait(timeout=300)
    subprocess.run(command(models, cases, out, "1/2"), env=env, check=False)

    done = [line for line in lines_of(out) if "record" in line]
    assert len({(line["case_id"], line["made_by"]["model"]) for line in done}) == (
        2 * (COUNT - 1)
    )
    # What was in work as the process was killed.
    assert len(done) <= 2 * (COUNT - 1) + 2
    assert len(table_of(out)) == COUNT
    assert len(contents(out)) == COUNT - 1
    merged = (out / "cohort.tsv").read_bytes()
    (out / "cohort.tsv").unlink()
    again = subprocess.run(
        [sys.executable, "-P", "-m", "medzoo", "merge", str(out)], env=env, check=False
    )
    assert again.returncode == 0
    assert (out / "cohort.tsv").read_bytes() == merged
