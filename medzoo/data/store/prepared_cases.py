"""PreparedCases: each scan of a table through the spatial steps once, then kept."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from medzoo.data.cases.training_views import strip
from medzoo.data.store.content_hash import hashes_beside, name_by_content
from medzoo.data.store.kept_volumes import KeptVolumes
from medzoo.errors import InputError
from medzoo.io import read
from medzoo.preprocess import Preprocessor


class PreparedCases:
    """The network's grid with each case on it, before the normalising layers.

    Args:
        cases: list of `Case`.
        recipe: dict, the recipe's content.
        views: list of `View`.
        folder: path or None, where prepared volumes lie on disk.
        mode: str, "memory", "cached" or "streamed", see
            `medzoo.data.store.kept_volumes.KeptVolumes`.
    """

    def __init__(self, cases, recipe, views, folder=None, mode="memory"):
        self.cases = list(cases)
        self.views = list(views)
        self.preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
        # The normalising layers come after: another choice of them costs nothing.
        spatial = {"spatial": recipe["preprocessing"].get("spatial", [])}
        self._sections = (spatial, recipe["channels"])
        # A view that only augments differently shares the prepared volume.
        self._ways = [json.dumps(view.strip, sort_keys=True) for view in self.views]
        self._kinds = list(dict.fromkeys(self._ways))
        self._hashes = hashes_beside(folder)
        count = len(self.cases) * len(self._kinds)
        self.kept = KeptVolumes(
            count, self._make, self._name_of, mode=mode, folder=folder
        )

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
        return self.kept.get(self._number(index, view))["image"]

    def expect(self, index):
        """Starts to prepare a case in all its views, where cases are streamed."""
        if 0 <= index < len(self):
            self.kept.expect([self._number(index, v) for v in self.views_of(index)])

    def prepare(self, *, workers=2, progress=None):
        """Prepares all cases in all views, in processes of their own.

        Args:
            workers: int, processes.
            progress: callable `(done, total)` or None.
        """
        if self.kept.mode == "streamed":
            return
        wanted = (
            self._number(i, v) for i in range(len(self)) for v in self.views_of(i)
        )
        todo = [n for n in dict.fromkeys(wanted) if not self.kept.has(n)]
        # Spawned, not forked: TensorFlow's threads do not survive a fork.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            tasks = [(*self._task(number), *self._sections) for number in todo]
            results = pool.map(_place_task, tasks, chunksize=2)
            for done, (number, array) in enumerate(zip(todo, results, strict=True), 1):
                self.kept.put(number, {"image": array})
                if progress is not None:
                    progress(done, len(todo))

    def _number(self, index, view):
        """A case in a kind of view as one number, as its volume is kept."""
        return index * len(self._kinds) + self._kinds.index(self._ways[view])

    def _task(self, number):
        index, kind = divmod(number, len(self._kinds))
        return self.cases[index], json.loads(self._kinds[kind])

    def _make(self, number):
        return {"image": place(*self._task(number), self.preprocessor)}

    def _name_of(self, number):
        """Named by content: another scan, recipe or view never finds it."""
        case, way = self._task(number)
        paths = [case.images[name] for name in sorted(case.images)]
        if way is not None:
            paths.append(case.path(way["column"]))
        facts = [sorted(case.images), way, self._sections]
        return name_by_content(case.case_id, paths, facts, self._hashes)


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
