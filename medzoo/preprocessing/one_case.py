"""One scan through the steps: files out, with numbers and a picture beside them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo._version import __version__
from medzoo.drawing.pictures import grey_levels, shrink
from medzoo.drawing.slice_views import PANELS, displayed, middle_and_window, slice_of
from medzoo.errors import InputError
from medzoo.files import replace_atomically, sha256_of, write_text_atomically
from medzoo.io.image_files import read_quietly, write
from medzoo.io.png import encode_png
from medzoo.preprocessing.steps import Normalised, normalise, parse_steps
from medzoo.spatial.transform_files import write_transform

ENDINGS = {"image": ".nii.gz", "mask": "_mask.nii.gz", "transform": "_transform.h5"}
SIDE_CAR, PICTURE = ".json", ".png"
LONGEST_PIXELS = 256


@dataclass(frozen=True)
class Work:
    """What is done to each case.

    Attributes:
        steps: str, as `parse_steps` reads them.
        spacing: float in mm, or None.
        contrast: str.
        report: bool, whether a picture is drawn.
        overwrite: bool, whether files that medzoo did not write are replaced.
    """

    steps: str
    spacing: float | None = None
    contrast: str = "t1"
    report: bool = False
    overwrite: bool = False


def preprocess_case(case_id: str, image: str, stem: str, work: Work) -> dict:
    """Takes one scan through the steps, unless that was done before.

    Args:
        case_id: str.
        image: path of the scan.
        stem: path of the results without suffix; its folder is made.
        work: `Work`.

    Returns:
        dict, the side-car: what was done to which file, quality, warnings; with "done"
        False where an earlier result of the same content was kept.

    Raises:
        MedzooError: what reading or a step refuses, or a result over a file that is not
            medzoo's.
        OSError: what the disk says.
    """
    facts = {
        "source_sha256": sha256_of(image),
        "steps": work.steps,
        "spacing": work.spacing,
        "contrast": work.contrast,
        "medzoo": __version__,
    }
    wanted = work.report
    earlier = _earlier(stem)
    if earlier and _is_current(earlier, facts, stem, picture=wanted):
        return {**earlier, "done": False}
    _check_places(stem, image, earlier, overwrite=work.overwrite)
    scan = read_quietly(image, channel=work.contrast)
    found = normalise(
        scan, parse_steps(work.steps), spacing=work.spacing, contrast=work.contrast
    )
    Path(stem).parent.mkdir(parents=True, exist_ok=True)
    _write_all(found, scan, stem, picture=wanted)
    told = {
        "case_id": case_id,
        "source": os.path.basename(image),
        **facts,
        "quality": _rounded(found.quality),
        "warnings": [*scan.warnings, *found.warnings],
        "outputs": _hashes(stem),
    }
    write_text_atomically(stem + SIDE_CAR, json.dumps(told, indent=1) + "\n")
    return {**told, "done": True}


def places_of(stem: str) -> list[str]:
    """Returns all paths that the results of a case may have."""
    return [stem + ending for ending in (*ENDINGS.values(), PICTURE, SIDE_CAR)]


def _write_all(found: Normalised, scan, stem, *, picture):
    volume = found.volume
    write(volume, stem + ENDINGS["image"])
    if found.mask is not None:
        mask = found.mask.with_array(found.mask.array.astype(np.uint8))
        write(mask, stem + ENDINGS["mask"])
    if found.transform is not None:
        write_transform(found.transform, stem + ENDINGS["transform"])
    if picture:
        drawn = encode_png(before_and_after(scan, volume))
        with replace_atomically(stem + PICTURE) as temporary:
            Path(temporary).write_bytes(drawn)


def before_and_after(before: object, after: object) -> np.ndarray:
    """Draws three slices of a scan above three of its result.

    Args:
        before: Volume.
        after: Volume.

    Returns:
        `(rows, columns)` uint8.
    """
    rows = [_row(volume) for volume in (before, after)]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((2, 2), (0, width - row.shape[1]))) for row in rows]
    return np.ascontiguousarray(np.concatenate(padded))


def _row(volume):
    seen = displayed(volume)
    middle, window = middle_and_window(seen)
    extent = np.multiply(seen.shape, seen.spacing)
    pixel = max(extent.max() / LONGEST_PIXELS, min(seen.spacing))
    slices = []
    for _, cut, horizontal, vertical, _ in PANELS:
        plain = slice_of(grey_levels(seen.array, window), cut, middle[cut])
        size = (seen.spacing[vertical], seen.spacing[horizontal])
        slices.append(shrink(plain, size, pixel))
    height = max(part.shape[0] for part in slices)
    padded = [np.pad(s, ((0, height - s.shape[0]), (0, 2))) for s in slices]
    return np.concatenate(padded, axis=1)


def _hashes(stem):
    found = {name: stem + ending for name, ending in ENDINGS.items()}
    return {
        name: {"file": os.path.basename(path), "sha256": sha256_of(path)}
        for name, path in found.items()
        if os.path.exists(path)
    }


def _earlier(stem):
    """The side-car of an earlier run, or None."""
    try:
        told = json.loads(Path(stem + SIDE_CAR).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    ours = ("case_id", "source_sha256", "steps", "outputs", "medzoo")
    if not isinstance(told, dict) or any(key not in told for key in ours):
        return None
    return told if isinstance(told["outputs"], dict) else None


def _is_current(earlier, facts, stem, *, picture):
    if any(earlier.get(key) != value for key, value in facts.items()):
        return False
    if picture and not os.path.exists(stem + PICTURE):
        return False
    return earlier["outputs"] == _hashes(stem)


def _check_places(stem, image, earlier, *, overwrite):
    """Refuses to replace an input, or what medzoo did not write."""
    source = os.path.realpath(image)
    for path in places_of(stem):
        if os.path.realpath(path) == source:
            raise InputError(
                "A result must not replace an input. Received: a result of "
                f"{os.path.basename(image)} in its own place. Choose another folder."
            )
        if os.path.exists(path) and earlier is None and not overwrite:
            raise InputError(
                "A result must not replace a file that medzoo did not write. "
                f"Received: {path}, which is there. Use --overwrite, or another folder."
            )


def _rounded(quality):
    return {
        step: {key: float(f"{value:.4g}") for key, value in numbers.items()}
        for step, numbers in quality.items()
    }
