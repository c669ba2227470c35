"""A label map as DICOM SEG that refers to the series it was made from.

The one place where patient data of a header are copied: into the SEG, as the
standard wants it, and nowhere else.
"""

import os
import warnings
from pathlib import Path

import numpy as np

from medzoo._version import __version__
from medzoo.errors import InputError
from medzoo.files import replace_atomically
from medzoo.io.dicom.bounded_reader import BoundedReader
from medzoo.io.dicom.header import SEGMENTATION, read_errors
from medzoo.io.dicom.place import open_place, split_series
from medzoo.io.dicom.read import series_in
from medzoo.io.dicom.requirement import require
from medzoo.io.dicom.segment_codes import coded
from medzoo.io.dicom.series import choose
from medzoo.io.refusal import refusal

MAKER = "medzoo"
# Fields that every image should have, and that some exports lack.
EMPTY_IF_ABSENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
)
# Viewers read binary segments best; of many classes they take a file too large.
MOST_BINARY = 40
SERIES_NUMBER = 900
PLACE = 1e-2  # mm
# What all frames of a stack have in common, and highdicom seeks among what is shared.
SHARED = ("PixelMeasuresSequence", "PlaneOrientationSequence")


def write_segmentation(labels, names, place, path, *, model, channel=None):
    """Writes a DICOM SEG.

    Args:
        labels: Volume of integers, on the grid of the series as medzoo reads it.
        names: dict of label -> class name, background left out.
        place: path of the DICOM, with "#SERIES" or without, as it was read.
        path: path to write.
        model: str, "name@version".
        channel: str or None, as the series was read.

    Returns:
        pathlib.Path, `path`.

    Raises:
        InputError: for another grid, a series that a SEG cannot refer to, or a file
            there that medzoo did not write.
    """
    require("highdicom", "Writing a DICOM SEG")
    path = Path(path)
    _refuse_foreign(path)
    where, named = split_series(place)
    with open_place(where) as members:
        series, _ = series_in(members)
        chosen = choose(series, where, wanted=named, channel=channel)
        planes = _in_order_of_files(chosen.stack.planes)
        _check_grid(labels, chosen, where)
        sources = [_source(plane.header, where) for plane in _first_of_files(planes)]
    order = {id(plane): index for index, plane in enumerate(chosen.stack.planes)}
    chosen_order = [order[id(plane)] for plane in planes]
    frames = np.asarray(labels.array)[:, ::-1, chosen_order].transpose(2, 1, 0)
    made = _segmentation(sources, frames, names, model)
    with replace_atomically(path) as temporary:
        made.save_as(os.fspath(temporary), enforce_file_format=True)
    return path


def _refuse_foreign(path):
    """Only an earlier SEG of medzoo may be replaced."""
    if not os.path.lexists(path):
        return
    import pydicom

    try:
        found = pydicom.dcmread(path, stop_before_pixels=True)
        ours = (found.get("SOPClassUID"), found.get("Manufacturer"))
    except read_errors():
        ours = None
    if ours != (SEGMENTATION, MAKER):
        raise refusal(
            InputError,
            "A DICOM SEG must not replace a file that medzoo did not write",
            path,
            "a file of another origin",
            "Choose another output.",
        )


def _in_order_of_files(planes):
    """The slices as a SEG counts them: by file, within a file by frame."""
    header = planes[0].header
    if any(plane.tile is not None for plane in planes):
        raise InputError(
            "A DICOM SEG must refer to slices. Received: a mosaic, which is one image. "
            "Leave out --dicom-seg."
        )
    if len({id(plane.header) for plane in planes}) == len(planes):
        return list(planes)
    count = int(header.content.get("NumberOfFrames") or 1)
    if len(planes) != count or any(plane.header is not header for plane in planes):
        raise InputError(
            "A DICOM SEG must refer to all frames of one file, or to one file a slice. "
            f"Received: {len(planes)} slices of a file with {count} frames. "
            "Leave out --dicom-seg."
        )
    return sorted(planes, key=lambda plane: plane.frame)


def _first_of_files(planes):
    seen = set()
    return [p for p in planes if not (id(p.header) in seen or seen.add(id(p.header)))]


def _check_grid(labels, chosen, where):
    affine = chosen.layout.affine
    rows, columns = chosen.stack.planes[0].size
    shape = (columns, rows, len(chosen.stack.planes))
    same = affine is not None and labels.shape == shape
    if not same or np.abs(labels.affine - affine).max() > PLACE:
        raise refusal(
            InputError,
            "A DICOM SEG must lie on the slices of its series",
            where,
            f"labels={labels.shape}, series={shape}",
            "Give the series itself as the first channel.",
        )


def _source(header, where):
    """A file's whole header, without its voxels."""
    import pydicom

    try:
        with header.member.open() as file:
            reader = BoundedReader(file, header.member.size)
            found = pydicom.dcmread(reader, stop_before_pixels=True, force=True)
            # A Dataset itself yields elements, and would read each.
            for tag in [tag for tag in found.keys() if tag.is_private]:  # noqa: SIM118
                del found[tag]
    except read_errors() as error:
        raise refusal(
            InputError,
            "The source of a DICOM SEG must be whole",
            where,
            f"error={type(error).__name__}",
            "Leave out --dicom-seg.",
        ) from None
    for name in EMPTY_IF_ABSENT:
        if name not in found:
            setattr(found, name, "")
    if "FrameOfReferenceUID" not in found:
        raise refusal(
            InputError,
            "The source of a DICOM SEG must have a frame of reference",
            where,
            "FrameOfReferenceUID=none",
            "Leave out --dicom-seg.",
        )
    _share(found)
    return found


def _share(found):
    """Moves what is equal in all frames to the shared groups."""
    frames = found.get("PerFrameFunctionalGroupsSequence")
    groups = found.get("SharedFunctionalGroupsSequence")
    if not frames or not groups:
        return
    for name in SHARED:
        if name not in groups[0] and name in frames[0]:
            setattr(groups[0], name, frames[0][name].value)


def _segmentation(sources, frames, names, model):
    import highdicom as hd

    present = sorted(names)
    table = np.zeros(int(max(frames.max(), max(present))) + 1, np.uint8)
    table[present] = range(1, len(present) + 1)
    kind = "BINARY" if len(present) <= MOST_BINARY else "LABELMAP"
    with warnings.catch_warnings():
        # Of odd values in the source, which are copied as they are.
        warnings.simplefilter("ignore")
        return hd.seg.Segmentation(
            source_images=sources,
            pixel_array=table[frames],
            segmentation_type=kind,
            segment_descriptions=_segments(names, present, model),
            series_instance_uid=hd.UID(),
            series_number=SERIES_NUMBER,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer=MAKER,
            manufacturer_model_name=model[:64],
            software_versions=__version__,
            device_serial_number="1",
            content_label="SEGMENTATION",
            series_description=f"Segmentation by {model}"[:64],
        )


def _segments(names, present, model):
    import highdicom as hd
    from pydicom.sr.codedict import codes

    name, _, version = model.partition("@")
    algorithm = hd.AlgorithmIdentificationSequence(
        name=name[:64],
        version=version[:64] or "unknown",
        family=codes.DCM.ArtificialIntelligence,
    )
    segments = []
    for number, label in enumerate(present, 1):
        category, kind = coded(names[label], label)
        segments.append(
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=names[label][:64],
                segmented_property_category=hd.sr.CodedConcept(*category),
                segmented_property_type=hd.sr.CodedConcept(*kind),
                algorithm_type="AUTOMATIC",
                algorithm_identification=algorithm,
            )
        )
    return segments
