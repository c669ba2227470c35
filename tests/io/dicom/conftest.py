"""DICOM made by code: small series of every kind, without a person."""

from types import SimpleNamespace

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, generate_uid  # noqa: E402

MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
# Directions of rows and columns, LPS.
ORIENTATIONS = {
    "axial": (1, 0, 0, 0, 1, 0),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "coronal": (1, 0, 0, 0, 0, -1),
    "oblique": (0.98, 0.17, -0.103, -0.2, 0.8, -0.566),
    "upside down": (-1, 0, 0, 0, 1, 0),
}


def unit_orientation(name):
    row, column = np.split(np.array(ORIENTATIONS[name], float), 2)
    row /= np.linalg.norm(row)
    column -= row * (row @ column)
    return np.concatenate([row, column / np.linalg.norm(column)])


def new_file(uid=None, sop_class=MR):
    """A data set with what every image has."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid or generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = Dataset()
    found.file_meta = meta
    found.SOPClassUID = sop_class
    found.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    found.Modality = "CT" if sop_class == CT else "MR"
    found.PatientName, found.PatientID = "Secret^Person", "SECRET-ID"
    found.PatientBirthDate, found.PatientSex = "19700101", "F"
    found.StudyDate, found.StudyTime, found.StudyID = "20200101", "120000", "1"
    found.AccessionNumber, found.ReferringPhysicianName = "", ""
    found.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
    found.PixelRepresentation = 0
    return found


def set_pixels(found, voxels):
    found.Rows, found.Columns = voxels.shape[-2:]
    found.PixelData = np.ascontiguousarray(voxels, "<u2").tobytes()


class Maker:
    """Makes series in a folder.

    Args:
        folder: path.
    """

    def __init__(self, folder):
        self.folder = folder
        self.study = generate_uid()
        self.frame_of_reference = generate_uid()

    def series(
        self,
        name="scan",
        *,
        shape=(10, 6, 7),
        orientation="axial",
        spacing=(1.5, 2.0, 3.0),
        heights=None,
        lean=(0.0, 0.0, 0.0),
        number=1,
        description="T1 MPRAGE",
        sop_class=MR,
        seed=0,
        uid=None,
        voxels=None,
        **fields,
    ):
        """Writes classic slices, in shuffled order of names.

        Args:
            name: str, folder.
            shape: slices, rows, columns.
            orientation: str.
            spacing: mm between rows, columns, slices.
            heights: mm of each slice along the normal, or None for even ones.
            lean: mm by which each slice is moved besides.
            number: int, or None to leave it out.
            description: str.
            sop_class: str.
            seed: int, of the voxels.
            uid: str, of the series.
            voxels: `shape`, or None for noise.
            **fields: further elements.

        Returns:
            SimpleNamespace of folder, voxels `(slice, row, column)`, affine (LPS, of
            column, row, slice), uid, files in the order of the slices.
        """
        where = self.folder / name
        where.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(seed)
        if voxels is None:
            voxels = generator.integers(0, 4000, shape).astype(np.uint16)
        shape = voxels.shape
        along = unit_orientation(orientation)
        normal = np.cross(along[:3], along[3:])
        if heights is None:
            heights = spacing[2] * np.arange(shape[0])
        origin = np.array([-12.0, 20.0, 5.0])
        uid = uid or generate_uid()
        order = generator.permutation(shape[0])
        files = []
        for index, height in enumerate(heights):
            found = new_file(sop_class=sop_class)
            self._tell(found, uid, number, description)
            found.InstanceNumber = int(order[index]) + 1
            found.ImageOrientationPatient = [f"{v:.10g}" for v in along]
            position = origin + height * normal + index * np.array(lean)
            found.ImagePositionPatient = [f"{v:.10g}" for v in position]
            found.PixelSpacing = list(spacing[:2])
            found.SliceThickness = spacing[2]
            for field, value in fields.items():
                setattr(found, field, value)
            set_pixels(found, voxels[index])
            files.append(where / f"{order[index]:04d}.dcm")
            found.save_as(files[-1], enforce_file_format=True)
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = along[:3] * spacing[1], along[3:] * spacing[0]
        affine[:3, 2] = (
            normal * (heights[-1] - heights[0]) / max(1, shape[0] - 1) + lean
        )
        affine[:3, 3] = origin + heights[0] * normal
        return SimpleNamespace(
            folder=where, voxels=voxels, affine=affine, uid=uid, files=files
        )

    def enhanced(self, name="enhanced.dcm", *, shape=(8, 6, 7), orientation="sagittal"):
        """Writes one multi-frame file whose frames are in shuffled order."""
        generator = np.random.default_rng(1)
        voxels = generator.integers(0, 4000, shape).astype(np.uint16)
        along = unit_orientation(orientation)
        normal = np.cross(along[:3], along[3:])
        found = new_file(sop_class=ENHANCED_MR)
        uid = generate_uid()
        self._tell(found, uid, 3, "T1 3D")
        found.NumberOfFrames = shape[0]
        shared = Dataset()
        shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=list(along))]
        measures = _item(PixelSpacing=[2.0, 1.5], SliceThickness=3.0)
        shared.PixelMeasuresSequence = [measures]
        found.SharedFunctionalGroupsSequence = [shared]
        order = generator.permutation(shape[0])
        frames = []
        for index in order:
            frame = Dataset()
            position = list(3.0 * index * normal + (1.0, 2.0, 3.0))
            frame.PlanePositionSequence = [_item(ImagePositionPatient=position)]
            frames.append(frame)
        found.PerFrameFunctionalGroupsSequence = frames
        set_pixels(found, voxels[order])
        path = self.folder / name
        found.save_as(path, enforce_file_format=True)
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1] = along[:3] * 1.5, along[3:] * 2.0
        affine[:3, 2], affine[:3, 3] = normal * 3.0, (1.0, 2.0, 3.0)
        return SimpleNamespace(path=path, voxels=voxels, affine=affine, uid=uid)

    def _tell(self, found, uid, number, description):
        found.StudyInstanceUID, found.SeriesInstanceUID = self.study, uid
        found.FrameOfReferenceUID = self.frame_of_reference
        found.PositionReferenceIndicator = ""
        found.SeriesDescription = description
        if number is not None:
            found.SeriesNumber = number


def _item(**fields):
    item = Dataset()
    for name, value in fields.items():
        setattr(item, name, value)
    return item


@pytest.fixture
def maker(tmp_path):
    """A `Maker` in a folder of its own."""
    folder = tmp_path / "dicom"
    folder.mkdir()
    return Maker(folder)


@pytest.fixture(params=ORIENTATIONS)
def orientation(request):
    """Name of an orientation."""
    return request.param
