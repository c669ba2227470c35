"""Hashes of what a case is made of follow every change of it."""

import os

from medzoo.data.store.content_hash import ContentHashes
from medzoo.files import sha256_of

LONG_AGO = 1_600_000_000


def settled(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))


def test_a_folder_is_hashed_again_when_a_file_of_it_changes(tmp_path):
    folder = tmp_path / "dicom"
    settled(folder / "s1" / "IM1", b"one")
    hashes = ContentHashes(tmp_path / "hashes")
    before = hashes(folder)
    (folder / "s1" / "IM1").write_bytes(b"two")
    settled(folder / "s1" / "IM2", b"more")

    for fresh in (hashes, ContentHashes(tmp_path / "hashes")):
        assert fresh(folder) == sha256_of(folder) != before


def test_a_series_of_a_folder_can_be_named(tmp_path):
    settled(tmp_path / "dicom" / "IM1", b"one")
    hashes = ContentHashes(tmp_path / "hashes")
    series = f"{tmp_path / 'dicom'}#3"
    assert hashes(series) == sha256_of(series) != hashes(tmp_path / "dicom")


def test_a_header_is_hashed_again_when_its_voxels_change(tmp_path):
    settled(tmp_path / "a.hdr", b"header")
    settled(tmp_path / "a.img", b"voxels")
    hashes = ContentHashes(tmp_path / "hashes")
    before = hashes(tmp_path / "a.hdr")
    (tmp_path / "a.img").write_bytes(b"others")
    assert hashes(tmp_path / "a.hdr") != before
