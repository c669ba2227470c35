"""The series of a DICOM place as a table for people."""

HEADINGS = (
    "series",
    "modality",
    "channel",
    "description",
    "orientation",
    "matrix",
    "spacing (mm)",
    "remark",
)


def table(rows):
    """Returns the lines of a table.

    Args:
        rows: list of `medzoo.io.dicom.series.Row`.
    """
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(8)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _cells(row):
    spacing = (
        "-" if row.spacing is None else " x ".join(f"{s:.3g}" for s in row.spacing)
    )
    return (
        row.series,
        row.modality,
        row.channel or "-",
        row.description[:40],
        row.orientation,
        " x ".join(str(n) for n in row.matrix),
        spacing,
        ", ".join(word for word in (row.kind, row.problem) if word) or "-",
    )
