import gzip
import os

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medzoo.errors import FileFormatError, InputError, MissingFileError
from medzoo.io import image_files, read, write
from medzoo.volume import Volume

DTYPES = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8", "?"]
STORED = {"?": "u1", "i8": "i4", "f8": "f4", "f2": "f4"}
FORMATS = ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"]


def random_volume(seed, dtype, shear=False):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if shear:
        rotation = rotation @ np.array([[1, 0.2, 0], [0, 1, -0.3], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rotation * rng.uniform(0.1, 8, 3)
    affine[:3, 3] = rng.uniform(-300, 300, 3)
    array = rng.integers(0, 2 if dtype == "?" else 100, rng.integers(1, 7, 3))
    return Volume(array.astype(dtype), affine)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(DTYPES),
    name=st.sampled_from(FORMATS),
    shear=st.booleans(),
)
def test_round_trip(tmp_path, seed, dtype, name, shear):
    volume = random_volume(seed, dtype, shear)

    found = read(write(volume, tmp_path / name))

    np.testing.assert_array_equal(found.array, volume.array)
    assert found.array.dtype == np.dtype(STORED.get(dtype, dtype))
    np.testing.assert_allclose(found.affine, volume.affine, rtol=1e-6, atol=1e-4)
    assert found.warnings == ()
    assert os.listdir(tmp_path).count(name) == 1
    assert not [n for n in os.listdir(tmp_path) if n.startswith(".medzoo")]


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4"])
def test_npy_round_trip_without_affine(tmp_path, dtype):
    volume = random_volume(0, dtype)

    found = read(write(volume, tmp_path / "a.npy"), assume_affine=1)

    np.testing.assert_array_equal(found.array, volume.array)
    assert found.array.dtype == volume.array.dtype


def test_both_forms_are_written_and_agree(tmp_path):
    volume = random_volume(3, "f4")
    header = nibabel.load(write(volume, tmp_path / "a.nii.gz")).header

    assert header["sform_code"] == header["qform_code"] == 2
    np.testing.assert_allclose(header.get_sform(), header.get_qform(), atol=1e-3)
    assert header.get_xyzt_units()[0] == "mm"


def test_shear_is_written_as_sform_only(tmp_path):
    volume = random_volume(3, "f4", shear=True)
    header = nibabel.load(write(volume, tmp_path / "a.nii")).header

    assert (header["sform_code"], header["qform_code"]) == (2, 0)
    np.testing.assert_allclose(header["pixdim"][1:4], volume.spacing, rtol=1e-5)


def test_long_axis_becomes_nifti_2(tmp_path):
    volume = Volume(np.zeros((40000, 1, 1), "u1"), np.diag([0.01, 1, 1, 1]))
    path = write(volume, tmp_path / "a.nii.gz")

    assert isinstance(nibabel.load(path), nibabel.Nifti2Image)
    assert read(path).shape == (40000, 1, 1)


@pytest.mark.parametrize("name", [*FORMATS, "a.npy"])
def test_channels_are_written_but_are_no_single_volume(tmp_path, name):
    array = np.random.default_rng(0).random((2, 3, 4, 5), np.float32)
    path = write(Volume(array, np.eye(4)), tmp_path / name)

    with pytest.raises(InputError, match="volumes=5"):
        read(path, assume_affine=1)
    if ".nii" in name:
        np.testing.assert_array_equal(nibabel.load(path).get_fdata(), array)


def test_same_volume_gives_same_bytes(tmp_path):
    volume = random_volume(1, "f4")
    one, two = (write(volume, tmp_path / n) for n in ("a.nii.gz", "b.nii.gz"))

    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes()[3] == 0  # no name in the gzip header


def test_input_and_output_may_be_one_path(tmp_path):
    path = write(random_volume(1, "i2"), tmp_path / "a.nii")
    volume = read(path)

    write(volume.with_array(volume.array + 1), path)

    np.testing.assert_array_equal(read(path).array, volume.array + 1)


def test_orientation_in_files_is_lps_for_simple_itk(tmp_path):
    import SimpleITK

    affine = np.array([[1, 0, 0, 10], [0, 2, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1.0]])
    path = write(Volume(np.zeros((2, 3, 4), "u1"), affine), tmp_path / "a.mha")
    image = SimpleITK.ReadImage(str(path))

    assert image.GetSize() == (2, 3, 4)
    assert image.GetOrigin() == (-10, -20, 30)
    assert image.GetSpacing() == (1, 2, 3)
    assert image.GetDirection() == (-1, 0, 0, 0, -1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.full((2, 2, 2), 2**31), "32 bits"),
        (np.full((2, 2, 2), 2**63, "u8"), "32 bits"),
        (np.full((2, 2, 2), -(2**31) - 1), "32 bits"),
        (np.full((2, 2, 2), 1e300), "finite"),
        (np.full((2, 2, 2), np.nan), "finite"),
        (np.zeros((2, 2, 2), "c8"), "real"),
        (np.full((2, 2, 2), None), "real"),
    ],
)
def test_refuses_voxels_and_keeps_the_old_file(tmp_path, array, match):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"old")

    with pytest.raises(InputError, match=match):
        write(Volume(array, np.eye(4)), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_damage_while_writing_is_noticed(tmp_path, monkeypatch):
    def write_then_damage(array, affine, path):
        image_files.write_nifti(array, affine, path)
        content = bytearray(gzip.decompress(path.read_bytes()))
        content[-1] ^= 1
        path.write_bytes(gzip.compress(content))

    monkeypatch.setitem(image_files.WRITERS, ".nii.gz", write_then_damage)
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"old")

    with pytest.raises(FileFormatError, match="same voxels=False"):
        write(random_volume(0, "i2"), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def small_disk():
    """Files end after 20 kB, as on a disk that becomes full."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.npy", "a.mha", "a.NRRD"])
def test_a_disk_that_becomes_full_names_the_file(tmp_path, small_disk, name):
    voxels = np.random.default_rng(0).random((32, 32, 32), np.float32)
    with pytest.raises(OSError, match=r"whole|large") as told:
        write(Volume(voxels, np.eye(4)), tmp_path / name)
    assert told.value.filename == str(tmp_path / name)
    # No text of other libraries, which name the temporary file.
    assert "\n" not in str(told.value)
    assert ".medzoo" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.txt", "a", "a.mhd", "a.hdr", "a.gz"])
def test_refuses_other_suffixes(tmp_path, name):
    with pytest.raises(InputError, match="name must end in"):
        write(random_volume(0, "u1"), tmp_path / name)


def test_folder_must_exist(tmp_path):
    with pytest.raises(MissingFileError, match="folder"):
        write(random_volume(0, "u1"), tmp_path / "no" / "a.nii")


def test_refuses_a_folder_as_file(tmp_path):
    (tmp_path / "a.nii").mkdir()

    with pytest.raises(InputError, match="folder"):
        write(random_volume(0, "u1"), tmp_path / "a.nii")


def test_link_is_followed(tmp_path):
    (tmp_path / "link.nii").symlink_to(tmp_path / "a.nii")
    volume = random_volume(1, "i2")

    write(volume, tmp_path / "link.nii")

    assert (tmp_path / "link.nii").is_symlink()
    np.testing.assert_array_equal(read(tmp_path / "a.nii").array, volume.array)
