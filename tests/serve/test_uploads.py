"""What becomes of uploads: whole scans, and whatever else is sent."""

import io
import os
import zipfile

import numpy as np
import pytest

from medzoo.io import write
from medzoo.volume import Volume
from tests.io.dicom.conftest import Maker
from tests.serve.conftest import LIMITS

HOSTILE = [
    "<script>alert(1)</script>.nii.gz",
    "../../../etc/passwd.nii.gz",
    "..\\..\\windows\\a.nii.gz",
    "\"quotes\" and 'apostrophes'.nii.gz",
    "line\nbreak\x00null\x1b[31m.nii.gz",
    f"{'long' * 75}.nii.gz",
    "/absolute/place.nii.gz",
    ".nii.gz.nii.gz",
]


def files_of(running):
    return [p for p in running.server.sessions.folder.rglob("*") if p.is_file()]


def test_a_scan_tells_what_it_is(visitor, head):
    answer = visitor.upload(head, "sub-01_FLAIR.nii.gz")
    scan = answer.json()

    assert answer.status_code == 201
    assert scan["name"] == "sub-01_FLAIR.nii.gz"
    assert scan["channel"] == "flair"
    assert scan["bytes"] == head.stat().st_size
    assert scan["orientation"] == "RAS"
    assert scan["spacing"] == [6.0, 6.0, 6.0]
    assert len(scan["shape"]) == 3
    assert visitor.get("/session").json()["scans"] == [scan]


def test_an_upload_is_read_in_a_process_of_its_own(visitor, head, running, monkeypatch):
    def here(path):
        raise AssertionError("read by the server itself")

    monkeypatch.setattr("medzoo.serve.inspection.read_quietly", here)
    assert visitor.upload(head, "scan.nii.gz").status_code == 201
    assert running.server.reader._process.pid != os.getpid()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_never_a_path(visitor, head, name, running):
    answer = visitor.upload(head, name)
    shown = answer.json()["name"]

    assert answer.status_code == 201, answer.text
    assert shown.isprintable()
    assert len(shown) <= 80
    assert not set(shown) & {"/", "\\"}
    # Every file lies where the server put it, under a name of its own.
    assert {path.name for path in files_of(running)} <= {"scan.nii.gz"}


@pytest.mark.parametrize("name", ["scan.nii", "scan.mha", "scan.nrrd", "scan.mgz"])
def test_text_in_the_clothes_of_an_image_is_refused(visitor, name, error_of, running):
    before = files_of(running)
    text = error_of(visitor.upload(b"no image, " * 100, name), 400)

    assert "[scan]" in text
    assert files_of(running) == before


def test_a_truncated_scan_is_refused_and_deleted(visitor, truncated, error_of, running):
    before = files_of(running)

    assert "truncated" in error_of(visitor.upload(truncated), 400)
    assert files_of(running) == before
    assert visitor.get("/session").json()["scans"] == []


@pytest.mark.parametrize("name", ["notes.txt", "scan.hdr", "a.exe", "scan.npy"])
def test_another_kind_of_file_is_refused_by_its_name(visitor, name, error_of):
    assert name in error_of(visitor.upload(b"x", name), 400)


def test_an_empty_file_is_refused(visitor, error_of):
    error_of(visitor.upload(b"", "scan.nii"), 400)
    error_of(visitor.upload(b"", "scan"), 400)


def test_a_file_that_is_too_large_is_refused(visitor, error_of, running):
    before = files_of(running)
    announced = visitor.upload(b"\0" * (LIMITS.upload_bytes + 1), "scan.nii")
    pieces = iter([b"\0" * (1 << 20)] * 5)
    endless = visitor.put("/scans", params={"name": "scan.nii"}, content=pieces)

    assert "at most 4.0 MiB" in error_of(announced, 413)
    assert "at most 4.0 MiB" in error_of(endless, 413)
    assert files_of(running) == before


