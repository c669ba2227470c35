"""PreparedCases: prepared arrays of each case, in memory, on disk or streamed."""

from collections import OrderedDict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Lock

import numpy as np

from medzoo.data.store.content_hash import hashes_beside, name_by_content
from medzoo.data.store.storage_modes import check_mode
from medzoo.data.store.volume_store import VolumeStore
from medzoo.errors import InputError
from medzoo.processes import pool_of_processes

# Names of arrays.
IMAGE, LABELS = "image", "labels"
# Volumes that streaming holds: some in use, as many being read.
NUM_STREAMED = 8
# Cases whose files stay mapped: each costs the process a few of its 65530 mappings.
MOST_MAPPED = 4096


class Preparation:
    """What a task makes of a case; subclasses write `__call__`.

    Plain enough to travel to other processes. A case may be prepared in several ways
    (with a skull and without); most tasks know one, 0.
    """

    def __call__(self, case, way=0):
        """Returns what is made of a case, a dict of str -> array."""
        raise NotImplementedError

    def ways(self, case):
        """Returns the ways in which a case can be prepared, a list of int."""
        return [0]

    def files(self, case, way=0):
        """Returns the files that a case is made of, a list of path."""
        return [case.images[name] for name in sorted(case.images)]

    def facts(self, case, way=0):
        """Returns the settings that a prepared case depends on, plain JSON."""
        raise NotImplementedError


