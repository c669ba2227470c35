import hashlib
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest

from medzoo.batch.status_log import STATUS_FILE, StatusLog
from medzoo.files import (
    cache_folder,
    check_writable,
    files_of,
    replace_atomically,
    sha256_of,
    split_part,
    sweep,
    temporary_beside,
    temporary_folder,
    write_text_atomically,
)
from medzoo.transfer import Expected, transfer

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and links")


def test_replaces_only_at_the_end(tmp_path):
    path = tmp_path / "a.nii.gz"
    path.write_text("old")

    with replace_atomically(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
        assert temporary.name.endswith(".nii.gz")

    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with replace_atomically(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replace_atomically(tmp_path / "a.txt"):
        pass


@posix
def test_new_file_has_the_usual_mode_and_old_one_keeps_its_own(tmp_path):
    plain, fresh, private = (tmp_path / name for name in ("plain", "fresh", "private"))
    plain.touch()
    private.touch()
    private.chmod(0o600)

    write_text_atomically(fresh, "")
    write_text_atomically(private, "")

    assert fresh.stat().st_mode == plain.stat().st_mode
    assert private.stat().st_mode & 0o777 == 0o600


@posix
def test_writes_through_a_link(tmp_path):
    target = tmp_path / "target.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)

    write_text_atomically(link, "new")

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_text_is_utf8_with_line_feeds(tmp_path):
    path = write_text_atomically(str(tmp_path / "a.txt"), "ä\n")

    assert path == tmp_path / "a.txt"
    assert path.read_bytes() == b"\xc3\xa4\n"


def test_sha256_of_many_chunks(tmp_path):
    content = os.urandom((2 << 20) + 5)
    path = tmp_path / "a.bin"
    path.write_bytes(content)

    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MEDZOO_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, Path("/a")),
        ({"XDG_CACHE_HOME": "/b"}, Path("/b/medzoo")),
        ({"MEDZOO_CACHE": "", "XDG_CACHE_HOME": ""}, Path.home() / ".cache/medzoo"),
        ({}, Path.home() / ".cache/medzoo"),
    ],
)
def test_cache_folder(monkeypatch, variables, expected):
    for name in ("MEDZOO_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert cache_folder() == expected


@posix
def test_temporaries_of_dead_processes_are_swept_and_no_others(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own = temporary_beside(tmp_path / "a.csv")
    dead = own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    foreign = tmp_path / ".medzoo-notes.csv"
    for path in (own, dead, foreign):
        path.touch()
    write_text_atomically(tmp_path / "b.csv", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [own.name, foreign.name, "b.csv"]
    )


def test_a_full_disk_names_the_file(tmp_path):
    def write():
        with replace_atomically(tmp_path / "a.csv"):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"No space.*a\.csv"):
        write()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has it")
def test_a_full_disk_names_what_is_not_replaced_but_written(tmp_path):
    (tmp_path / STATUS_FILE).symlink_to("/dev/full")
    with pytest.raises(OSError, match=rf"No space.*{STATUS_FILE}"):
        StatusLog(tmp_path).add({"case_id": "a"})
    weights, scan = tmp_path / "model.weights.h5", tmp_path / "scan"
    weights.symlink_to("/dev/full")
    scan.write_bytes(b"weights")
    with pytest.raises(OSError, match=r"No space.*model\.weights\.h5"):
        transfer(scan.as_uri(), weights, Expected(100))


def test_writability_is_known_before_any_work(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "a.csv")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"a\.csv"):
        check_writable(tmp_path / "file" / "a.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.csv"):
        check_writable(tmp_path / "folder.csv")
    with pytest.raises(OSError, match="name too long"):
        check_writable(tmp_path / ("x" * 300 + ".csv"))


def test_a_cache_without_a_home_is_one_sentence(monkeypatch):
    monkeypatch.setenv("MEDZOO_CACHE", "~no-such-user-here/x")
    with pytest.raises(FileNotFoundError, match="MEDZOO_CACHE"):
        cache_folder()


def test_text_with_names_that_are_no_utf_8_can_be_written(tmp_path):
    path = write_text_atomically(tmp_path / "a.txt", "name\udcff")
    assert path.read_text() == "name\\udcff"


@pytest.mark.parametrize(
    ("header", "voxels", "text"),
    [
        ("a.hdr", "a.img", "header"),
        ("a.img", "a.hdr", "voxels"),
        ("a.hdr.gz", "a.img.gz", "header"),
        ("A.HDR", "A.IMG", "header"),
        ("A.IMG.gz", "A.HDR", "voxels"),
        ("a.HDR", "a.IMG.gz", "header"),
        ("DICOMDIR", "I1", "index"),
        ("DICOMDIR#3", "I1", "index"),
        ("a.mhd", "other.raw", "NDims = 3\nElementDataFile = other.raw\n"),
        ("a.nhdr", "b.raw.gz", "NRRD0004\ndata file: b.raw.gz\n"),
    ],
)
def test_voxels_beside_a_header_count_with_it(tmp_path, header, voxels, text):
    (tmp_path / header.partition("#")[0]).write_text(text)
    (tmp_path / voxels).write_bytes(b"one")
    assert {tmp_path / voxels} < set(files_of(tmp_path / header))
    before = sha256_of(tmp_path / header)
    (tmp_path / voxels).write_bytes(b"two")
    assert sha256_of(tmp_path / header) != before


def test_a_part_of_a_folder_is_split_off_where_the_folder_is(tmp_path):
    folder = tmp_path / "study#2" / "dcm"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(b"a")
    assert split_part(f"{folder}#1") == (str(folder), "1")
    assert split_part(folder) == (str(folder), None)
    assert sha256_of(f"{folder}#1") != sha256_of(f"{folder}#2")
    assert files_of(f"{folder}#1") == [folder / "a"]


@pytest.mark.skipif(not os.path.exists("/proc/self/ns"), reason="Linux")
def test_files_of_a_process_in_another_container_are_not_swept(tmp_path):
    # Of the same host name; there the number of the process may be taken.
    host = f"{zlib.crc32(os.uname().nodename.encode()):08x}"
    path = tmp_path / f".medzoo-{host}-999999999-0123456789ab.nii.gz"
    path.touch()
    sweep(tmp_path)
    assert path.exists()


COPYING = """
import os, signal
from medzoo.files import temporary_folder
with temporary_folder() as folder:
    (folder / "scan.nii.gz").touch()
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_copies_of_a_process_that_was_killed_do_not_stay(tmp_path, monkeypatch):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", COPYING]
    killed = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    assert (left / "scan.nii.gz").exists()
    others = [tmp_path / "medzoo-remote-mine", tmp_path / "medzoo-remote-0-1-a"]
    # Of a machine that shares the folder, where the process may live.
    others.append(tmp_path / "medzoo-remote-00000000-999999999-abc")
    link = tmp_path / left.name.replace(left.name[-8:], "linked00")
    for other in others:
        other.mkdir()
    link.symlink_to(others[0])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as own:
        assert {*others, link, own} == set(tmp_path.iterdir())
    assert {*others, link} == set(tmp_path.iterdir())
