import numpy as np
import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.io.dicom.segmentation import write_segmentation

highdicom = pytest.importorskip("highdicom")
pydicom = pytest.importorskip("pydicom")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
NAMES = {4: "brainstem", 7: "left precuneus", 9: "white matter lesions"}


@pytest.fixture
def labelled(maker, orientation):
    """A series, its Volume, and labels on it."""
    made = maker.series(orientation=orientation)
    volume = medzoo.read(made.folder)
    array = np.zeros(volume.shape, np.uint8)
    array[1:4, 1:3, 2:9] = 4
    array[4:6, 2:5, 0:2] = 7
    array[0, 0, 5] = 9
    return made, volume.with_array(array)


def in_world(labels):
    """World position (LPS) of every labelled voxel, with its label."""
    index = np.argwhere(labels.array > 0)
    affine = LPS_TO_RAS @ labels.affine
    places = index @ affine[:3, :3].T + affine[:3, 3]
    return {
        tuple(np.round(p, 2)): int(labels.array[tuple(i)])
        for p, i in zip(places, index, strict=True)
    }


def in_seg(path):
    """The same of a SEG, by the positions of its own frames."""
    found = highdicom.seg.segread(path)
    shared = found.SharedFunctionalGroupsSequence[0]
    along = np.array(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient, np.float64
    )
    spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, np.float64)
    labels = {7: "left precuneus", 4: "brainstem", 9: "white matter lesions"}
    of_name = {name: label for label, name in labels.items()}
    places = {}
    frames = found.PerFrameFunctionalGroupsSequence
    for frame, pixels in zip(frames, np.atleast_3d(found.pixel_array), strict=True):
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        label = of_name[found.SegmentSequence[number - 1].SegmentLabel]
        for row, column in np.argwhere(pixels):
            place = position + row * spacing[0] * along[3:]
            place = place + column * spacing[1] * along[:3]
            places[tuple(np.round(place, 2))] = label
    return places


def assert_same_places(found, expected):
    assert len(found) == len(expected)
    keys, wanted = np.array(list(found)), np.array(list(expected))
    distance = np.linalg.norm(keys[:, None] - wanted[None], axis=-1)
    nearest = distance.argmin(1)
    assert distance.min(1).max() < 0.05  # mm
    assert list(found.values()) == [list(expected.values())[i] for i in nearest]


def test_a_seg_lies_on_its_series(labelled, tmp_path):
    made, labels = labelled

    path = write_segmentation(
        labels, NAMES, made.folder, tmp_path / "seg.dcm", model="m@1"
    )

    assert_same_places(in_seg(path), in_world(labels))


def test_a_seg_refers_to_its_series_and_codes_its_classes(labelled, tmp_path):
    import pydicom

    made, labels = labelled
    path = write_segmentation(
        labels, NAMES, made.folder, tmp_path / "seg.dcm", model="m@1"
    )

    found = pydicom.dcmread(path)

    assert found.ReferencedSeriesSequence[0].SeriesInstanceUID == made.uid
    assert (str(found.PatientName), found.PatientID) == ("Secret^Person", "SECRET-ID")
    segments = found.SegmentSequence
    assert [s.SegmentLabel for s in segments] == list(NAMES.values())
    kinds = [s.SegmentedPropertyTypeCodeSequence[0] for s in segments]
    assert [(k.CodeValue, k.CodingSchemeDesignator) for k in kinds] == [
        ("119238007", "SCT"),
        ("label-7", "99MEDZOO"),
        ("52988006", "SCT"),
    ]


def say_anew_of_each_frame(path):
    """Moves what the frames share into each of them, as scanners of Siemens do."""
    found = pydicom.dcmread(path)
    shared = found.SharedFunctionalGroupsSequence[0]
    for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
        for frame in found.PerFrameFunctionalGroupsSequence:
            setattr(frame, name, shared[name].value)
        delattr(shared, name)
    found.save_as(path)


@pytest.mark.parametrize("anew", [False, True])
def test_of_an_enhanced_file(maker, tmp_path, anew):
    made = maker.enhanced()
    if anew:
        say_anew_of_each_frame(made.path)
    volume = medzoo.read(made.path)
    array = np.zeros(volume.shape, np.uint8)
    array[1:3, 1:4, 5] = 4
    array[4, 2, 0:3] = 7
    labels = volume.with_array(array)

    path = write_segmentation(
        labels, NAMES, made.path, tmp_path / "seg.dcm", model="m@1"
    )

    assert_same_places(in_seg(path), in_world(labels))


def test_another_grid_is_refused(labelled, tmp_path):
    made, labels = labelled
    moved = labels.affine.copy()
    moved[0, 3] += 1.0

    with pytest.raises(InputError, match="on the slices"):
        write_segmentation(
            labels.with_affine(moved), NAMES, made.folder, tmp_path / "a.dcm", model="m"
        )


def test_another_file_is_not_replaced(labelled):
    made, labels = labelled
    content = made.files[0].read_bytes()

    with pytest.raises(InputError, match="did not write"):
        write_segmentation(labels, NAMES, made.folder, made.files[0], model="m@1")
    assert made.files[0].read_bytes() == content
