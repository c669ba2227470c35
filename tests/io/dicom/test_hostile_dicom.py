import os
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest

import medzoo
from medzoo.errors import FileFormatError, MedzooError, MissingFileError, ResourceError
from medzoo.io.dicom import list_series, read_dicom

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian  # noqa: E402


def peak_bytes(work, *arguments):
    """Most memory that Python and numpy took at once."""
    import tracemalloc

    tracemalloc.start()
    try:
        work(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_file_cut_at_any_byte_is_refused_or_read_whole(maker, tmp_path):
    made = maker.enhanced(shape=(8, 3, 5))
    content = made.path.read_bytes()
    cut = tmp_path / "cut.dcm"
    whole = medzoo.read(made.path).array

    for length in range(0, len(content), 7):
        cut.write_bytes(content[:length])
        try:
            found = medzoo.read(cut).array
        except MedzooError:
            continue
        np.testing.assert_array_equal(found, whole)
        assert length > len(content) - 130


@pytest.mark.parametrize("seed", range(40))
def test_a_file_with_flipped_bytes_gives_an_answer_or_an_error(maker, tmp_path, seed):
    made = maker.enhanced(shape=(8, 3, 5))
    content = bytearray(made.path.read_bytes())
    generator = np.random.default_rng(seed)
    for place in generator.integers(132, len(content) - 240, 4):
        content[place] = generator.integers(256)
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(content)

    try:
        array, affine, _ = read_dicom(broken)
    except MedzooError:
        return
    assert array.ndim == 3
    assert affine.shape == (4, 4)


@pytest.mark.parametrize(
    "fields",
    [
        {"Rows": 65535, "Columns": 65535},
        {"NumberOfFrames": 2**31 - 1},
        {"Rows": 0},
        {"BitsAllocated": 65535},
    ],
)
def test_absurd_sizes_are_refused_at_once(maker, fields):
    made = maker.series(shape=(8, 6, 7))
    for path in made.files:
        found = pydicom.dcmread(path)
        for name, value in fields.items():
            setattr(found, name, value)
        found.save_as(path)

    def refused():
        with pytest.raises(MedzooError):
            read_dicom(made.folder)

    start = time.monotonic()
    assert peak_bytes(refused) < 50e6
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("frames", [100, 19_999])
def test_more_frames_than_bytes_are_damage(maker, frames):
    made = maker.series(NumberOfFrames=frames)

    begin = time.perf_counter()
    with pytest.raises(FileFormatError, match="10 damaged"):
        list_series(made.folder)
    assert time.perf_counter() - begin < 5


CSA = b"SV10\4\3\2\1" + struct.pack("<2I64si4s3i", 1, 77, b"A", 1, b"LO", 0, 2, 77)


@pytest.mark.parametrize(
    "private",
    [
        b"SV10\4\3\2\1" + b"\xff" * 200,
        CSA,
        CSA + struct.pack("<4i4s", 4, 4, 77, 4, b"abcd") + struct.pack("<4i", *[4] * 4),
    ],
)
def test_a_damaged_private_header_of_a_mosaic(maker, private):
    made = maker.series(ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    for path in made.files:
        content = pydicom.dcmread(path)
        block = content.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", private + bytes(len(private) % 2))
        content.save_as(path)

    with pytest.raises(FileFormatError, match="10 damaged"):
        list_series(made.folder)


def test_a_compressed_image_of_another_size_is_refused(maker):
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    made = maker.series(shape=(8, 6, 7))
    size = struct.pack(">HHHIIII", 0xFF4F, 0xFF51, 47, 0x00010000, 65535, 0, 0)
    stream = size[:4] + b"\0\x2f\0\0" + struct.pack(">4I", 60000, 60000, 0, 0)
    for path in made.files:
        found = pydicom.dcmread(path)
        found.file_meta.TransferSyntaxUID = JPEG2000Lossless
        found.PixelData = encapsulate([stream + bytes(100)])
        found["PixelData"].is_undefined_length = True
        found.save_as(path)

    with pytest.raises(FileFormatError, match=r"size=\(60000, 60000\)"):
        read_dicom(made.folder)


def test_a_deflated_bomb_is_not_unpacked(maker, tmp_path):
    made = maker.series(shape=(8, 6, 7))
    start = made.files[0].read_bytes()[:132]
    uid = b"1.2.840.10008.1.2.1.99"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(bytes(300 << 20)) + packer.flush()
    bomb = tmp_path / "bomb.dcm"
    bomb.write_bytes(start + meta + packed)

    def refused():
        with pytest.raises(MedzooError):
            read_dicom(bomb)

    assert peak_bytes(refused) < 50e6


def test_a_header_of_endless_items_is_refused(tmp_path):
    start = bytes(128) + b"DICM"
    uid = b"1.2.840.10008.1.2.1\0"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    sequence = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    path = tmp_path / "items.dcm"
    path.write_bytes(start + meta + sequence + item * 2_000_000)

    # Two million items: as many Datasets would take gigabytes.
    begin = time.process_time()
    with pytest.raises(MedzooError):
        read_dicom(path)
    assert time.process_time() - begin < 20


def test_nested_sequences_are_refused(tmp_path):
    start = bytes(128) + b"DICM"
    uid = b"1.2.840.10008.1.2.1\0"
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    deeper = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    deeper += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    path = tmp_path / "nested.dcm"
    path.write_bytes(start + meta + deeper * 20_000)

    with pytest.raises(MedzooError):
        read_dicom(path)


@pytest.mark.parametrize(
    "parts", [["..", "secret.dcm"], ["/etc/passwd"], ["a/../../b"], ["LINK", "IM1"]]
)
def test_a_dicomdir_that_leads_out_is_refused(maker, tmp_path, parts):
    made = maker.series(shape=(8, 6, 7))
    medium = tmp_path / "medium"
    medium.mkdir()
    (tmp_path / "secret.dcm").write_bytes(made.files[0].read_bytes())
    (medium / "LINK").symlink_to(tmp_path)
    (tmp_path / "IM1").write_bytes(made.files[0].read_bytes())

    with pytest.raises(FileFormatError, match="leads out"):
        list_series(write_dicomdir(medium, [parts]))


def test_a_dicomdir_names_its_files(maker, tmp_path):
    made = maker.series(shape=(8, 6, 7))
    medium = tmp_path / "medium"
    (medium / "images").mkdir(parents=True)
    for number, path in enumerate(made.files):
        (medium / "images" / f"im{number}").write_bytes(path.read_bytes())
    (medium / "images" / "other").write_bytes(b"not named")
    names = [["IMAGES", f"IM{number}"] for number in range(8)]
    directory = write_dicomdir(medium, names)

    np.testing.assert_array_equal(
        medzoo.read(directory).array, medzoo.read(made.folder).array
    )


def test_a_dicomdir_without_its_files(tmp_path):
    with pytest.raises(MissingFileError, match="must be there"):
        list_series(write_dicomdir(tmp_path, [["IM1"]]))


def test_a_zip_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.dcm", bytes(60 << 20))

    with pytest.raises(FileFormatError, match="times its size"):
        list_series(path)


def test_a_zip_writes_nothing(maker, tmp_path, monkeypatch):
    made = maker.series(shape=(8, 6, 7))
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, file in enumerate(made.files):
            archive.write(file, f"../../{number}.dcm")
    before = sorted(os.listdir(tmp_path)), sorted(os.listdir(tmp_path.parent))

    assert medzoo.read(path).shape == (7, 6, 8)
    assert before == (sorted(os.listdir(tmp_path)), sorted(os.listdir(tmp_path.parent)))


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_or_empty_zip(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)

    with pytest.raises(MedzooError):
        medzoo.read(path)


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.io.dicom.place.MOST_FILES", 3)
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"")

    with pytest.raises(ResourceError, match="files>3"):
        list_series(tmp_path)


def write_dicomdir(folder, names):
    """Writes a DICOMDIR whose records name files."""
    records = []
    for parts in names:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = parts
        records.append(record)
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.DirectoryRecordSequence = records
    path = folder / "DICOMDIR"
    found.save_as(path, enforce_file_format=True)
    return path
