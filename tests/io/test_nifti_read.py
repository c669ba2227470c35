import gzip
import os
import time
import warnings

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import medzoo.io
from medzoo.errors import (
    FileFormatError,
    InputError,
    MedzooError,
    MedzooWarning,
    MissingFileError,
    ResourceError,
)
from medzoo.io import memory_limit, read
from medzoo.volume import Volume

ARRAY = np.arange(24, dtype="i2").reshape(2, 3, 4)
AFFINE = np.array([[1, 0, 0, -5], [0, 2, 0, -6], [0, 0, 3, -7], [0, 0, 0, 1.0]])


def refused(path, error, match, **arguments):
    """Reads, expects the error, and checks what every message must be like."""
    start = time.perf_counter()
    with pytest.raises(error, match=match) as caught:
        read(path, **arguments)
    message = str(caught.value)
    assert time.perf_counter() - start < 1
    assert type(caught.value) is error
    assert str(path) in message
    assert "Received: " in message
    assert "\n" not in message
    assert "SECRET" not in message


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "i8", "f4", "f8"])
def test_reads_every_type_version_and_byte_order(save, version, order, dtype):
    path = save("a.nii.gz", ARRAY.astype(dtype), version=version, order=order)

    volume = read(path)

    np.testing.assert_array_equal(volume.array, ARRAY)
    expected = "f4" if dtype == "f8" else dtype
    assert volume.array.dtype == np.dtype(expected)
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.affine, AFFINE)
    assert volume.warnings == ()


@pytest.mark.parametrize("asked", [0, 1])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "names",
    [("a.hdr", "a.img"), ("a.hdr.gz", "a.img.gz"), ("a.hdr", "a.img.gz"),
     ("A.HDR", "A.IMG"), ("a.b.hdr", "a.b.img")],
    ids="-".join,
)  # fmt: skip
def test_reads_a_pair_by_either_name(save_pair, names, version, asked):
    paths = save_pair(*names, version=version)

    volume = read(paths[asked])

    np.testing.assert_array_equal(volume.array, ARRAY)
    np.testing.assert_array_equal(volume.affine, AFFINE)


def test_half_a_pair_is_missing(save_pair):
    header, voxels = save_pair("a.hdr", "a.img")
    voxels.unlink()

    refused(header, MissingFileError, "pair")


def test_agrees_with_nibabel_on_its_own_file(tmp_path):
    array = np.random.default_rng(0).normal(size=(4, 5, 6)) * 1000
    image = nibabel.Nifti1Image(array, AFFINE)
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "a.nii.gz")

    volume = read(tmp_path / "a.nii.gz")

    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(
        volume.array, nibabel.load(tmp_path / "a.nii.gz").get_fdata(), rtol=1e-6
    )


def test_name_may_lie_about_gzip(save, tmp_path):
    plain, packed = save("a.nii"), save("b.nii.gz")
    plain.rename(tmp_path / "c.nii.gz")
    packed.rename(tmp_path / "d.nii")

    for name in ("c.nii.gz", "d.nii"):
        np.testing.assert_array_equal(read(tmp_path / name).array, ARRAY)


def test_result_is_no_memory_map_and_writable(save):
    path = save("a.nii")
    array = read(path).array
    path.write_bytes(b"")

    array[0, 0, 0] = 7

    base = array
    while base is not None and not isinstance(base, bytearray):
        assert not isinstance(base, np.memmap)
        base = getattr(base, "base", None)
    assert array[1, 2, 3] == 23


@pytest.mark.parametrize(
    ("slope", "inter", "expected", "dtype"),
    [
        (1, 0, ARRAY, "i2"),
        (0, 5, ARRAY, "i2"),
        (np.nan, np.nan, ARRAY, "i2"),
        (np.nan, 5, ARRAY, "i2"),
        (2, 0, ARRAY * 2.0, "f4"),
        (1, -3, ARRAY - 3.0, "f4"),
        (-0.5, 10, ARRAY * -0.5 + 10, "f4"),
    ],
)
def test_scaling(save, slope, inter, expected, dtype):
    volume = read(save("a.nii", scl_slope=slope, scl_inter=inter))

    np.testing.assert_array_equal(volume.array, expected)
    assert volume.array.dtype == np.dtype(dtype)


