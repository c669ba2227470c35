"""metrics.json as `medzoo evaluate` writes it: what is kept of the file before."""

import json
import warnings
from pathlib import Path

from medzoo.errors import FileFormatError, InputError, MedzooWarning, MissingFileError
from medzoo.files import write_text_atomically
from medzoo.zoo.metrics_json import METRICS_FILE, read_metrics


def write_metrics(path, found, recipe, *, external=None):
    """Writes a metrics.json, or adds another data set to the one that is there.

    Args:
        path: path of the file.
        found: dict, from `evaluate`.
        recipe: `Recipe`.
        external: str or None, the name of other data; its metrics are added to those
            of the file instead of replacing them.

    Raises:
        InputError: with `external`, if there is no file to add to.
        FileFormatError: with `external`, if the file measured another version.
    """
    path = Path(path)
    kept = _kept(path, recipe, external)
    content = {key: value for key, value in found.items() if key != "failed"}
    others = [] if kept is None else kept["external"]
    if external is not None:
        others = [entry for entry in others if entry["data"] != external]
        others.append({"data": external, "metrics": found["metrics"]})
        # What a prediction costs is the model's: it was measured with its own data.
        content = kept
    elif kept is not None:
        content["cost"] = {**kept["cost"], **found["cost"]}
        content["engines"] = found.get("engines") or kept["engines"]
        content["repeatability"] = kept["repeatability"]
    content["external"] = others
    _write(path, content)


def write_cost(path, found, recipe):
    """Puts another cost or repeatability into a metrics.json, and leaves all else.

    Args:
        path: path of the file.
        found: dict, from `measure_cost` or `measure_repeats`.
        recipe: `Recipe`.

    Raises:
        InputError: if there is no file.
        FileFormatError: if the file measured another version.
    """
    kept = _kept(Path(path), recipe, "cost")
    _write(Path(path), {**kept, **found})


def _write(path, content):
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomically(path, text + "\n")


def _kept(path, recipe, external):
    """Returns the numbers that a file holds already, or None."""
    if path.name != METRICS_FILE or not path.is_file():
        if external is not None:
            raise InputError(
                f"External data and costs are added to an existing {METRICS_FILE}. "
                f"Received: output={path}. Measure the model's own data first."
            )
        return None
    try:
        return read_metrics(path.parent, recipe)
    except FileFormatError as error:
        if external is not None:
            raise
        # A new version begins anew: what others measured was not this model.
        warnings.warn(
            f"All numbers in the old file were dropped: {error}",
            MedzooWarning,
            stacklevel=3,
        )
        return None


def check_output(path, recipe, *, adds):
    """Refuses what could not be written, before minutes of prediction.

    Args:
        path: path of the output.
        recipe: `Recipe`.
        adds: bool, whether numbers are added to a file that is there.

    Raises:
        MissingFileError: if the folder of the output does not exist.
        InputError: if there is no file that numbers could be added to.
        FileFormatError: if that file measured another version.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise MissingFileError(
            f"The folder of the output must exist. Received: output={path}. "
            "Make it first."
        )
    if adds:
        _kept(path, recipe, "other numbers")
