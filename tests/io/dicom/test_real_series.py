"""Real series: voxels and place equal those of dcm2niix and of the samples' NIfTI."""

import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medzoo.io.dicom import list_series, read_dicom

GROUND_TRUTH = [
    "generic/anatomical/001",
    "generic/anatomical/002_non_isotropic",
    "generic/compressed_j2k/001",
    "generic/compressed_jpeg/001",
    "generic/compressed_jpegls/001",
    "generic/compressed_rle/001",
    "ge/anatomical/001",
    "hitachi/anatomical/001",
    "hyperfine/anatomical/001",
    "philips_enhanced/anatomical/001",
    "siemens_multiframe/anatomical/001",
    "failing/slicecount/001",
]


@pytest.fixture(scope="module")
def unpacked(realdata, tmp_path_factory):
    """A function that unpacks the sample with a word in its name."""
    found = {}

    def unpack(word):
        if word not in found:
            (path,) = (realdata / "dicom").glob(f"*{word}*.zip")
            found[word] = tmp_path_factory.mktemp(word)
            with zipfile.ZipFile(path) as archive:
                archive.extractall(found[word])
        return found[word]

    return unpack


@pytest.fixture(scope="module")
def converted(unpacked, tmp_path_factory):
    """A function that converts a sample with dcm2niix: (number, time) -> image."""

    def convert(word):
        command = Path(sys.executable).with_name("dcm2niix")
        if not command.exists():
            pytest.skip("dcm2niix is not installed")
        out = tmp_path_factory.mktemp(f"nii_{word}")
        # p: values as the standard scales them, as everybody else reads them.
        asked = ["-b", "n", "-z", "n", "-p", "n", "-f", "%s_%t", "-d", "9"]
        command = [command, *asked, "-o", out, unpacked(word)]
        subprocess.run(command, check=True, capture_output=True)
        return {path.name: nibabel.load(path) for path in out.glob("*.nii")}

    return convert


def assert_same(found, image):
    """Voxel for voxel, in the same place, whatever the order of the axes."""
    array, affine, _ = found
    ours = nibabel.as_closest_canonical(
        nibabel.Nifti1Image(array.astype(np.float32), affine)
    )
    theirs = nibabel.as_closest_canonical(image)
    assert ours.shape == theirs.shape[:3]
    expected = theirs.get_fdata().reshape(ours.shape)
    np.testing.assert_allclose(ours.get_fdata(), expected, rtol=1e-5, atol=1e-3)
    corner = np.append(np.array(ours.shape) - 1, 1)
    for index in ((0, 0, 0, 1), corner):
        distance = np.linalg.norm((ours.affine - theirs.affine) @ index)
        assert distance < 0.05  # mm; positions are written to a hundredth


@pytest.mark.parametrize("name", GROUND_TRUTH)
def test_equals_the_nifti_of_the_sample(unpacked, name):
    folder = unpacked("ground_truth") / "tests" / "data"
    if not folder.is_dir():
        (folder,) = unpacked("ground_truth").glob("*/tests/data")
    truth = nibabel.load(folder / f"{name}_ground_truth.nii.gz")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(read_dicom(folder / name), truth)


@pytest.mark.parametrize(
    ("word", "count"), [("xa30", 3), ("frag", 2), ("ts_mosaic", 9)]
)
def test_equals_dcm2niix(unpacked, converted, word, count):
    images = converted(word)
    rows, damaged = list_series(unpacked(word))

    assert (len(rows), len(images), damaged) == (count, count, 0)
    for row in rows:
        (image,) = (i for n, i in images.items() if n.startswith(f"{row.series}_"))
        assert_same(read_dicom(unpacked(word), series=row.series), image)


def test_one_head_in_three_positions_equals_dcm2niix(unpacked, converted):
    images = list(converted("decubitus").values())
    rows, _ = list_series(unpacked("decubitus"))

    assert len(rows) == len(images) == 3
    for row in rows:
        found = read_dicom(unpacked("decubitus"), series=row.uid)
        same = 0
        for image in images:
            try:
                assert_same(found, image)
                same += 1
            except AssertionError:
                continue
        assert same == 1


def test_a_head_of_two_slice_thicknesses_is_refused_or_resampled(unpacked):
    from medzoo.errors import InputError

    with pytest.raises(InputError, match=r"uneven slices .*1\.08 to 7\.00 mm"):
        read_dicom(unpacked("gantry_tilt"))
    array, affine, notes = read_dicom(unpacked("gantry_tilt"), resample=True)
    assert array.shape == (512, 512, 134)
    assert "tilted by 18.5 degrees" in notes[0]
    np.testing.assert_allclose(affine[:3, 2], (0, 0, 1.14), atol=1e-3)


def test_a_time_series_of_mosaics_is_no_volume(unpacked):
    (row,), _ = list_series(unpacked("mosaic_ep2d"))

    assert row.problem == "holds 6 volumes in one place"
