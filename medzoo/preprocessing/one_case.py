"""One scan through the steps: files out, with numbers and a picture beside them."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medzoo._version import __version__
from medzoo.drawing.pictures import grey_levels, shrink
from medzoo.drawing.slice_views import PANELS, displayed, middle_and_window, slice_of
from medzoo.errors import InputError, MissingFileError
from medzoo.files import (
    check_writable,
    replace_atomically,
    sha256_of,
    write_text_atomically,
)
from medzoo.io.image_files import read_quietly, write
from medzoo.io.png import encode_png
from medzoo.preprocessing.steps import Normalised, normalise, parse_steps
from medzoo.spatial.transform_files import write_transform

ENDINGS = {
    "image": ".nii.gz",
    "mask": "_mask.nii.gz",
    "transform": "_transform.h5",
    "picture": ".png",
}
SIDE_CAR = ".json"
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
            medzoo's or that was made from another scan.
        OSError: what the disk says.
    """
    facts = {
        "source_sha256": _hash_of_source(image),
        "steps": work.steps,
        "spacing": work.spacing,
        "contrast": work.contrast,
        "medzoo": __version__,
    }
    wanted = work.report
    earlier = _earlier(stem)
    if earlier and _is_current(earlier, facts, stem, picture=wanted):
        return {**earlier, "done": False}
    _check_places(stem, image, earlier, facts, overwrite=work.overwrite)
    check_writable(stem + SIDE_CAR)
    scan = read_quietly(image, channel=work.contrast)
    found = normalise(
        scan, parse_steps(work.steps), spacing=work.spacing, contrast=work.contrast
    )
    told = {
        "case_id": case_id,
        "source": os.path.basename(image),
        "place": _hash_of_place(image),
        **facts,
        "quality": _rounded(found.quality),
        "warnings": [*scan.warnings, *found.warnings],
    }
    outputs = _write_all(found, scan, stem, told, _names_of(earlier), picture=wanted)
    return {**told, "outputs": outputs, "done": True}


def places_of(stem: str) -> list[str]:
    """Returns all paths that the results of a case may have."""
    return [stem + ending for ending in (*ENDINGS.values(), SIDE_CAR)]


def _write_all(found: Normalised, scan, stem, told, earlier, *, picture):
    """Writes the results and, last, what was written; gives that."""
    names = [name for name in _made(found, picture=picture) if name]
    Path(stem).parent.mkdir(parents=True, exist_ok=True)
    # A run that is killed from here on is known as medzoo's, and as unfinished.
    unfinished = {
        name: {"file": os.path.basename(stem + ENDINGS[name]), "sha256": None}
        for name in (*names, *earlier)
    }
    _write_side_car(stem, {**told, "outputs": unfinished})
    write(found.volume, stem + ENDINGS["image"])
    if found.mask is not None:
        mask = found.mask.with_array(found.mask.array.astype(np.uint8))
        write(mask, stem + ENDINGS["mask"])
    if found.transform is not None:
        write_transform(found.transform, stem + ENDINGS["transform"])
    if picture:
        drawn = encode_png(before_and_after(scan, found.volume))
        with replace_atomically(stem + ENDINGS["picture"]) as temporary:
            Path(temporary).write_bytes(drawn)
    # What other steps left here belongs to another image.
    for name in set(earlier) - set(names):
        Path(stem + ENDINGS[name]).unlink(missing_ok=True)
    outputs = _hashes(stem, names)
    _write_side_car(stem, {**told, "outputs": outputs})
    return outputs


def _made(found, *, picture):
    return (
        "image",
        "mask" if found.mask is not None else None,
        "transform" if found.transform is not None else None,
        "picture" if picture else None,
    )


def _write_side_car(stem, told):
    write_text_atomically(stem + SIDE_CAR, json.dumps(told, indent=1) + "\n")


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


def _hashes(stem, names):
    found = {name: stem + ENDINGS[name] for name in names}
    return {
        name: {"file": os.path.basename(path), "sha256": sha256_of(path)}
        for name, path in found.items()
        if os.path.exists(path)
    }


def _hash_of_source(image):
    try:
        return sha256_of(image)
    except FileNotFoundError:
        raise MissingFileError(
            f"A scan must exist. Received: {image}, which is not there. Check the path."
        ) from None


def _hash_of_place(image):
    """Of where a scan lies, without telling where."""
    path = os.path.realpath(image).encode("utf-8", "surrogateescape")
    return hashlib.sha256(path).hexdigest()


def _names_of(earlier):
    """Names of the results that an earlier run wrote, or was about to."""
    return [name for name in earlier["outputs"] if name in ENDINGS] if earlier else []


def _earlier(stem):
    """The side-car of an earlier run, or None."""
    try:
        told = json.loads(Path(stem + SIDE_CAR).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    ours = ("case_id", "source_sha256", "place", "steps", "outputs", "medzoo")
    if not isinstance(told, dict) or any(key not in told for key in ours):
        return None
    return told if isinstance(told["outputs"], dict) else None


def _is_current(earlier, facts, stem, *, picture):
    if any(earlier.get(key) != value for key, value in facts.items()):
        return False
    names = [name for name in _names_of(earlier) if picture or name != "picture"]
    if picture and "picture" not in names:
        return False
    return {name: earlier["outputs"][name] for name in names} == _hashes(stem, names)


def _check_places(stem, image, earlier, facts, *, overwrite):
    """Refuses to replace an input, another input's result, or a stranger's file."""
    source, own = os.path.realpath(image), _names_of(earlier)
    ours = [stem + SIDE_CAR] * bool(own) + [stem + ENDINGS[name] for name in own]
    for path in places_of(stem):
        if os.path.realpath(path) == source:
            raise InputError(
                "A result must not replace an input. Received: a result of "
                f"{os.path.basename(image)} in its own place. Choose another folder."
            )
        if os.path.lexists(path) and path not in ours and not overwrite:
            raise InputError(
                "A result must not replace a file that medzoo did not write. "
                f"Received: {path}, which is there. Use --overwrite, or another folder."
            )
    # A scan that was exported again to the same place is the same input.
    same = earlier and earlier["source_sha256"] == facts["source_sha256"]
    if earlier and not (same or earlier["place"] == _hash_of_place(image) or overwrite):
        raise InputError(
            "A result must not replace that of another input. Received: "
            f"{stem + SIDE_CAR}, of another scan. Use --overwrite, or another folder."
        )


def _rounded(quality):
    return {
        step: {
            # JSON has no word for what is not finite.
            key: float(f"{value:.4g}") if np.isfinite(value) else None
            for key, value in numbers.items()
        }
        for step, numbers in quality.items()
    }
