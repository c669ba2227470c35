"""KeptVolumes: what is made of each case, kept in memory, on disk, or for a while."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import numpy as np

from medzoo.data.store.storage_modes import check_mode
from medzoo.data.store.volume_store import VolumeStore

# Volumes that streaming holds: some in use, as many being read.
NUM_STREAMED = 8
# Cases whose files stay mapped: each costs the process a few of its 65530 mappings.
MOST_MAPPED = 4096


class KeptVolumes:
    """Arrays of cases by number, made at first use.

    One word says where they stay. "memory": all of them, as arrays; where a folder is
    given they lie there too, for the next run. "cached": on disk, as memory maps, of
    which a patch is read without the rest. "streamed": nowhere; they are made again
    when they are needed again, ahead of time by `expect`.

    Args:
        count: int, number of cases.
        make: callable, number -> dict of str -> array; called in several threads.
        name_of: callable, number -> str that differs for other content (see
            `VolumeStore`).
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
        count,
        make,
        name_of,
        *,
        mode="memory",
        folder=None,
        num_streamed=NUM_STREAMED,
        most_ahead=None,
        workers=2,
    ):
        check_mode(mode, folder)
        self.mode = mode
        self.count = count
        self._make = make
        self._name_of = name_of
        kept_on_disk = mode == "cached" or folder is not None
        self.store = VolumeStore(folder) if kept_on_disk else None
        if self.store is not None:
            self.store.sweep()
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
        return self.count

    def __getstate__(self):
        # Threads and what they read do not travel to another process.
        fresh = {"_futures": OrderedDict(), "_used": set()}
        return {**self.__dict__, **fresh, "_lock": None, "_pool": None}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._lock = Lock()

    def get(self, number):
        """Returns the arrays of a case, a dict; read-only."""
        future, is_new = self._future(number, is_use=True)
        if is_new:
            self._fulfil(future, number)
        return future.result()

    def has(self, number):
        """Returns whether a case is there without being made."""
        if number in self._futures:
            return True
        return self.store is not None and self.store.has(self._name_of(number))

    def put(self, number, arrays):
        """Keeps the arrays of a case that were made elsewhere."""
        if self.store is not None:
            self.store.write(self._name_of(number), arrays)
        if self.mode == "memory":
            future, is_new = self._future(number)
            if is_new:
                future.set_result(_read_only(arrays))

    def expect(self, numbers):
        """Starts to read what will be needed soon, in threads of its own."""
        if self.mode != "streamed":
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, "medzoo-reader")
        for number in numbers:
            future, is_new = self._future(number)
            if is_new:
                self._pool.submit(self._fulfil, future, number)

    def build(self, *, workers=2, progress=None):
        """Makes what is not there yet, several cases at once.

        Args:
            workers: int, threads.
            progress: callable `(done, total)` or None.
        """
        if self.mode == "streamed":
            return
        todo = [number for number in range(self.count) if not self.has(number)]
        with ThreadPoolExecutor(workers, "medzoo-builder") as pool:
            for done, _ in enumerate(pool.map(self.get, todo), 1):
                if progress is not None:
                    progress(done, len(todo))

    def _future(self, number, *, is_use=False):
        """The promise of a case's arrays, and whether the caller must keep it."""
        with self._lock:
            if is_use:
                self._used.add(number)
            known = self._futures.get(number)
            if known is not None:
                self._futures.move_to_end(number)
                return known, False
            future = self._futures[number] = Future()
            self._forget_oldest()
            return future, True

    def _forget_oldest(self):
        if self._most is None:
            return
        done = [n for n, future in self._futures.items() if future.done()]
        # What was read ahead is still to be used: let go, it would be read twice.
        used = [n for n in done if n in self._used]
        # But whoever asked for it may have turned to something else.
        unused = [n for n in done if n not in self._used]
        count = len(self._futures)
        forgotten = used[: max(0, count - self._most)]
        more = max(self._most, self._most_ahead)
        forgotten += unused[: max(0, count - len(forgotten) - more)]
        for number in forgotten:
            del self._futures[number]
            self._used.discard(number)

    def _fulfil(self, future, number):
        try:
            future.set_result(_read_only(self._obtain(number)))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            with self._lock:
                self._futures.pop(number, None)
                self._used.discard(number)
            future.set_exception(error)

    def _obtain(self, number):
        if self.store is None:
            return self._make(number)
        name = self._name_of(number)
        found = self.store.read(name)
        if found is None:
            self.store.write(name, self._make(number))
            found = self.store.read(name)
        if self.mode == "memory":
            return {key: np.array(array) for key, array in found.items()}
        return found


def _read_only(arrays):
    for array in arrays.values():
        array.setflags(write=False)
    return arrays