def test_one_volume_in_four_dimensions_is_3d(save):
    assert read(save("a.nii", ARRAY[..., None])).shape == (2, 3, 4)


def test_voxels_may_start_later(save):
    path = save("a.nii", vox_offset=354, trail=b"\0\0")

    np.testing.assert_array_equal(
        read(path).array.ravel("F")[:-1], ARRAY.ravel("F")[1:]
    )


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"scl_slope": np.inf}, FileFormatError, "scl_slope"),
        ({"scl_slope": np.nan, "scl_inter": np.inf}, FileFormatError, "scl_inter"),
        ({"scl_inter": np.inf}, FileFormatError, "scl_inter"),
        ({"scl_slope": 0, "scl_inter": np.nan}, FileFormatError, "scl_inter"),
        ({"vox_offset": np.nan}, FileFormatError, "vox_offset"),
        ({"vox_offset": -1}, FileFormatError, "vox_offset"),
        ({"vox_offset": 0}, FileFormatError, "at least 352"),
        ({"vox_offset": 348}, FileFormatError, "at least 352"),
        ({"vox_offset": 352.5}, FileFormatError, "whole number"),
        ({"vox_offset": 1e30}, FileFormatError, "promises"),
        ({"vox_offset": 400}, FileFormatError, "whole"),
        ({"datatype": 32, "bitpix": 64}, InputError, "complex64"),
        ({"datatype": 128, "bitpix": 24}, InputError, "RGB"),
        ({"datatype": 2304, "bitpix": 32}, InputError, "RGBA"),
        ({"datatype": 1, "bitpix": 1}, InputError, "binary"),
        ({"datatype": 77}, FileFormatError, "datatype=77"),
        ({"bitpix": 8}, FileFormatError, "bitpix=8"),
        ({"dim": [2, 6, 4, 1, 1, 1, 1, 1]}, InputError, "3-D"),
        ({"dim": [4, 2, 3, 2, 2, 1, 1, 1]}, InputError, "volumes=2"),
        ({"dim": [5, 2, 3, 1, 1, 4, 1, 1]}, InputError, "volumes=4"),
        ({"dim": [3, 2, 0, 4, 1, 1, 1, 1]}, FileFormatError, "at least one"),
        ({"dim": [3, 2, -3, 4, 1, 1, 1, 1]}, FileFormatError, "at least one"),
        ({"dim": [8, 2, 3, 4, 1, 1, 1, 1]}, FileFormatError, "dimensions"),
        ({"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, FileFormatError, "promises"),
    ],
    ids=str,
)
def test_refuses_headers(save, suffix, changes, error, match):
    if changes.get("vox_offset") == 400:
        match = "whole|promises"
    refused(save("a" + suffix, **changes), error, match)


def test_absurd_size_is_refused_though_the_bytes_could_be_there(save):
    path = save("a.nii", dim=[3, 4096, 4096, 4096, 1, 1, 1, 1])
    os.truncate(path, 352 + 2 * 4096**3)  # sparse: takes no disk

    refused(path, ResourceError, "memory")


def test_gzip_bomb_is_not_unpacked(save, tmp_path):
    content = gzip.decompress(save("a.nii.gz").read_bytes())
    bomb = tmp_path / "bomb.nii.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(content)
        for _ in range(300):
            file.write(bytes(1 << 20))

    refused(bomb, FileFormatError, "trailing")


def test_packed_absurd_size_is_refused_by_its_header(save, monkeypatch):
    voxels = np.random.default_rng(0).integers(0, 99, (50, 50, 50), "i2")
    # The bytes could be there at deflate's best ratio, but not in the memory.
    path = save("a.nii.gz", voxels, dim=[3, 400, 400, 400, 1, 1, 1, 1])
    monkeypatch.setattr(memory_limit, "MOST_BYTES", 100 << 20)

    refused(path, ResourceError, "memory")


def test_zeros_after_the_end_of_gzip(save):
    path = save("a.nii.gz")
    size = path.stat().st_size
    os.truncate(path, size + 512)  # tape blocks: gzip allows them
    np.testing.assert_array_equal(read(path).array, ARRAY)

    os.truncate(path, 200 << 20)
    refused(path, FileFormatError, "checksum, not with zeros")


@pytest.mark.parametrize("missing", [1, 20, 48, 49, 200, 351])
def test_truncated_file(save, missing):
    path = save("a.nii")
    os.truncate(path, path.stat().st_size - missing)

    refused(path, FileFormatError, "header|promises|whole")


