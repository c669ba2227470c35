"""Inputs in an object store are kept always, what is not medzoo's as on disk."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.batch import merged_table, remote_output
from medzoo.batch.case_log import CaseLog
from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.merged_table import MergedTable
from medzoo.batch.remote_output import RemoteImages
from medzoo.batch.remote_table import local_table
from medzoo.batch.status_parts import PartLog
from medzoo.data.cases.case import Case
from medzoo.errors import InputError, OfflineError
from medzoo.io.remote import object_of
from medzoo.volume import Volume

fsspec = pytest.importorskip("fsspec")
OUT = "memory://kept/out"
CASE = Case("sub-01", {"t1": f"{OUT}/scan.nii.gz"})


@pytest.fixture
def store():
    """Files in memory, none at first."""
    system = fsspec.filesystem("memory")
    system.makedirs("/kept/out", exist_ok=True)
    system.pipe("/kept/out/scan.nii.gz", b"scan")
    yield system
    system.rm("/kept", recursive=True)


def recipe_of(name="tiny_tissue", version="1.0", task="segmentation"):
    facts = {"name": name, "version": version, "task": task, "unit": "years"}
    facts["postprocessing"] = []
    weights = {"sha256": "0" * 64}
    return SimpleNamespace(
        name=name, version=version, task=task, weights=weights, to_dict=lambda: facts
    )


def images(cases=(CASE,), *, options=None, lines=(), status=len, **kept):
    earlier = EarlierResults(OUT, lines)
    log = CaseLog(recipe_of(), options or {}, earlier, SimpleNamespace(add=status))
    return RemoteImages(OUT, log, list(cases), **kept)


def prediction():
    volume = Volume(np.ones((4, 4, 4), np.uint8), np.eye(4))
    none = dict.fromkeys(
        ("image", "probabilities", "uncertainty", "standard", "codes", "class_names")
    )
    told = {"volumes_ml": {"grey": 1.0}}
    return SimpleNamespace(labels=volume, warnings=(), to_dict=lambda: told, **none)


def add_result(name, value, case_id="c0"):
    head = {"recipe": recipe_of(name, task="regression").to_dict()}
    log = PartLog(OUT, f"1of1-h-1-{name}", head)
    made = {"model": f"{name}@1.0"}
    record = {"value": value}
    log.add({"case_id": case_id, "time": 1.0, "made_by": made, "record": record})
    log.close()


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("name", "of_others"),
    [("sub-01.nii.gz", False), ("sub-01.nii.gz", True), ("sub-01_mni.nii.gz", True)],
)
def test_an_input_is_never_replaced(store, name, of_others, overwrite):
    store.pipe(f"/kept/out/{name}", b"scan")
    url = f"Memory://kept//out/{name}"
    cases = [CASE] if of_others else [Case("sub-01", {"t1": url})]
    with pytest.raises(InputError, match="must not replace an input"):
        images(
            cases,
            options={"space": "mni"},
            inputs=[url] if of_others else (),
            overwrite=overwrite,
        )


@pytest.mark.parametrize(
    "name", ["sub-01.nii.gz", "sub-01.json", "sub-01_probabilities.nii.gz"]
)
def test_an_object_of_somebody_else_is_kept(store, name):
    store.pipe(f"/kept/out/{name}", b'{"EchoTime": 0.003}')
    options = {"probabilities": True}
    with pytest.raises(InputError, match=f"earlier result of the same.*{name}"):
        images(options=options)
    images(options=options, overwrite=True)


def test_a_result_whose_status_was_lost_is_known_by_its_provenance(store):
    images().write(CASE, prediction())
    images().write(CASE, prediction())
    told = json.loads(store.cat("/kept/out/sub-01.json"))
    told["model"] = "another@1.0"
    store.pipe("/kept/out/sub-01.json", json.dumps(told).encode())
    with pytest.raises(InputError, match="earlier result of the same model"):
        images()


def test_an_image_whose_provenance_was_not_uploaded_is_known(store, monkeypatch):
    lines = []
    output, upload = images(status=lines.append), remote_output.upload

    def lost_at_the_second(local, url):
        if store.exists("/kept/out/sub-01.nii.gz"):
            raise OfflineError("A store must be reached.")
        return upload(local, url)

    monkeypatch.setattr(remote_output, "upload", lost_at_the_second)
    with pytest.raises(OfflineError):
        output.write(CASE, prediction())
    output.failed(CASE, "A store must be reached.")
    assert store.ls("/kept/out", detail=False)[-1] == "/kept/out/sub-01.nii.gz"
    monkeypatch.setattr(remote_output, "upload", upload)
    again = images(lines=lines)
    assert again.finished(CASE) is None
    again.write(CASE, prediction())
    assert store.exists("/kept/out/sub-01.json")
    store.rm("/kept/out/sub-01.json")
    with pytest.raises(InputError, match="earlier result of the same model"):
        images()


def test_an_image_that_somebody_corrected_is_kept(store):
    lines = []
    images(status=lines.append).write(CASE, prediction())
    assert images(lines=lines).finished(CASE) is not None
    store.pipe("/kept/out/sub-01.nii.gz", b"corrected")
    for known in (lines, []):
        with pytest.raises(InputError, match="none or was changed"):
            images(lines=known)
    images(lines=lines, overwrite=True).write(CASE, prediction())
    images(lines=lines)


def test_a_table_of_somebody_else_is_kept(store):
    pytest.importorskip("pyarrow")
    store.pipe("/kept/out/cohort.tsv", b"mine\n")
    add_result("age", 40.0)
    with pytest.raises(InputError, match=f"only an earlier one.*{OUT}/cohort.tsv"):
        MergedTable(OUT, {"age": OUT})
    assert store.cat("/kept/out/cohort.tsv") == b"mine\n"
    MergedTable(OUT, {"age": OUT}, overwrite=True).write()
    assert b"40" in store.cat("/kept/out/cohort.tsv")


def test_a_corrected_number_and_earlier_columns_are_kept(store):
    pytest.importorskip("pyarrow")
    add_result("age", 40.0)
    MergedTable(OUT, {"age": OUT}).write()
    table = store.cat("/kept/out/cohort.tsv")
    store.rm(store.glob("/kept/out/status*"))
    add_result("size", 7.0)
    store.pipe("/kept/out/cohort.tsv", table.replace(b"40", b"41"))
    with pytest.raises(InputError, match="was changed after medzoo wrote it"):
        MergedTable(OUT, {"size": OUT})
    store.pipe("/kept/out/cohort.tsv", table)
    MergedTable(OUT, {"size": OUT}).write()
    head = store.cat("/kept/out/cohort.tsv").split(b"\n")[0]
    assert {b"age_value", b"size_value"} <= set(head.split(b"\t"))


@pytest.mark.parametrize("times", [2, 3])
def test_a_table_that_another_process_replaces_is_read_again(store, monkeypatch, times):
    store.pipe("/kept/out/cohort.tsv", b"mine\n")
    lost, fetched = [], merged_table.fetched

    def replaced_meanwhile(url):
        lost.append(url)
        if len(lost) <= times:
            raise OfflineError("A store must be reached, and keep the connection.")
        return fetched(url)

    monkeypatch.setattr(merged_table, "fetched", replaced_meanwhile)
    with pytest.raises(InputError if times == 2 else OfflineError):
        MergedTable(OUT, {"age": OUT})


def test_a_table_of_cases_never_becomes_a_table_of_results(store):
    store.pipe("/kept/out/cohort.tsv", b"case_id\tt1\n")
    url = f"{OUT}/cohort.tsv"
    with pytest.raises(InputError, match="must not replace an input"):
        MergedTable(OUT, {"age": OUT}, inputs=[url], overwrite=True)
    for cases in (url, [url], {"t1": url}):
        with pytest.raises(InputError, match="must not replace an input"):
            local_table(url, cases).__enter__()
    with local_table(f"{OUT}/ages.tsv", url) as place:
        assert place.name == "ages.tsv"


def test_spellings_of_one_object():
    assert object_of("S3A://b//x/y") == object_of("s3://b/x/y/") == "s3://b/x/y"
    assert object_of("gcs://b/x") == object_of("gs://b/x")
    assert object_of("s3://b/x") != object_of("s3://b/X")
