"""Archives that are damaged or made to harm: nothing lost unseen, nothing grows."""

import io
import tarfile

import pytest

from medzoo.datasets.tar_images import extract_images
from medzoo.errors import FileFormatError

PATTERN = r"[a-z]+\.nii\.gz"
BLOCK = tarfile.BLOCKSIZE
CONTENT = bytes(range(256)) * 6
# A header and three blocks each; then come the zeros that end an archive.
MEMBER = 4 * BLOCK


def archive_of(path, names=("one.nii.gz", "two.nii.gz", "three.nii.gz")):
    with tarfile.open(path, "w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(CONTENT)
            tar.addfile(info, io.BytesIO(CONTENT))
    return path


def flip(data, place):
    data[place] ^= 0x55


def zero(data, place):
    data[place : place + BLOCK] = bytes(BLOCK)


def test_a_whole_archive_gives_all_images(tmp_path):
    archive = archive_of(tmp_path / "a.tar")
    images = extract_images(archive, tmp_path / "t1", PATTERN)
    assert [p.name for p in images] == ["one.nii.gz", "three.nii.gz", "two.nii.gz"]
    assert all(p.read_bytes() == CONTENT for p in images)


@pytest.mark.parametrize("damage", [flip, zero])
@pytest.mark.parametrize("member", [1, 2])
def test_a_damaged_header_does_not_lose_the_rest_in_silence(tmp_path, member, damage):
    archive = archive_of(tmp_path / "a.tar")
    data = bytearray(archive.read_bytes())
    damage(data, member * MEMBER)
    archive.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"whole tar file in .*a\.tar"):
        extract_images(archive, tmp_path / "t1", PATTERN)


@pytest.mark.parametrize("size", [MEMBER + BLOCK, 3 * MEMBER, 3 * MEMBER + BLOCK])
def test_an_archive_that_was_cut_is_refused(tmp_path, size):
    archive = archive_of(tmp_path / "a.tar")
    archive.write_bytes(archive.read_bytes()[:size])
    with pytest.raises(FileFormatError, match="whole tar file"):
        extract_images(archive, tmp_path / "t1", PATTERN)


def sparse(path, size):
    """An archive of one file that is all hole, as GNU tar stores it."""
    info = tarfile.TarInfo("hole.nii.gz")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, BLOCK
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    # One piece, at 0, of a block; then how large the file is with its hole.
    header[386:398], header[398:410] = b"%011o\0" % 0, b"%011o\0" % BLOCK
    header[483:495] = b"%011o\0" % size
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(bytes(header) + b"x" * BLOCK + bytes(2 * BLOCK))


def pax_sparse(path, size):
    """The same as GNU tar stores it in the format of POSIX."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("hole.nii.gz")
        info.size = BLOCK
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "hole.nii.gz",
            "GNU.sparse.realsize": str(size),
        }
        tar.addfile(info, io.BytesIO(b"0\n".ljust(BLOCK, b"\0")))


@pytest.mark.parametrize("write", [sparse, pax_sparse])
def test_a_hole_does_not_become_megabytes(tmp_path, write):
    archive = tmp_path / "a.tar"
    write(archive, 315_000_000)
    with tarfile.open(archive) as tar:
        assert tar.next().size == 315_000_000
    with pytest.raises(FileFormatError, match="shorter than its header"):
        extract_images(archive, tmp_path / "t1", PATTERN)
    assert list((tmp_path / "t1").iterdir()) == []


def test_a_member_that_promises_more_than_there_is_is_refused(tmp_path):
    info = tarfile.TarInfo("big.nii.gz")
    info.size = 10**9
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(4 * BLOCK))
    with pytest.raises(FileFormatError, match="shorter than its header"):
        extract_images(tmp_path / "a.tar", tmp_path / "t1", PATTERN)
    assert list((tmp_path / "t1").iterdir()) == []