def test_truncated_anywhere_in_gzip(save):
    path = save("a.nii.gz")
    content = path.read_bytes()
    for length in range(1, len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(FileFormatError):
            read(path)


def test_truncated_voxels_of_a_pair(save_pair):
    header, voxels = save_pair("a.hdr", "a.img")
    os.truncate(voxels, 47)

    with pytest.raises(FileFormatError, match=r"promises.* in .*a\.img"):
        read(header)


def test_any_flipped_bit_in_gzip_is_noticed_or_harmless(save):
    path = save("a.nii.gz", np.random.default_rng(0).integers(0, 99, (2, 3, 4), "i2"))
    content = path.read_bytes()
    right = read(path).array
    for position in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                array = read(path).array
            except FileFormatError:
                continue
            # Flags, time, padding and unused codes: no checksum covers them.
            np.testing.assert_array_equal(array, right)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.nii", b""),
        ("a.nii", b"This is a text file, and not an image.\n" * 20),
        ("a.nii.gz", b"\x1f\x8b"),
        ("a.nii.gz", gzip.compress(b"", mtime=0)),
        ("a.nii.gz", gzip.compress(b"text" * 500, mtime=0)),
        ("a.png", b"\x89PNG"),
        ("a.gz", b"\x1f\x8b"),
        ("nii", b"x"),
        ("line\nbreak.txt", b"x"),
    ],
)
def test_refuses_what_is_no_image(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_refuses_a_folder_and_a_missing_file(tmp_path):
    (tmp_path / "a.nii").mkdir()

    refused(tmp_path / "a.nii", FileFormatError, "folder")
    refused(tmp_path / "b.nii", MissingFileError, "exist")
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / "b.nii"))
    refused(tmp_path / ("a" * 300 + ".nii"), MissingFileError, "exist")


@pytest.mark.parametrize("name", [".nii", ".nii.gz", ".img", ".npy", ".mha"])
def test_name_that_is_only_a_suffix(save, tmp_path, name):
    save("a.nii").rename(tmp_path / name)

    refused(tmp_path / name, FileFormatError, "name")


def test_links_and_names_with_spaces(save, tmp_path):
    (tmp_path / "ü 图 %d.nii.gz").symlink_to(save("a.nii.gz"))
    np.testing.assert_array_equal(read(tmp_path / "ü 图 %d.nii.gz").array, ARRAY)

    (tmp_path / "loop.nii").symlink_to(tmp_path / "loop.nii")
    refused(tmp_path / "loop.nii", MissingFileError, "exist")


def test_gzip_of_several_members_or_with_garbage_at_the_end(save, tmp_path):
    content = gzip.decompress(save("a.nii.gz").read_bytes())
    path = tmp_path / "b.nii.gz"
    path.write_bytes(gzip.compress(content[:360]) + gzip.compress(content[360:]))
    np.testing.assert_array_equal(read(path).array, ARRAY)

    path.write_bytes(gzip.compress(content) + b"garbage")
    refused(path, FileFormatError, "whole")


def test_signature_must_fit_the_name(save, save_pair, tmp_path):
    header, _ = save_pair("a.hdr", "a.img")
    header.rename(tmp_path / "b.nii")

    refused(tmp_path / "b.nii", FileFormatError, "signature")


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    version=st.sampled_from([1, 2]),
    order=st.sampled_from("<>"),
    changes=st.lists(
        st.tuples(st.integers(0, 543), st.integers(0, 255)), min_size=1, max_size=6
    ),
)
def test_damaged_header_gives_a_volume_or_our_error(
    tmp_path, nifti_bytes, version, order, changes
):
    content = bytearray(nifti_bytes(version=version, order=order, qform_code=1))
    for position, value in changes:
        content[position % len(content)] = value
    path = tmp_path / "a.nii"
    path.write_bytes(content)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", MedzooWarning)
        try:
            volume = read(path)
        except MedzooError as error:
            message = str(error)
            assert str(path) in message
            assert "Received: " in message
            assert "\n" not in message
        else:
            assert isinstance(volume, Volume)
            assert np.isfinite(volume.array).all()


def test_public_names():
    assert medzoo.io.__all__ == ["read", "write"]
