"""Prefetch: batches made by threads while the network computes; the wait for them."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

MOST_WORKERS = 4


def default_workers():
    """Returns how many threads make batches: one for every two cores, up to four.

    The step of training itself uses all cores.
    """
    return max(1, min(MOST_WORKERS, usable_cores() // 2))


def usable_cores():
    """Returns how many cores this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


class Prefetch:
    """Iterates over the batches of a data set, a few of them made ahead.

    The batches and their order are those of the data set, whatever the number of
    threads. One iteration is one epoch; nothing is made ahead beyond its end.

    Args:
        data: `keras.utils.PyDataset` whose batches follow from their number.
        workers: int or None, threads that make batches. Defaults to
            `default_workers()`.
        ahead: int or None, batches that are being made or lie ready at once. Defaults
            to one more than workers.

    Attributes:
        waited: float, seconds of the current or last epoch in which whoever iterates
            stood still because no batch was ready.

    Example:
        >>> feed = Prefetch(medzoo.dataset("cases.csv", model), workers=2)
        >>> for images, targets in feed:
        ...     model.train_on_batch(images, targets)
    """

    def __init__(self, data, workers=None, ahead=None):
        self.data = data
        self.workers = workers or default_workers()
        self.ahead = ahead or self.workers + 1
        self.waited = 0.0

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        self.waited = 0.0
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="medzoo-feed")
        due = deque(range(len(self.data)))
        pending = deque()
        try:
            while due or pending:
                while due and len(pending) < self.ahead:
                    pending.append(pool.submit(self.data.__getitem__, due.popleft()))
                started = perf_counter()
                batch = pending.popleft().result()
                self.waited += perf_counter() - started
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
