"""PreparedCases: each scan of a table through the spatial steps once, then kept."""

import hashlib
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from medzoo.data.views import strip
from medzoo.errors import InputError
from medzoo.files import replace_atomically
from medzoo.io import read
from medzoo.preprocess import Preprocessor


class PreparedCases:
    """The network's grid with each case on it, before the normalising layers.

    Args:
        cases: list of `Case`.
        recipe: dict, the recipe's content.
        views: list of `View`.
        folder: path or None, where prepared volumes are kept between runs; None keeps
            them in memory alone.
    """

    def __init__(self, cases, recipe, views, folder=None):
        self.cases = list(cases)
        self.views = list(views)
        self.folder = None if folder is None else Path(folder)
        self.preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
        # The normalising layers come after: another choice of them costs nothing.
        spatial = {"spatial": recipe["preprocessing"].get("spatial", [])}
        self._sections = (spatial, recipe["channels"])
        self._kept = {}

    def __len__(self):
        return len(self.cases)

    def views_of(self, index):
        """Returns the numbers of the views that a case can be shown in."""
        case = self.cases[index]
        return [
            number
            for number, view in enumerate(self.views)
            if view.strip is None or case.path(view.strip["column"]) is not None
        ]

    def get(self, index, view=0):
        """Returns a case in a view, `(x, y, z, channels)` float32, read-only."""
        # A view that only augments differently shares the prepared volume.
        way = self.views[view].strip
        key = (index, json.dumps(way, sort_keys=True))
        if key not in self._kept:
            array = self._load_or_place(index, way)
            array.setflags(write=False)
            self._kept[key] = array
        return self._kept[key]

    def prepare(self, *, workers=2, progress=None):
        """Prepares all cases in all views, in processes of their own.

        Args:
            workers: int, processes.
            progress: callable `(done, total)` or None.
        """
        tasks = {}
        for index in range(len(self)):
            for view in self.views_of(index):
                way = self.views[view].strip
                key = (index, json.dumps(way, sort_keys=True))
                tasks.setdefault(key, (self.cases[index], way, *self._sections))
        todo = [key for key in tasks if not self._on_disk(key[0], tasks[key][1])]
        # Spawned, not forked: TensorFlow's threads do not survive a fork.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            results = pool.map(_place_task, [tasks[key] for key in todo], chunksize=2)
            for done, (key, array) in enumerate(zip(todo, results, strict=True), 1):
                self._keep(key, tasks[key][1], array)
                if progress is not None:
                    progress(done, len(todo))

    def _keep(self, key, way, array):
        array.setflags(write=False)
        self._kept[key] = array
        if self.folder is not None:
            self._write(self._file(key[0], way), array)

    def _load_or_place(self, index, way):
        if self._on_disk(index, way):
            return np.load(self._file(index, way), allow_pickle=False)
        array = place(self.cases[index], way, self.preprocessor)
        if self.folder is not None:
            self._write(self._file(index, way), array)
        return array

    def _on_disk(self, index, way):
        return self.folder is not None and self._file(index, way).is_file()

    def _file(self, index, way):
        """Named by content: another scan, recipe or view never finds it."""
        case = self.cases[index]
        paths = list(case.images.values())
        if way is not None:
            paths.append(case.path(way["column"]))
        facts = [file_stamp(path) for path in paths]
        text = json.dumps([facts, way, self._sections], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f"{case.case_id}.{digest}.npy"

    @staticmethod
    def _write(path, array):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_atomically(path) as temporary:
            np.save(temporary, array, allow_pickle=False)


def place(case, way, preprocessor):
    """Reads a case, strips it if `way` says so, and applies the spatial steps.

    Args:
        case: `Case`.
        way: dict of a view's strip, or None.
        preprocessor: `Preprocessor`.

    Returns:
        `(x, y, z, channels)` float32 array.

    Raises:
        InputError: naming the case, for one that cannot be worked on.
    """
    volume = preprocessor.gather(case.images)
    if way is not None:
        labels = read(case.path(way["column"]))
        kept = {"above": way["above"], "dilate_mm": way["dilate_mm"]}
        try:
            volume = strip(volume, labels, **kept)
        except InputError as error:
            raise InputError(f"{error} (case {case.case_id})") from error
    placed, _ = preprocessor.place(volume)
    return placed.array


def _place_task(task):
    case, way, preprocessing, channels = task
    return place(case, way, Preprocessor(preprocessing, channels))


def file_stamp(path):
    """Returns what tells a file from another: absolute path, size, time of change."""
    # Absolute: a table is found again from whatever folder the training starts.
    path = Path(path).resolve()
    status = path.stat()
    return [str(path), status.st_size, status.st_mtime_ns]
