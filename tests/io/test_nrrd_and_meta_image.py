import os
import sys

import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medzoo.errors import (
    FileFormatError,
    GeometryError,
    InputError,
    MedzooError,
    MissingFileError,
    ResourceError,
)
from medzoo.io import read, write

NAMES = ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"]
ARRAY = np.random.default_rng(0).integers(0, 999, (5, 6, 7)).astype("i2")


def save(path, array=ARRAY, compress=True):
    """As another program would: through SimpleITK, in LPS."""
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetOrigin((-10.0, -20.0, 30.0))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    SimpleITK.WriteImage(image, str(path), useCompression=compress)
    return path


def change(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_reads_what_others_wrote(tmp_path, name, compress, dtype):
    volume = read(save(tmp_path / name, ARRAY.astype(dtype), compress))

    np.testing.assert_array_equal(volume.array, ARRAY.astype(dtype))
    assert volume.array.dtype == np.dtype("f4" if dtype == "f8" else dtype)
    # LPS -> RAS by hand: x and y change sign.
    expected = [[0, 2, 0, 10], [-1, 0, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]]
    np.testing.assert_allclose(volume.affine, expected, atol=1e-9)


def test_nrrd_in_ras_is_understood(tmp_path):
    header = (
        "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 3 4\nencoding: raw\n"
        "space: right-anterior-superior\nspace origin: (1,2,3)\n"
        "space directions: (2,0,0) (0.5,3,0) (0,0,4)\n\n"
    )
    (tmp_path / "a.nrrd").write_bytes(header.encode() + bytes(range(24)))

    volume = read(tmp_path / "a.nrrd")

    np.testing.assert_array_equal(
        volume.array, np.arange(24).reshape((2, 3, 4), order="F")
    )
    expected = [[2, 0.5, 0, 1], [0, 3, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(volume.affine, expected, atol=1e-9)


def test_nrrd_in_micrometres(tmp_path):
    path = save(tmp_path / "a.nrrd")
    change(path, b"\nkinds:", b'\nspace units: "um" "um" "um"\nkinds:')

    np.testing.assert_allclose(read(path).spacing, (0.001, 0.002, 0.003))


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("missing", [1, 100])
@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_truncated(tmp_path, name, compress, missing):
    path = save(tmp_path / name, compress=compress)
    os.truncate(path, path.stat().st_size - missing)

    with pytest.raises(FileFormatError, match=rf" in .*{name}\. Received: [^\n]*$"):
        read(path)


@pytest.mark.parametrize(("name", "data"), [("a.nhdr", "a.raw"), ("a.mhd", "a.raw")])
def test_truncated_or_missing_data_file(tmp_path, name, data):
    path = save(tmp_path / name, compress=False)
    os.truncate(tmp_path / data, 100)
    with pytest.raises(FileFormatError, match="promises"):
        read(path)

    (tmp_path / data).unlink()
    with pytest.raises(MissingFileError, match=name):
        read(path)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_flipped_bit_in_packed_voxels(tmp_path, name):
    path = save(tmp_path / name)
    content = path.read_bytes()
    for position in range(len(content) - 150, len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        try:
            array = read(path).array
        except FileFormatError:
            continue
        # Bits that pad the last byte of the packed data mean nothing.
        np.testing.assert_array_equal(array, ARRAY)


@pytest.mark.parametrize("name", ["A.NRRD", "A.MHA", "ü 图.nrrd", "ü 图.mha"])
def test_names_in_capitals_and_unicode(tmp_path, name):
    lower = save(tmp_path / name.lower())
    content = lower.read_bytes()
    lower.unlink()
    (tmp_path / name).write_bytes(content)

    volume = read(tmp_path / name)
    np.testing.assert_array_equal(volume.array, ARRAY)

    (tmp_path / name).unlink()
    write(volume, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(read(tmp_path / name).array, ARRAY)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
@pytest.mark.parametrize("suffix", [b".nrrd", b".mha"])
def test_name_that_is_no_unicode_does_not_end_the_process(tmp_path, suffix):
    path = save(tmp_path / f"a{os.fsdecode(suffix)}")
    path = path.rename(tmp_path / os.fsdecode(b"\xff" + suffix))

    with pytest.raises(InputError, match="Unicode") as caught:
        read(path)
    assert str(caught.value).isprintable()


def test_packed_image_of_several_chunks(tmp_path):
    array = np.zeros((128, 128, 96), "i2")
    for name in ("a.nrrd", "a.mha"):
        assert read(save(tmp_path / name, array)).shape == array.shape


@pytest.mark.parametrize(
    "where", ["../a.raw", "/etc/hostname", "LIST", "a%d.raw 1 2 1"]
)
@pytest.mark.parametrize("name", ["a.nhdr", "a.mhd"])
def test_data_file_may_not_lie_elsewhere(tmp_path, name, where):
    path = save(tmp_path / name, compress=False)
    change(path, b"a.raw", where.encode())

    with pytest.raises((FileFormatError, InputError)) as caught:
        read(path)
    assert "/etc" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new", "error"),
    [
        ("a.mha", b"DimSize = 5 6 7", b"DimSize = 5 6 8", FileFormatError),
        ("a.mha", b"DimSize = 5 6 7", b"DimSize = 5 6 0", FileFormatError),
        ("a.mha", b"DimSize = 5 6 7", b"DimSize = 5 6 x", FileFormatError),
        ("a.mha", b"DimSize = 5 6 7", b"DimSize = 99999 99999 99999", ResourceError),
        ("a.mha", b"MET_SHORT", b"MET_LONG", InputError),
        ("a.mha", b"BinaryData = True", b"BinaryData = False", InputError),
        ("a.mha", b"Offset = -10", b"Offset = nan", FileFormatError),
        ("a.mha", b"ElementSpacing = 1", b"ElementSpacing = 0", MedzooError),
        ("a.mha", b"TransformMatrix", b"Forgotten", GeometryError),
        ("a.mha", b"NDims = 3", b"NDims = 3\nNDims = 3", FileFormatError),
        ("a.mha", b"ObjectType", b"Object\0ype =\n\n", FileFormatError),
        ("a.mha", b"CompressedDataSize = ", b"CompressedDataSize = 1", FileFormatError),
        ("a.mha", b"CompressedDataSize = 3", b"CompressedDataSize = ", FileFormatError),
        ("a.mha", b"DimSize", b"DistanceUnits = um\nDimSize", InputError),
        (
            "a.mha",
            b"DimSize",
            b"ElementToIntensityFunctionSlope = 2\nDimSize",
            InputError,
        ),
        ("a.nrrd", b"left-posterior-superior", b"3D-right-handed", GeometryError),
        ("a.nrrd", b"left-posterior-superior", b"scanner-xyz", GeometryError),
        ("a.nrrd", b"sizes: 5 6 7", b"sizes: 5 6 8", FileFormatError),
        ("a.nrrd", b"sizes: 5 6 7", b"sizes: 99999 99999 99999", ResourceError),
        ("a.nrrd", b"type: short", b"type: block", InputError),
        ("a.nrrd", b"encoding: gzip", b"encoding: bzip2", InputError),
        ("a.nrrd", b"space origin: (-10", b"space origin: (nan", FileFormatError),
        ("a.nrrd", b"space origin", b"# space origin", GeometryError),
        ("a.nrrd", b"NRRD000", b"NOTNRRD", FileFormatError),
    ],
)
def test_refuses_headers(tmp_path, name, old, new, error):
    path = change(save(tmp_path / name), old, new)

    with pytest.raises(error, match=rf" in .*{name}\. Received: [^\n]*$"):
        read(path)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_refuses_two_dimensions_and_vectors(tmp_path, name):
    path = str(tmp_path / name)
    SimpleITK.WriteImage(SimpleITK.Image([4, 4], SimpleITK.sitkUInt8), path)
    with pytest.raises(InputError, match="3-D"):
        read(path)

    SimpleITK.WriteImage(SimpleITK.Image([4, 4, 4], SimpleITK.sitkVectorUInt8, 3), path)
    with pytest.raises(InputError, match="volumes=3"):
        read(path)

    SimpleITK.WriteImage(SimpleITK.Image([4, 4, 4, 2], SimpleITK.sitkUInt8), path)
    with pytest.raises(InputError, match="volumes=2"):
        read(path)


def test_one_volume_in_four_dimensions_is_3d(tmp_path):
    image = SimpleITK.Image([4, 5, 6, 1], SimpleITK.sitkUInt8)
    SimpleITK.WriteImage(image, str(tmp_path / "a.mha"))

    assert read(tmp_path / "a.mha").shape == (4, 5, 6)


def test_assumption_for_a_header_without_place(tmp_path):
    path = change(save(tmp_path / "a.mha"), b"TransformMatrix", b"Forgotten")

    assert read(path, assume_affine=2).spacing == (2, 2, 2)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(["a.nrrd", "a.mha"]),
    changes=st.lists(
        st.tuples(st.integers(0, 330), st.integers(0, 255)), min_size=1, max_size=4
    ),
)
def test_damaged_header_gives_a_volume_or_our_error(tmp_path, name, changes):
    path = save(tmp_path / name, compress=False)
    content = bytearray(path.read_bytes())
    for position, value in changes:
        content[position] = value
    path.write_bytes(content)

    try:
        volume = read(path)
    except MedzooError as error:
        message = str(error)
        assert "\n" not in message
    else:
        assert volume.array.size == ARRAY.size


@pytest.mark.parametrize(
    ("name", "sizes", "fewer"),
    [
        ("a.nrrd", b"sizes: 5 6 7", b"sizes: 1 6 7"),
        ("a.mha", b"DimSize = 5 6 7", b"DimSize = 5 6 1"),
    ],
)
def test_more_voxels_than_promised_are_refused(tmp_path, name, sizes, fewer):
    path = change(save(tmp_path / name, compress=False), sizes, fewer)

    with pytest.raises(FileFormatError, match="and no more"):
        read(path)
