"""Series: their listing, and the selection of one."""

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from medzoo.errors import InputError, MissingFileError
from medzoo.io.dicom.contrast import contrast_of, oddity_of
from medzoo.io.dicom.geometry import TILT_TOLD, layout_of
from medzoo.io.refusal import refusal

SHOWN = 8
LEAST_TAIL = 6


@dataclass(frozen=True)
class Row:
    """One series of a listing; plain JSON.

    Attributes:
        series: str, what `--series` takes.
        modality: str, "MR".
        description: str, as the operator wrote it.
        channel: str or None, what medzoo takes it for.
        orientation: str, "axial", "sagittal", "coronal", "oblique" or "-".
        matrix: three ints, columns, rows, slices.
        spacing: three floats in mm, or None.
        kind: str, what it is if it is no plain scan: "localiser", "derived", ...
        problem: str, why it cannot be read, or "".
        uid: str, SeriesInstanceUID.
    """

    series: str
    modality: str
    description: str
    channel: str | None
    orientation: str
    matrix: tuple
    spacing: tuple | None
    kind: str
    problem: str
    uid: str

    def to_dict(self):
        """Returns plain JSON."""
        return {**asdict(self), "matrix": list(self.matrix)}


class Series:
    """A stack of slices and its attributes.

    Args:
        stack: `Stack`.
        label: str, what names it.
    """

    def __init__(self, stack, label):
        self.stack = stack
        self.label = label

    @cached_property
    def layout(self):
        """`Layout` of its slices."""
        return layout_of(self.stack.planes)

    @cached_property
    def problem(self):
        """str: why it is no volume, or ""."""
        header = self.stack.header
        if (
            header.words("PhotometricInterpretation")[:1]
            not in (
                (),
                ("MONOCHROME1",),
                ("MONOCHROME2",),
            )
            or (header.number("SamplesPerPixel") or 1) != 1
        ):
            return "is in colour"
        return self.layout.problem

    @cached_property
    def kind(self):
        """str: what it is if it is no plain scan, or ""."""
        return oddity_of(self.stack)

    @cached_property
    def channel(self):
        """Str or None: the channel that it would be."""
        return contrast_of(self.stack)

    @property
    def notes(self):
        """List of str: what is worth telling where it is read."""
        tilt = self.layout.tilt
        told = [f"the gantry was tilted by {tilt:.1f} degrees"] * (tilt > TILT_TOLD)
        return told + (
            [f"it seems to be no plain scan ({self.kind})"] * bool(self.kind)
        )

    def row(self):
        """Returns the `Row` of a list."""
        header, planes = self.stack.header, self.stack.planes
        rows, columns = planes[0].size
        return Row(
            series=self.label,
            modality=header.text("Modality") or "-",
            description=header.text("SeriesDescription") or header.text("ProtocolName"),
            channel=self.channel,
            orientation=_orientation(planes[0]),
            matrix=(columns, rows, len(planes)),
            spacing=_spacing(planes[0], self.layout.step),
            kind=self.kind,
            problem=self.problem,
            uid=self.stack.uid,
        )

    def summary(self):
        """Returns a short description for errors, without free text of the header."""
        row = self.row()
        size = " x ".join(str(n) for n in row.matrix)
        words = [row.modality, row.channel or "", row.orientation, row.kind]
        told = " ".join(word for word in words if word not in ("", "-"))
        return f"{self.label} ({told}, {size}" + (
            f", {self.problem})" if self.problem else ")"
        )


def label_all(stacks):
    """Returns a list of `Series` whose labels are unique.

    A label is the series number; with the part, where a series has several; with the
    end of its UID, where several series have the number.
    """
    owners = {}
    for stack in stacks:
        owners.setdefault(stack.number, set()).add(stack.uid)
    found = []
    for stack in stacks:
        label = stack.number
        if len(owners[label]) > 1 or label == "-":
            label = stack.uid[-12:]
        if stack.parts > 1:
            label += f"/{stack.part}"
        found.append(Series(stack, label))
    return found


def choose(series, path, *, wanted=None, channel=None):
    """Returns the selected series.

    Args:
        series: list of `Series`.
        path: what was read, for messages.
        wanted: str or None: a label, a series number, a UID or its end, or a
            description or a part of it.
        channel: str or None, what it is to be, as "t1".

    Raises:
        MissingFileError: if there is none at all.
        InputError: if none is what was asked for, or several are.
    """
    if not series:
        raise refusal(
            MissingFileError,
            "A DICOM folder must hold images",
            path,
            "images=none",
            "Check the path.",
        )
    if wanted is not None:
        return _one(_named(series, wanted), series, path, f"series={wanted}")
    if len(series) == 1:
        return series[0]
    plain = [s for s in series if not s.problem and not s.kind]
    if channel is None:
        return _one(plain, series, path, "series=None")
    fitting = [s for s in plain if s.channel == channel]
    if not fitting:
        fitting = [s for s in plain if s.channel is None]
    return _one(fitting, series, path, f"channel={channel}")


def _named(series, wanted):
    """The series that match a label, number, UID or description, in this order."""
    word = str(wanted).strip()
    plain = word.casefold()
    ways = (
        lambda s: s.label == word,
        lambda s: s.stack.number == word,
        lambda s: s.stack.uid == word,
        lambda s: s.row().description.casefold() == plain,
        lambda s: len(word) >= LEAST_TAIL and s.stack.uid.endswith(word),
        lambda s: bool(plain) and plain in s.row().description.casefold(),
    )
    found = ([s for s in series if way(s)] for way in ways)
    return next((some for some in found if some), [])


def _one(found, series, path, asked):
    if len(found) == 1:
        return found[0]
    shown = found or series
    told = "; ".join(s.summary() for s in shown[:SHOWN])
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    rule = (
        "One series must be chosen where several may be meant"
        if found
        else "A series must be what is asked for"
    )
    raise refusal(
        InputError,
        rule,
        path,
        f"{asked}, series {told}{more}",
        "See `medzoo dicom` for the list, and name one with --series.",
    )


def _orientation(plane):
    if plane.orientation is None:
        return "-"
    normal = np.abs(np.cross(plane.orientation[:3], plane.orientation[3:]))
    name = ("sagittal", "coronal", "axial")[int(normal.argmax())]
    return name if normal.max() > 0.9 else f"oblique {name}"


def _spacing(plane, step):
    if plane.spacing is None:
        return None
    sizes = [plane.spacing[1], plane.spacing[0], *([] if step is None else [step])]
    return tuple(round(float(size), 4) for size in sizes)
