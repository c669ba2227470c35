import shutil
import zipfile

import numpy as np
import pytest

import medzoo
from medzoo.errors import (
    FileFormatError,
    GeometryError,
    InputError,
    MedzooWarning,
    MissingFileError,
)
from medzoo.io.dicom import list_series, read_dicom

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def places_of(volume, made):
    """What the volume has where the series has its voxels, `(slice, row, column)`."""
    index = np.indices(made.voxels.shape)[::-1].reshape(3, -1)
    world = LPS_TO_RAS @ made.affine @ np.vstack([index, np.ones(index.shape[1])])
    found = (np.linalg.inv(volume.affine) @ world)[:3]
    assert np.abs(found - found.round()).max() < 1e-3
    return volume.array[tuple(found.round().astype(int))].reshape(made.voxels.shape)


def test_every_voxel_lies_where_the_series_has_it(maker, orientation):
    made = maker.series(orientation=orientation)

    volume = medzoo.read(made.folder)

    np.testing.assert_array_equal(places_of(volume, made), made.voxels)
    assert volume.array.dtype == np.uint16
    assert volume.warnings == ()


def test_an_enhanced_file_is_sorted_by_geometry(maker):
    made = maker.enhanced()

    volume = medzoo.read(made.path)

    np.testing.assert_array_equal(places_of(volume, made), made.voxels)


def test_names_without_suffix_and_zips_read_alike(maker, tmp_path):
    made = maker.series(shape=(8, 6, 7))
    bare = tmp_path / "bare"
    bare.mkdir()
    archive = tmp_path / "study.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number, path in enumerate(made.files):
            shutil.copy(path, bare / f"IM{number}")
            file.write(path, f"deep/{number}/IMAGE")

    expected = medzoo.read(made.folder)

    for place in (bare, archive):
        found = medzoo.read(place)
        np.testing.assert_array_equal(found.array, expected.array)
        np.testing.assert_array_equal(found.affine, expected.affine)


def test_rescaling_makes_true_values(maker):
    made = maker.series(RescaleSlope=2.0, RescaleIntercept=-10.0)

    volume = medzoo.read(made.folder)

    np.testing.assert_allclose(places_of(volume, made), made.voxels * 2.0 - 10.0)
    assert volume.array.dtype == np.float32


def test_a_tilted_gantry_is_kept_as_shear_and_told(maker):
    made = maker.series(lean=(0.0, 0.8, 0.0))

    with pytest.warns(MedzooWarning, match=r"tilted by 14\.9 degrees"):
        volume = medzoo.read(made.folder)

    np.testing.assert_array_equal(places_of(volume, made), made.voxels)


@pytest.mark.parametrize(
    ("heights", "told"),
    [
        ([0, 3, 6, 9, 15, 18, 21, 24], "lacks 1 slices"),
        ([0, 3, 6, 9, 13, 18, 21, 24], "uneven"),
        ([0, 3, 6, 9, 0, 3, 6, 9], "2 volumes in one place"),
        ([0, 3, 6, 9, 9, 12, 15, 18], "several slices in one place"),
    ],
)
def test_slices_that_make_no_volume_are_refused(maker, heights, told):
    made = maker.series(shape=(8, 6, 7), heights=np.array(heights, float))

    with pytest.raises(InputError, match=told):
        medzoo.read(made.folder)
    assert told in list_series(made.folder)[0][0].problem


def test_missing_slices_are_resampled_when_asked(maker):
    heights = np.array([0, 3, 6, 9, 15, 18, 21, 24], float)
    made = maker.series(shape=(8, 6, 7), heights=heights)

    array, affine, notes = read_dicom(made.folder, resample=True)

    assert array.shape == (7, 6, 9)
    stored = made.voxels[:, ::-1].transpose(2, 1, 0)
    np.testing.assert_array_equal(array[:, :, 3], stored[:, :, 3])
    between = stored[:, :, 3:5].mean(-1)
    np.testing.assert_allclose(array[:, :, 4], between)
    assert np.linalg.norm(affine[:3, 2]) == pytest.approx(3.0)
    assert "resampled" in notes[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
    ],
)
def test_colour_is_refused(maker, fields, told):
    made = maker.series(**fields)

    with pytest.raises(InputError, match=told):
        medzoo.read(made.folder)


def test_images_without_a_place_are_refused(maker):
    made = maker.series(ImagePositionPatient=None)

    with pytest.raises(GeometryError, match="no slice positions"):
        medzoo.read(made.folder)


def test_a_file_that_is_there_twice_counts_once(maker):
    made = maker.series()
    shutil.copytree(made.folder, made.folder / "copy")

    np.testing.assert_array_equal(
        places_of(medzoo.read(made.folder), made), made.voxels
    )


def test_a_folder_without_images(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing")

    with pytest.raises(MissingFileError, match="must hold images"):
        medzoo.read(tmp_path)


def test_nothing_of_the_person_is_told(maker):
    made = maker.series(shape=(8, 6, 7), heights=np.arange(8.0) ** 2)
    told = str([row.to_dict() for row in list_series(made.folder)[0]])
    with pytest.raises(InputError) as error:
        medzoo.read(made.folder)

    for secret in ("Secret", "SECRET", "1970"):
        assert secret not in told + str(error.value)


@pytest.mark.parametrize("compressed", ["jpeg2000", "jpegls", "rle"])
def test_compressed_voxels(maker, compressed):
    import pydicom
    from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

    syntax = {
        "jpeg2000": JPEG2000Lossless,
        "jpegls": JPEGLSLossless,
        "rle": RLELossless,
    }[compressed]
    made = maker.series(shape=(8, 32, 40))
    for path in made.files:
        found = pydicom.dcmread(path)
        try:
            found.compress(syntax, generate_instance_uid=False)
        except RuntimeError as error:
            pytest.skip(f"no encoder is installed: {error}")
        found.save_as(path)

    volume = medzoo.read(made.folder)

    np.testing.assert_array_equal(places_of(volume, made), made.voxels)


def test_a_damaged_file_among_others_is_told(maker):
    made = maker.series()
    (made.folder / "broken.dcm").write_bytes(made.files[0].read_bytes()[:300])

    with pytest.warns(MedzooWarning, match="1 files are damaged"):
        volume = medzoo.read(made.folder)

    np.testing.assert_array_equal(places_of(volume, made), made.voxels)


def test_truncated_voxels_are_refused(maker):
    made = maker.series()
    content = made.files[3].read_bytes()
    made.files[3].write_bytes(content[:-20])

    with pytest.raises(FileFormatError, match="truncated or damaged"):
        medzoo.read(made.folder)
