"""Existing results in an output folder: their model, inputs, and later edits."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from medzoo.batch.status_log import STATUS_FILE
from medzoo.batch.status_parts import all_lines, maker_in
from medzoo.errors import InputError, MedzooError
from medzoo.files import sha256_of

# A provenance is a few kB; whatever is larger is none.
LARGEST_PROVENANCE = 1 << 20
FREE = None
INPUT = "is an input"
FOREIGN = "is no result of medzoo"
OTHER_MODEL = "is a result of another model"
OTHER_INPUT = "is a result of another input"
EDITED = "was changed after medzoo wrote it"


@dataclass(frozen=True)
class Source:
    """The inputs and the model of a result.

    Args:
        model: str, the model's name without its version.
        inputs: dict of channel -> SHA-256, or {} where that is not known yet.
        place: str, hash of where the inputs lie: a scan that was exported again to the
            same place is the same input.
        paths: `Inputs` of the run, which nothing may replace.
    """

    model: str
    inputs: dict
    place: str
    paths: "Inputs"


class Inputs:
    """Files that are read: asked for each result, of which there are as many.

    Args:
        paths: paths of files; a URL is no file.
    """

    def __init__(self, paths):
        self._files, self._places = set(), set()
        for path in paths:
            self._places.add(os.path.realpath(path))
            with suppress(OSError):
                self._files.add(_identity(path))

    def holds(self, path):
        """Whether a path names one of them, also by links or another spelling."""
        try:
            return _identity(path) in self._files
        except OSError:
            return os.path.realpath(path) in self._places


def _identity(path):
    found = os.stat(path)
    return found.st_dev, found.st_ino


class EarlierResults:
    """Reads the status file of a folder, and the provenance beside results.

    Whatever is damaged there counts as not there.

    Args:
        folder: path, which need not exist.
        lines: list of dict, as of `all_lines`, or None to read them.

    Raises:
        InputError: if the path of the status file is not a file.
    """

    def __init__(self, folder, lines=None):
        self.folder = Path(folder)
        status = self.folder / STATUS_FILE
        if os.path.lexists(status) and not status.is_file():
            raise InputError(
                "A folder of results keeps its status in a file. Received: "
                f"{status}, which is none. Remove it or choose another folder."
            )
        # Last line of each case of a model ("name@version"), and of each file.
        self.cases, self._files = {}, {}
        for line in _of_cases(all_lines(folder) if lines is None else lines):
            self.cases[maker_in(line), line["case_id"]] = line
            for name in line.get("outputs") or {}:
                self._files[name] = line

    def obstacle(self, path, provenance, source):
        """Returns why a path must not be written to, or `FREE`.

        Args:
            path: path of a result, or of its provenance.
            provenance: path of the provenance that goes with it.
            source: `Source` of what is to be written.
        """
        if not os.path.lexists(path):
            return FREE
        if source.paths.holds(path):
            return INPUT
        facts = self._facts(path, provenance)
        if facts is None:
            return FOREIGN
        if str(facts.get("model")).partition("@")[0] != source.model:
            return OTHER_MODEL
        same = facts.get("inputs") == source.inputs
        if not same and facts.get("place") != source.place:
            return OTHER_INPUT
        return EDITED if _is_edited(path, provenance, facts) else FREE

    def line_of(self, name):
        """Returns the last line whose outputs name a file of the folder, or None."""
        return self._files.get(name)

    def _facts(self, path, provenance):
        name = os.path.relpath(path, self.folder)
        if name in self._files:
            line = self._files[name]
            return {**line, **(line.get("made_by") or {})}
        content = read_provenance(provenance)
        if content is None or not (
            Path(path) == Path(provenance)
            or Path(path).name in (content.get("outputs") or {})
        ):
            return None
        return content


def same_file(path, other):
    """Whether two paths name one file, also by links or another spelling."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def _is_edited(path, provenance, facts):
    """Whether a result was edited by hand: changed, readable, and newer."""
    if Path(path) == Path(provenance):
        return False
    outputs = facts.get("outputs") or {}
    wanted = outputs.get(os.path.basename(path)) or next(
        (sha for name, sha in outputs.items() if Path(name).name == Path(path).name),
        None,
    )
    try:
        if wanted is None or sha256_of(path) == wanted:
            return False
        # The provenance is put in place just before the image.
        if os.path.getmtime(path) <= os.path.getmtime(provenance):
            return False
    except OSError:
        return False
    return _is_readable(path)


def _is_readable(path):
    from medzoo.io.image_files import read_quietly

    try:
        read_quietly(path)
    except InputError:  # probabilities are several volumes
        return True
    except (MedzooError, OSError):
        return False
    return True


def _of_cases(lines):
    """The lines that are of a case; the others' cases are done again."""
    for line in lines:
        if isinstance(line.get("case_id"), str):
            yield {key: _as_expected(key, value) for key, value in line.items()}


def _as_expected(key, value):
    """A value of the kind that the status file has there, or None."""
    kinds = {"outputs": dict, "inputs": dict, "made_by": dict, "record": dict}
    return value if isinstance(value, kinds.get(key, object)) else None


def read_provenance(path):
    """Returns what a provenance file says, a dict, or None for any other file."""
    try:
        # Of a pipe, nobody may ever write what is waited for.
        if not os.path.isfile(path) or os.path.getsize(path) > LARGEST_PROVENANCE:
            return None
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    ours = ("case_id", "model", "weights_sha256", "medzoo")
    if not isinstance(content, dict) or any(key not in content for key in ours):
        return None
    return {key: _as_expected(key, value) for key, value in content.items()}
