"""inspect: an upload is read once, so that its sender knows at once what it is."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from medzoo.errors import InputError
from medzoo.io.dicom import is_dicom, list_series
from medzoo.io.image_files import read_quietly
from medzoo.reporting.privacy import without_paths

MOST_SERIES = 200


def inspect(talk: Any, *, images: dict[str, str]) -> dict:
    """Reads one upload, and says what it holds.

    Args:
        talk: `medzoo.serve.child_work.Talk`.
        images: Word for it in messages -> its path; one.

    Returns:
        Plain JSON: `shape`, `spacing`, `orientation` and `warnings`; of DICOM also
        `series`, and of several series these alone.

    Raises:
        MedzooError: It cannot be read.
    """
    talk.say(stage="reading")
    (path,) = map(Path, images.values())
    series = _series(path) if is_dicom(path) else []
    if len(series) > 1:
        return {"series": series, "warnings": []}
    volume = read_quietly(path)
    if volume.num_channels != 1:
        raise InputError(
            "A scan must be a scalar image. "
            f"Received: {volume.num_channels} channels. Upload one image a channel."
        )
    return {
        "shape": [int(n) for n in volume.shape[:3]],
        "spacing": [round(float(s), 4) for s in volume.spacing],
        "orientation": volume.orientation,
        "series": series,
        "warnings": [without_paths(text, images) for text in volume.warnings],
    }


def _series(path: Path) -> list[dict]:
    """The series that can be read, plain JSON; of many the first."""
    rows, _ = list_series(path)
    good = [asdict(row) for row in rows if not row.problem]
    return good[:MOST_SERIES]
