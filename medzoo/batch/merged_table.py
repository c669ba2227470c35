"""One table of what several processes did, from their status files."""

from pathlib import Path

from medzoo.batch.cohort_table import CohortTable
from medzoo.batch.status_log import STATUS_FILES, status_lines
from medzoo.errors import InputError

# Of a folder that others go on writing into.
MOST_ROUNDS = 20


class MergedTable:
    """Writes the table of all results that lie in a folder, whoever made them.

    Any process may write it at any time. If two do at once, the one that knows less may
    be the last: so each looks again whether anything was added since it read, and if so
    writes anew. Then the table holds everything as soon as the last one has ended.

    Args:
        folder: path, where the table goes.
        places: dict of model name -> path of the folder with its status files.
        inputs: see `CohortTable`.
        overwrite: likewise.
        finish: dict of model name -> callable, given the records of a model.
    """

    def __init__(self, folder, places, *, inputs=(), overwrite=False, finish=None):
        self.folder = Path(folder)
        self.places = dict(places)
        self._options = {"inputs": inputs, "overwrite": overwrite}
        self._finish = finish or {}
        CohortTable(self.folder, [], **self._options)  # refuses before any work

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
        found = {name: _last_lines(place) for name, place in self.places.items()}
        recipes = [recipe for _, recipe in found.values() if recipe is not None]
        table = CohortTable(self.folder, recipes, **self._options)
        good = False
        for name, (lines, _) in found.items():
            records = [record_of(line) for line in lines]
            for line, record in zip(lines, records, strict=True):
                good = good or "error" not in record
                table.add(name, record, line.get("known"))
            if records and name in self._finish:
                self._finish[name](records)
        return table.write() if good else None

    def _state(self):
        """Sizes of all status files, which only grow."""
        return {
            path: path.stat().st_size
            for place in self.places.values()
            for path in place.glob(STATUS_FILES)
        }


def record_of(line):
    """Returns the record of a case from its line in a status file."""
    if line.get("error"):
        return {"case_id": line["case_id"], "error": str(line["error"])}
    return {"case_id": line["case_id"], **line["record"]}


def merge(folder):
    """Writes the one table of a folder that shards wrote into.

    Args:
        folder: path.

    Returns:
        Path of the table.

    Raises:
        InputError: if no shard noted anything there.
    """
    folder = Path(folder)
    places = {}
    for path in sorted({p.parent for p in _status_files(folder)}):
        _, recipe = _last_lines(path)
        if recipe is not None:
            places[recipe["name"]] = path
    table = MergedTable(folder, places).write() if places else None
    if table is None:
        raise InputError(
            "A table is merged from the results of shards. "
            f"Received: folder={folder}, which holds none. Check the path."
        )
    return table


def _status_files(folder):
    own = (folder, *(p for p in sorted(folder.glob("*")) if p.is_dir()))
    work = folder / ".medzoo"
    own = (*own, *(p for p in sorted(work.glob("*")) if p.is_dir()))
    return [path for place in own for path in place.glob(STATUS_FILES)]


def _last_lines(place):
    """The last line of each case, by the name of the case, and the recipe."""
    cases, recipe = {}, None
    for line in status_lines(place):
        if isinstance(line.get("recipe"), dict):
            recipe = line["recipe"]
        elif isinstance(line.get("case_id"), str) and (
            line.get("error") or isinstance(line.get("record"), dict)
        ):
            cases[line["case_id"]] = line
    return [cases[case_id] for case_id in sorted(cases)], recipe