class PreparedCases:
    """Arrays of cases, made at first use.

    `mode` selects where they stay. "memory": all of them, as arrays; where a folder is
    given they lie there too, for the next run. "cached": on disk, as memory maps, of
    which a patch is read without the rest. "streamed": nowhere; they are made again
    when they are needed again, ahead of time by `expect`.

    On disk they are named by content: what was made of other files, by another recipe
    or by another medzoo is never found.

    Args:
        cases: list of `Case`.
        preparation: `Preparation`; called in several threads or processes.
        mode: str, "memory", "cached" or "streamed".
        folder: path or None; of "cached" the default is medzoo's cache folder.
        num_streamed: int, volumes that streaming holds at once. More only while that
            many were asked for ahead and not used yet, up to `most_ahead`.
        most_ahead: int or None, volumes at once in that case; None for no more.
        workers: int, threads that read ahead.

    Raises:
        InputError: for another mode, or a folder to stream into.
    """

    def __init__(
        self,
        cases,
        preparation,
        *,
        mode="memory",
        folder=None,
        num_streamed=NUM_STREAMED,
        most_ahead=None,
        workers=2,
    ):
        check_mode(mode, folder)
        self.cases = list(cases)
        self.preparation = preparation
        self.mode = mode
        kept_on_disk = mode == "cached" or folder is not None
        self.store = VolumeStore(folder) if kept_on_disk else None
        if self.store is not None:
            self.store.sweep()
        self._hashes = hashes_beside(folder)
        most = {"memory": None, "cached": MOST_MAPPED, "streamed": num_streamed}
        self._most = most[mode]
        self._most_ahead = most_ahead or num_streamed
        self._workers = workers
        self._pool = None
        self._lock = Lock()
        # In the order of their last use.
        self._futures = OrderedDict()
        self._used = set()

    def __len__(self):
        return len(self.cases)

    def __getstate__(self):
        # Threads and what they read do not travel to another process.
        fresh = {"_futures": OrderedDict(), "_used": set()}
        return {**self.__dict__, **fresh, "_lock": None, "_pool": None}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._lock = Lock()

    def get(self, index, way=0):
        """Returns the arrays of a case, a dict of str -> array; read-only."""
        future, is_new = self._future((index, way), is_use=True)
        if is_new:
            self._fulfil(future, (index, way))
        return future.result()

    def has(self, index, way=0):
        """Returns whether a case is there without being made."""
        if (index, way) in self._futures:
            return True
        return self.store is not None and self.store.has(self._name_of((index, way)))

    def put(self, index, arrays, way=0):
        """Keeps the arrays of a case that were made elsewhere."""
        if self.store is not None:
            self.store.write(self._name_of((index, way)), arrays)
        if self.mode == "memory":
            future, is_new = self._future((index, way))
            if is_new:
                future.set_result(_read_only(arrays))

    def expect(self, indices):
        """Starts to read what will be needed soon, in threads of its own."""
        if self.mode != "streamed":
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, "medzoo-reader")
        for key in self._keys(indices):
            future, is_new = self._future(key)
            if is_new:
                self._pool.submit(self._fulfil, future, key)

    def prepare(self, *, workers=2, threads=False, progress=None):
        """Makes what is not there yet, several cases at once, where the mode keeps it.

        Args:
            workers: int, processes.
            threads: bool, threads instead, for a preparation that does not travel.
            progress: callable `(done, total)` or None.
        """
        if self.mode == "streamed":
            return
        todo = [key for key in self._keys(range(len(self))) if not self.has(*key)]
        if threads:
            pool = ThreadPoolExecutor(workers, "medzoo-builder")
        else:
            pool = pool_of_processes(workers, self.preparation)
        with pool:
            tasks = ((make_arrays, *self._task(key)) for key in todo)
            results = _in_order(pool, tasks, 2 * workers)
            for done, (key, arrays) in enumerate(zip(todo, results, strict=True), 1):
                index, way = key
                self.put(index, arrays, way)
                if progress is not None:
                    progress(done, len(todo))

    def _keys(self, indices):
        ways = self.preparation.ways
        return [(i, way) for i in indices for way in ways(self.cases[i])]

    def _task(self, key):
        index, way = key
        return self.preparation, self.cases[index], way

    def _name_of(self, key):
        index, way = key
        case = self.cases[index]
        files = self.preparation.files(case, way)
        facts = [sorted(case.images), self.preparation.facts(case, way)]
        return name_by_content(case.case_id, files, facts, self._hashes)

    def _future(self, key, *, is_use=False):
        """The promise of a case's arrays, and whether the caller must keep it."""
        with self._lock:
            if is_use:
                self._used.add(key)
            known = self._futures.get(key)
            if known is not None:
                self._futures.move_to_end(key)
                return known, False
            future = self._futures[key] = Future()
            self._forget_oldest()
            return future, True

    def _forget_oldest(self):
        if self._most is None:
            return
        done = [key for key, future in self._futures.items() if future.done()]
        # What was read ahead is still to be used: let go, it would be read twice.
        used = [key for key in done if key in self._used]
        # But whoever asked for it may have turned to something else.
        unused = [key for key in done if key not in self._used]
        count = len(self._futures)
        forgotten = used[: max(0, count - self._most)]
        more = max(self._most, self._most_ahead)
        forgotten += unused[: max(0, count - len(forgotten) - more)]
        for key in forgotten:
            del self._futures[key]
            self._used.discard(key)

    def _fulfil(self, future, key):
        try:
            future.set_result(_read_only(self._obtain(key)))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            with self._lock:
                self._futures.pop(key, None)
                self._used.discard(key)
            future.set_exception(error)

    def _obtain(self, key):
        if self.store is None:
            return make_arrays(*self._task(key))
        name = self._name_of(key)
        found = self.store.read(name)
        if found is None:
            self.store.write(name, make_arrays(*self._task(key)))
            found = self.store.read(name)
        if self.mode == "memory":
            return {part: np.array(array) for part, array in found.items()}
        return found


def make_arrays(preparation, case, way):
    """Returns what a preparation makes of a case; an InputError names the case."""
    try:
        return preparation(case, way)
    except InputError as error:
        raise InputError(f"{error} (case {case.case_id})") from error


def _in_order(pool, tasks, most):
    """Yields the results of tasks in order; at most so many wait at once."""
    pending = deque()
    try:
        for task in tasks:
            if len(pending) == most:
                yield pending.popleft().result()
            pending.append(pool.submit(*task))
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise InputError(
            "A process must live until its cases are prepared. Received: one that was "
            "ended, mostly for want of memory. Use workers=1 (--workers 1) and run "
            "again: what a folder holds is kept."
        ) from error


def _read_only(arrays):
    for array in arrays.values():
        array.setflags(write=False)
    return arrays
