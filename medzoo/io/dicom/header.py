"""The header of a DICOM file, read without its voxels."""

import struct
import zipfile
import zlib
from dataclasses import dataclass

from medzoo.errors import FileFormatError
from medzoo.io.dicom.bounded_reader import BoundedReader

DEFLATED = "1.2.840.10008.1.2.1.99"
DIRECTORY = "1.2.840.10008.1.3.10"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
IMAGE = [
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "SeriesNumber",
    "InstanceNumber",
    "Modality",
    "Manufacturer",
    "SeriesDescription",
    "ProtocolName",
    "ImageType",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "PixelRepresentation",
]
PLACE = [
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
]
CONTRAST = [
    "EchoTime",
    "EchoNumbers",
    "RepetitionTime",
    "InversionTime",
    "ScanningSequence",
    "SequenceVariant",
    "DiffusionBValue",
    "ComplexImageComponent",
    "BurnedInAnnotation",
]
# Elements of group 2, and those of its value representations with a long length.
MOST_META = 64
LONG = (b"OB", b"UN", b"OW", b"SQ", b"UT")
GROUPS = ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]
SIEMENS = [0x00290010, 0x00291010, 0x0019100A, 0x00190010]


def read_errors():
    """Exceptions that pydicom and Python raise on damaged files, a tuple."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        BytesLengthException,
        InvalidDicomError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        EOFError,
        OSError,
        RuntimeError,  # RecursionError and NotImplementedError too
        MemoryError,
        struct.error,
        zlib.error,
        zipfile.BadZipFile,
    )


@dataclass(frozen=True)
class Header:
    """A file's header.

    Attributes:
        member: `Member` that it stands in.
        content: pydicom Dataset with the tags that medzoo looks at.
        syntax: str, UID of the transfer syntax.
    """

    member: object
    content: object
    syntax: str

    def text(self, name):
        """A field as printable text, at most 64 characters; "" where it is empty."""
        value = self.content.get(name)
        text = "" if value is None else str(value)
        return "".join(c if c.isprintable() else " " for c in text).strip()[:64]

    def number(self, name):
        """A field as a finite float, or None."""
        return finite(self.content.get(name))

    def words(self, name):
        """A field of several words as a tuple of str, in capitals."""
        value = self.content.get(name)
        if value is None or value == "":
            return ()
        several = [value] if isinstance(value, str) else list(value)
        return tuple(str(word).upper() for word in several)


def is_compressed(syntax):
    """Whether a transfer syntax encapsulates its frames."""
    return syntax.startswith("1.2.840.10008.1.2.") and syntax not in (
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
    )


def finite(value):
    """A number as float, or None for none, several, or one that is not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e12 else None


def read_header(member):
    """Reads one file's header.

    Args:
        member: `Member`.

    Returns:
        `Header`, or None for a file that is no DICOM image, whatever else it is.

    Raises:
        FileFormatError: a DICOM file that is damaged.
    """
    try:
        with member.open() as file:
            start = file.read(144)
            if not _begins_as_dicom(start):
                return None
            file.seek(0)
            reader = BoundedReader(file, member.size)
            content = parse(reader, IMAGE + PLACE + CONTRAST + GROUPS + SIEMENS)
            syntax = str(content.file_meta.get("TransferSyntaxUID", ""))
        _drop_illegible(content)
        is_image = content.get("Rows") is not None and "SOPClassUID" in content
    except read_errors() as error:
        raise FileFormatError(
            "A DICOM file must be whole. Received: "
            f"error={type(error).__name__}. Copy it again from its source."
        ) from None
    return Header(member, content, syntax) if is_image else None


def parse(reader, tags):
    """Reads some tags of a DICOM file, without its voxels.

    Args:
        reader: `BoundedReader` at the start.
        tags: list of keywords and numbers.

    Returns:
        pydicom FileDataset.

    Raises:
        Exception: whatever damage leads to.
    """
    import pydicom

    _refuse_deflated(reader)
    reader.seek(0)
    return pydicom.dcmread(
        reader, stop_before_pixels=True, specific_tags=tags, force=True
    )


def _drop_illegible(content):
    """Leaves out elements whose value cannot be read: pydicom tries at first use."""
    for tag in list(content.keys()):
        try:
            content[tag]
        except read_errors():
            del content[tag]


def _begins_as_dicom(start):
    """A signature; or, in old files, the first element of group 2 or 8."""
    return start[128:132] == b"DICM" or start[:4] in (
        b"\x08\0\0\0",
        b"\x08\0\x05\0",
        b"\x08\0\x08\0",
        b"\x02\0\0\0",
        b"\x02\0\x10\0",
    )


def _refuse_deflated(reader):
    """Refuses the one syntax whose header unpacks to any size.

    pydicom would unpack it whole before anything can be checked.
    """
    if reader.read(132)[128:] != b"DICM":
        return  # pydicom then takes implicit little endian
    for _ in range(MOST_META):
        group, element, vr, length = struct.unpack("<HH2sH", reader.read(8))
        if group != 2:
            return
        if vr in LONG:
            (length,) = struct.unpack("<I", reader.read(4))
        if element != 0x10:
            reader.seek(length, 1)
        elif DEFLATED.encode() in reader.read(length):
            raise FileFormatError(
                "A DICOM file must not be deflated as a whole. Received: "
                f"transfer syntax={DEFLATED}. Convert it, as with dcmconv."
            )
    raise FileFormatError(
        f"A DICOM file must have at most {MOST_META} elements of group 2. "
        "Received: more. Convert the image again."
    )
