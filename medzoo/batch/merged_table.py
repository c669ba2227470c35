"""One table of the results of several processes, from their status files."""

import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

from medzoo.batch.cohort_table import NAME, SUFFIXES, CohortTable
from medzoo.batch.status_log import time_of
from medzoo.batch.status_parts import all_lines, is_of, state_of
from medzoo.errors import InputError, MedzooError, MissingFileError, OfflineError
from medzoo.files import temporary_folder
from medzoo.io.remote import (
    fetched,
    is_url,
    joined,
    listed,
    local_or_url,
    object_of,
    objects_of,
    upload,
)

# Of a folder that others go on writing into.
MOST_ROUNDS, FETCHES = 20, 3
_NAMES = [f"{NAME}{suffix}" for suffix in SUFFIXES]


class MergedTable:
    """Writes the table of all results in a folder, of all processes.

    Any process may write it at any time. If two do at once, the one that knows less may
    be the last: so each looks again whether anything was added since it read, and if so
    writes anew. Then the table holds everything as soon as the last one has ended.

    Args:
        folder: path or URL, where the table goes.
        places: dict of model name -> path or URL of the folder with its status files.
        recipes: dict of model name -> recipe; of a model without, the one that was
            noted last counts. Results of other versions have no part in the table.
        inputs: see `CohortTable`.
        overwrite: likewise.
        finish: dict of model name -> callable, given the records of a model.
    """

    def __init__(
        self,
        folder,
        places,
        *,
        recipes=None,
        inputs=(),
        overwrite=False,
        finish=None,
    ):
        folder = local_or_url(folder)
        self.folder = folder.rstrip("/") if is_url(folder) else folder
        self.places, self._recipes = dict(places), recipes or {}
        self._options = {"inputs": inputs, "overwrite": overwrite, "by_case": True}
        self._finish = finish or {}
        if is_url(self.folder):
            _check_inputs(self.folder, inputs)
        with _local(self.folder) as place:
            CohortTable(place, [], **self._options)  # refuses before any work

    def write(self):
        """Writes the table; returns its path, or None where there is no result."""
        path = None
        for _ in range(MOST_ROUNDS):
            before = self._state()
            path = self._write_once()
            if self._state() == before:
                break
        return path

    def _write_once(self):
        found = {
            name: _last_lines(place, name, self._recipes.get(name))
            for name, place in self.places.items()
        }
        recipes = [recipe for _, recipe in found.values() if recipe is not None]
        with _local(self.folder) as folder:
            table = CohortTable(folder, recipes, **self._options)
            if not self._fill(table, found):
                return None
            path = table.write()
            if not is_url(self.folder):
                return path
            for file in sorted(path.parent.iterdir()):
                upload(file, f"{self.folder}/{file.name}")
        return f"{self.folder}/{path.name}"

    def _fill(self, table, found):
        """Adds all lines; returns whether there is any result."""
        good = False
        for name, (lines, _) in found.items():
            records = [record_of(line) for line in lines]
            for line, record in zip(lines, records, strict=True):
                good = good or "error" not in record
                table.add(name, record, line.get("known"))
            if records and name in self._finish:
                self._finish[name](records)
        return good

    def _state(self):
        return {name: state_of(place) for name, place in self.places.items()}


@contextmanager
def _local(folder):
    """The folder; for a URL a temporary one that holds the earlier table."""
    if not is_url(folder):
        yield folder
        return
    with temporary_folder() as place:
        for name in _NAMES:
            _take_over(f"{folder}/{name}", Path(place, name))
        try:
            yield place
        except MedzooError as error:
            # Of the copy nobody knows.
            raise type(error)(str(error).replace(str(place), folder)) from error


def _take_over(url, path):
    """Fetches an object that is there; another process may replace it meanwhile."""
    for attempt in range(FETCHES):
        try:
            with suppress(MissingFileError), fetched(url) as there:
                shutil.move(there, path)
        except OfflineError:
            if attempt + 1 == FETCHES:
                raise
        else:
            return


def _check_inputs(url, inputs):
    read = objects_of(inputs)
    for name in _NAMES:
        if object_of(f"{url}/{name}") in read:
            raise InputError(
                "A result must not replace an input. "
                f"Received: {url}/{name}, which is read. Choose another output."
            )


def record_of(line):
    """Returns the record of a case from its line in a status file."""
    if line.get("error"):
        return {"case_id": line["case_id"], "error": str(line["error"])}
    return {"case_id": line["case_id"], **line["record"]}


def merge(folder):
    """Writes the one table of a folder that shards wrote into.

    Args:
        folder: path or URL.

    Returns:
        Path or URL of the table.

    Raises:
        InputError: if no shard noted anything there.
    """
    folder = local_or_url(folder)
    heads = [(h, path) for path in _places_in(folder) for h in _heads(all_lines(path))]
    # Of a model that wrote into two folders, the last one.
    heads.sort(key=lambda found: time_of(found[0]))
    places = {head["recipe"]["name"]: path for head, path in heads}
    table = MergedTable(folder, places).write() if places else None
    if table is None:
        raise InputError(
            "A table is merged from the results of shards. "
            f"Received: folder={folder}, which holds none. Check the path."
        )
    return table


def _places_in(folder):
    """The folders that a cohort's status files may lie in."""
    if is_url(folder):
        below = {name.rpartition("/")[0] for name in listed(folder)}
        return [joined(folder, name) if name else folder for name in sorted(below)]
    parents = (folder, folder / ".medzoo")
    below = (path for parent in parents for path in sorted(parent.glob("*")))
    return [folder, *(path for path in below if path.is_dir())]


def _last_lines(place, name, recipe=None):
    """The last line of each case of a model, by the name of the case, and its recipe.

    Several models, and versions of one, may have written into a folder.
    """
    lines = all_lines(place)
    for head in _heads(lines) if recipe is None else ():
        if head["recipe"]["name"] == name:
            recipe = head["recipe"]
    if recipe is None:
        return [], None
    model = f"{name}@{recipe.get('version')}"
    cases = {}
    for line in lines:
        told = line.get("error") or isinstance(line.get("record"), dict)
        if isinstance(line.get("case_id"), str) and told and is_of(line, model):
            cases[line["case_id"]] = line
    return [cases[case_id] for case_id in sorted(cases)], recipe


def _heads(lines):
    """The lines that are of no case, but name the recipe."""
    recipes = (line.get("recipe") for line in lines)
    return [
        line
        for line, recipe in zip(lines, recipes, strict=True)
        if isinstance(recipe, dict) and isinstance(recipe.get("name"), str)
    ]
