"""Sources of DICOM files: a folder, a zip, a DICOMDIR, or one file."""

import os
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medzoo.errors import FileFormatError, MissingFileError, ResourceError
from medzoo.files import split_part
from medzoo.io.dicom.bounded_reader import BoundedReader
from medzoo.io.refusal import refusal

SIGNATURE_AT = 128
SIGNATURE = b"DICM"
SUFFIXES = (".dcm", ".dicom", ".ima")
MOST_FILES = 100_000
# Deflated images shrink to a third, empty ones to a hundredth; a bomb to a thousandth.
MOST_RATIO = 200
SMALL_ZIP = 64 << 20
MOST_ZIP_BYTES = 32 << 30


@dataclass(frozen=True)
class Member:
    """One file of a place.

    Attributes:
        name: str, its path within the folder or zip.
        size: int, bytes.
        open: callable, gives a seekable binary file.
    """

    name: str
    size: int
    open: object


def is_dicom(path):
    """Whether a path is read as DICOM.

    Args:
        path: path of a folder, a zip, a DICOMDIR or a file, with "#SERIES" or without.

    Returns:
        bool; of a file without a suffix its signature decides.
    """
    path, _ = split_series(path)
    name = path.name.lower()
    # os.path: a name that no system takes is none of ours.
    if os.path.isdir(path):
        return not name.endswith((".nii", ".nii.gz"))
    if not os.path.isfile(path):
        return False
    if name.endswith((*SUFFIXES, ".zip")) or name.startswith("dicomdir"):
        return True
    return not _has_other_suffix(name) and has_signature(path)


def split_series(path):
    """Splits "FOLDER#SERIES".

    Args:
        path: str or path.

    Returns:
        pathlib.Path and the series, or None where none is named.
    """
    place, series = split_part(path)
    return Path(place), series


def has_signature(path):
    """Whether a file has the DICOM signature."""
    try:
        with open(path, "rb") as file:
            return file.read(SIGNATURE_AT + 4)[SIGNATURE_AT:] == SIGNATURE
    except OSError:
        return False


@contextmanager
def open_place(path):
    """Lists the files of a place; they can be opened until the block ends.

    Args:
        path: pathlib.Path.

    Yields:
        list of `Member`, in the order of their names.

    Raises:
        MissingFileError: if there is nothing.
        FileFormatError: a zip that is damaged, protected or a bomb, or a DICOMDIR that
            is damaged or whose paths lead out of its folder.
        ResourceError: more files than anybody means.
    """
    if path.is_dir():
        yield _of_folder(path)
    elif not path.exists():
        raise refusal(
            MissingFileError,
            "An image file must exist",
            path,
            "file=missing",
            "Check the path.",
        )
    elif path.name.lower().endswith(".zip"):
        with _open_zip(path) as archive:
            yield _of_zip(archive, path)
    elif path.name.lower().startswith("dicomdir"):
        yield _of_directory(path)
    else:
        yield [_file(path, path.name)]


def _has_other_suffix(name):
    """Whether the suffix is that of another format; DICOM names may be bare UIDs."""
    suffix = Path(name).suffix[1:]
    return bool(suffix) and not suffix.isdecimal()


def _file(path, name):
    return Member(name, path.stat().st_size, partial(open, path, "rb"))


def _of_folder(folder):
    members = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            # No pipes, no devices, no links to nothing.
            if not name.startswith(".") and path.is_file():
                members.append(_file(path, str(path.relative_to(folder))))
        _check_count(len(members), folder)
    return members


def _check_count(count, path):
    if count > MOST_FILES:
        raise refusal(
            ResourceError,
            f"A DICOM folder may hold at most {MOST_FILES} files",
            path,
            f"files>{MOST_FILES}",
            "Pass the folder of one study.",
        )


@contextmanager
def _open_zip(path):
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise refusal(
            FileFormatError,
            "A zip must be whole",
            path,
            f"error={type(error).__name__}",
            "Copy it again from its source.",
        ) from error
    with archive:
        yield archive


def _of_zip(archive, path):
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _check_count(len(infos), path)
    unpacked = sum(info.file_size for info in infos)
    most = min(MOST_ZIP_BYTES, max(SMALL_ZIP, MOST_RATIO * path.stat().st_size))
    # Files that share their bytes claim more together than there is.
    packed = sum(info.compress_size for info in infos)
    if unpacked > most or packed > path.stat().st_size:
        raise refusal(
            FileFormatError,
            f"A zip must not unpack to more than {MOST_RATIO} times its size",
            path,
            f"bytes={path.stat().st_size}, unpacked={unpacked}",
            "Unpack it yourself if you trust it, and pass the folder.",
        )
    if any(info.flag_bits & 1 for info in infos):
        raise refusal(
            FileFormatError,
            "A zip must not be protected by a password",
            path,
            "encrypted=True",
            "Unpack it and pass the folder.",
        )
    # Nothing is unpacked to disk, so that names in the zip reach no path.
    return [
        Member(info.filename, info.file_size, partial(archive.open, info))
        for info in sorted(infos, key=lambda info: info.filename)
    ]


def _of_directory(path):
    """The files that a DICOMDIR names."""
    folder = path.absolute().parent
    members = []
    for parts in _referenced(path):
        inside = bool(parts) and all(
            part not in ("", ".", "..") and not set(part) & set("/\\:\0")
            for part in parts
        )
        found = folder.joinpath(*parts) if inside else folder
        if not inside or folder.resolve() not in found.resolve().parents:
            raise refusal(
                FileFormatError,
                "A DICOMDIR must name files beside it or below",
                path,
                "a path that leads out",
                "Pass the folder with the images instead.",
            )
        if not found.is_file():
            found = folder.joinpath(*(part.lower() for part in parts))
        if found.is_file():
            members.append(_file(found, "/".join(parts)))
    if not members:
        raise refusal(
            MissingFileError,
            "The files that a DICOMDIR names must be there",
            path,
            "files=none of them",
            "Copy the whole medium, or pass the folder with the images.",
        )
    return members


def _referenced(path):
    """The path of each image record, as a list of names."""
    from medzoo.io.dicom.header import parse, read_errors

    try:
        with open(path, "rb") as file:
            reader = BoundedReader(file, path.stat().st_size, most_reads=2_000_000)
            content = parse(reader, ["DirectoryRecordSequence"])
        paths = []
        for record in content.get("DirectoryRecordSequence") or []:
            name = record.get("ReferencedFileID")
            if name:
                paths.append([name] if isinstance(name, str) else list(name))
    except read_errors() as error:
        raise refusal(
            FileFormatError,
            "A DICOMDIR must be whole",
            path,
            f"error={type(error).__name__}",
            "Pass the folder with the images instead.",
        ) from None
    _check_count(len(paths), path)
    return paths
