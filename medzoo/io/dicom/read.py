"""Lists the series of a DICOM source, or reads one as a Volume."""

import warnings
from pathlib import Path

from medzoo.errors import FileFormatError, GeometryError, InputError
from medzoo.io.dicom.geometry import NO_POSITIONS, NO_SPACING, layout_of
from medzoo.io.dicom.place import open_place, split_series
from medzoo.io.dicom.requirement import require
from medzoo.io.dicom.resliced import resliced
from medzoo.io.dicom.series import choose, label_all
from medzoo.io.dicom.stacks import stacks_in
from medzoo.io.dicom.voxels import voxels_of
from medzoo.io.refusal import refusal


def list_series(path):
    """Lists the series of a DICOM folder, zip, DICOMDIR or file.

    Args:
        path: str or path.

    Returns:
        list of `Row`, by series number, and the number of files that are damaged.

    Raises:
        MissingFileError: if there is nothing.
        FileFormatError: a zip or DICOMDIR that cannot be trusted.
        InputError: if the extra dicom is not installed.
    """
    path = Path(path)
    with open_place(path) as members:
        series, damaged = series_in(members)
    return [one.row() for one in series], damaged


def read_dicom(path, *, series=None, channel=None, resample=False):
    """Reads one series.

    Args:
        path: str or path of a folder, zip, DICOMDIR or file, with "#SERIES" or without.
        series: str or None, which one, see `medzoo.io.dicom.series.choose`.
        channel: str or None, what it is to be where none is named, as "t1".
        resample: bool, bring slices at uneven distances onto even ones, linearly,
            instead of refusing them.

    Returns:
        Array, affine, list of warnings.

    Raises:
        MissingFileError: no images.
        InputError: several series may be meant or none, no volume, uneven or missing
            slices, or the extra dicom is not installed.
        FileFormatError: damaged.
        GeometryError: no place in space.
        ResourceError: more voxels than memory allows.
    """
    path, named = split_series(path)
    with open_place(path) as members:
        found, damaged = series_in(members)
        chosen = choose(found, path, wanted=series or named, channel=channel)
        _check_readable(chosen, path, resample)
        array = voxels_of(chosen.stack.planes, path)
    affine = chosen.layout.affine
    told = list(chosen.notes)
    if affine is None:
        array, planes, worst = resliced(array, chosen.stack.planes)
        affine = layout_of(planes).affine
        told.append(f"slices at uneven distances were resampled to {worst:.2f} mm")
    if len(found) > 1:
        told.insert(0, f"it was taken from {len(found)} series")
    if damaged:
        told.append(f"{damaged} files are damaged and were left out")
    # Without the name of the place, which is often that of a person.
    note = f"Series {chosen.label}: {'; '.join(told)}."
    return array, affine, [note] if told else []


def series_in(members):
    """Returns a list of `Series` in files, and how many of these are damaged."""
    require("pydicom", "Reading DICOM")
    if not members:
        return [], 0
    from pydicom import config

    with warnings.catch_warnings(), config.disable_value_validation():
        # Of odd but legible values; what matters is checked.
        warnings.simplefilter("ignore")
        stacks, damaged = stacks_in(members)
        series = label_all(stacks)
        for one in series:
            one.row()
    if not series and damaged:
        raise FileFormatError(
            f"A DICOM file must be whole. Received: {damaged} damaged and no other. "
            "Copy it again from its source."
        )
    return series, damaged


def _check_readable(chosen, path, resample):
    if not chosen.problem or (chosen.layout.is_uneven and resample):
        return
    told = f"series {chosen.label} {chosen.problem}"
    if chosen.problem in (NO_POSITIONS, NO_SPACING):
        raise refusal(
            GeometryError,
            "A series must have a complete geometry",
            path,
            told,
            "Export the original series.",
        )
    advice = "Export the whole original series."
    if chosen.layout.is_uneven:
        advice += " `medzoo dicom DIR --series N --resample -o FILE.nii.gz` resamples."
    raise refusal(
        InputError,
        "A series must be slices of grey values at even distances, each place once",
        path,
        told,
        advice,
    )