def test_a_session_holds_so_many_scans_and_no_more(visitor, head, error_of):
    for _ in range(LIMITS.session_scans):
        assert visitor.upload(head).status_code == 201

    assert "at most 4 scans" in error_of(visitor.upload(head), 413)
    first = visitor.get("/session").json()["scans"][0]["id"]
    assert visitor.delete(f"/scans/{first}").status_code == 204
    assert visitor.upload(head).status_code == 201


def test_a_session_holds_so_many_bytes_and_no_more(
    visitor, tmp_path, error_of, running
):
    noise = np.random.default_rng(0).normal(size=(90, 90, 90)).astype(np.float32)
    path = write(Volume(noise, np.eye(4)), tmp_path / "noise.nii")
    for _ in range(2):
        assert visitor.upload(path, "noise.nii").status_code == 201

    assert "at most 6.0 MiB" in error_of(visitor.upload(path, "noise.nii"), 413)


def test_an_image_of_several_volumes_is_refused(visitor, tmp_path, error_of):
    two = Volume(np.zeros((8, 8, 8, 2), np.float32), np.eye(4))
    path = write(two, tmp_path / "two.nii.gz")

    error_of(visitor.upload(path, "two.nii.gz"), 400)


def test_a_zip_bomb_is_refused(visitor, error_of, running):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("IM0001", b"\0" * (300 << 20))
    before = files_of(running)

    text = error_of(visitor.upload(packed.getvalue(), "scan.zip"), 400)
    assert "200 times its size" in text
    assert files_of(running) == before


def test_the_names_in_a_zip_reach_no_path(visitor, error_of, running, head):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../escaped.dcm", head.read_bytes())

    error_of(visitor.upload(packed.getvalue(), "scan.zip"), 400)
    folder = running.server.sessions.folder
    assert not list(folder.parent.glob("escaped*"))
    assert not [path for path in files_of(running) if "escaped" in path.name]


@pytest.fixture
def zipped(tmp_path):
    """A function that zips DICOM series of some descriptions."""

    def make(*descriptions):
        maker = Maker(tmp_path / "dicom")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for number, text in enumerate(descriptions, 1):
                made = maker.series(f"s{number}", number=number, description=text)
                for file in made.files:
                    archive.write(file, f"{number}/{file.name}")
        return packed.getvalue()

    return make


def test_a_zip_of_dicom_is_read(visitor, zipped):
    scan = visitor.upload(zipped("FLAIR sagittal"), "study.zip").json()

    assert scan["channel"] == "flair"
    assert scan["shape"] == [7, 6, 10]
    assert "Secret" not in str(scan)


def test_the_series_of_a_zip_are_told_and_one_is_chosen(visitor, zipped, error_of):
    scan = visitor.upload(zipped("T1 MPRAGE", "T2 TSE"), "study.zip").json()
    told = {row["description"]: row["uid"] for row in scan["series"]}
    job = {"models": ["tiny_age"], "channels": {"t1": scan["id"]}}

    assert set(told) == {"T1 MPRAGE", "T2 TSE"}
    assert scan["shape"] is None
    wrong = visitor.post("/jobs", json={**job, "series": {"t1": "../../other"}})
    assert "must be one of those" in error_of(wrong, 400)
    right = {**job, "series": {"t1": told["T2 TSE"]}}
    started = visitor.post("/jobs", json=right)
    assert started.status_code == 202
    assert visitor.wait(started.json()).job["state"] == "done"


def test_twenty_uploads_leave_neither_memory_nor_files(visitor, head, running):
    def upload():
        scan = visitor.upload(head).json()
        assert visitor.delete(f"/scans/{scan['id']}").status_code == 204
        return running.server.reader.resident_bytes

    before = [upload() for _ in range(3)][-1]
    after = [upload() for _ in range(20)][-1]

    assert files_of(running) == []
    if before is not None:
        assert after - before < 16 << 20
