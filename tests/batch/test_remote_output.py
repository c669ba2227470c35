"""Scans in and results out of an object store: a real S3 server on loopback."""

import csv
import io
import json

import pytest

import medzoo
from medzoo.batch.merged_table import merge
from medzoo.errors import InputError
from tests.batch.s3_server import BUCKET, s3_server, settings
from tests.batch.small_study import make_heads
from tests.conftest import make_head

COUNT = 5
S3 = f"s3://{BUCKET}"

pytestmark = pytest.mark.extended


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    return make_heads(tmp_path_factory.mktemp("heads"), COUNT)


@pytest.fixture
def server(monkeypatch):
    import fsspec

    fsspec.filesystem("s3").clear_instance_cache()
    with s3_server() as (process, address):
        for name, value in settings(address).items():
            monkeypatch.setenv(name, value)
        yield process
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture
def bucket(server):
    """The store, with a bucket."""
    import s3fs

    store = s3fs.S3FileSystem(use_listings_cache=False)
    store.mkdir(BUCKET)
    return store


@pytest.fixture
def cases(bucket, heads):
    """A table in the store; the paths in it start from its own place."""
    for path in heads:
        bucket.put_file(str(path), f"{BUCKET}/in/{path.name}")
    rows = [f"c{i},{path.name}" for i, path in enumerate(heads)]
    rows[1] = f"c1,{S3}/in/{heads[1].name}"
    rows.append("gone,none.nii.gz")
    table = "\n".join(["case_id,t1", *rows])
    bucket.pipe_file(f"{BUCKET}/in/cases.csv", table.encode())
    return f"{S3}/in/cases.csv"


@pytest.fixture
def whole(tmp_path, models, heads):
    """The same on disk: folder and records."""
    table = tmp_path / "cases.csv"
    rows = [f"c{i},{path}" for i, path in enumerate(heads)]
    table.write_text("\n".join(["case_id,t1", *rows]))
    names = [models["tiny_age"], models["tiny_tissue"]]
    return tmp_path / "whole", medzoo.predict(names, table, tmp_path / "whole")


def table_in(store, key):
    text = store.cat_file(f"{BUCKET}/{key}").decode()
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return {row["case_id"]: row for row in rows}


def test_in_and_out_of_s3_as_on_disk_and_resumed(models, bucket, cases, whole):
    folder, records = whole
    names = [models["tiny_age"], models["tiny_tissue"]]
    out = f"{S3}/out"
    told = medzoo.predict(names, cases, out)

    for record in records:
        (own,) = (one for one in told if one["case_id"] == record["case_id"])
        age = own["models"]["tiny_age"]
        assert age["value"] == record["models"]["tiny_age"]["value"]
        name = f"tiny_tissue/{record['case_id']}.nii.gz"
        assert bucket.cat_file(f"{BUCKET}/out/{name}") == (folder / name).read_bytes()
        provenance = json.loads(
            bucket.cat_file(f"{BUCKET}/out/{name}".replace(".nii.gz", ".json"))
        )
        assert provenance["inputs"]["t1"].startswith("etag:")
    (gone,) = (one for one in told if one["case_id"] == "gone")
    assert "none.nii.gz" in gone["models"]["tiny_age"]["error"]
    assert "no such object" in gone["models"]["tiny_age"]["error"]
    rows = table_in(bucket, "out/cohort.tsv")
    assert len(rows) == COUNT + 1

    # Again: nothing is done but what changed, or was damaged, or is still missing.
    before = bucket.find(f"{BUCKET}/out/tiny_tissue", detail=True)
    bucket.pipe_file(f"{BUCKET}/out/tiny_tissue/c3.nii.gz", b"damaged")
    other = make_head(12.0, noise=1.0, seed=99)
    path = medzoo.write(other, folder / "other.nii.gz")
    bucket.put_file(str(path), f"{BUCKET}/in/head-004.nii.gz")
    medzoo.predict(names, cases, out, overwrite=True)
    after = bucket.find(f"{BUCKET}/out/tiny_tissue", detail=True)
    moved = {
        key.rpartition("/")[2]
        for key in before
        if key.endswith(".json")
        and before[key]["LastModified"] != after[key]["LastModified"]
    }
    assert moved == {"c3.json", "c4.json"}
    assert bucket.cat_file(f"{BUCKET}/out/tiny_tissue/c3.nii.gz") == (
        (folder / "tiny_tissue" / "c3.nii.gz").read_bytes()
    )
    lines = table_in(bucket, "out/cohort.tsv")
    assert lines["c4"]["tiny_age_value"] != rows["c4"]["tiny_age_value"]
    assert merge(out) == f"{out}/cohort.tsv"
    assert table_in(bucket, "out/cohort.tsv") == lines


def test_a_table_in_s3(models, bucket, cases, whole, run_medzoo):
    out = f"{S3}/tables/ages.csv"
    done = run_medzoo("predict", models["tiny_age"], "--cases", cases, "-o", out)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "gone" in line
    text = bucket.cat_file(f"{BUCKET}/tables/ages.csv").decode()
    values = {row["case_id"]: row for row in csv.DictReader(io.StringIO(text))}
    for record in whole[1]:
        assert (
            float(values[record["case_id"]]["value"])
            == (record["models"]["tiny_age"]["value"])
        )


def test_shards_share_a_prefix(models, bucket, cases):
    out = f"{S3}/shards"
    for i in (1, 2):
        medzoo.predict(models["tiny_age"], cases, out, shard=(i, 2))
    assert len(table_in(bucket, "shards/cohort.tsv")) == COUNT + 1


def test_what_is_not_medzoos_is_not_replaced(models, bucket, cases):
    bucket.pipe_file(f"{BUCKET}/mine/c0.nii.gz", b"mine")
    with pytest.raises(InputError, match="earlier result of the same model"):
        medzoo.predict(models["tiny_tissue"], cases, f"{S3}/mine")
    assert bucket.cat_file(f"{BUCKET}/mine/c0.nii.gz") == b"mine"


def test_without_credentials_one_sentence(models, cases, monkeypatch, run_medzoo):
    import fsspec

    fsspec.filesystem("s3").clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    done = run_medzoo("predict", models["tiny_age"], "--cases", cases)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "A store must let its user in" in line
    assert cases in line


def test_a_connection_lost_is_that_cases_fault(
    tmp_path, models, heads, bucket, server, monkeypatch, run_medzoo
):
    monkeypatch.setattr("medzoo.io.remote.ATTEMPTS", 1)
    table = tmp_path / "cases.csv"
    table.write_text(f"case_id,t1\na,{S3}/in/head-000.nii.gz\nb,{heads[1]}\n")
    server.kill()
    server.wait()
    done = run_medzoo("predict", models["tiny_age"], "--cases", table, "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert "A store must be reached" in first["error"]
    assert "\n" not in first["error"]
    assert second["value"] > 0
