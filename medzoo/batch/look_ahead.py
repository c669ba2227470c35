"""Work on the next items in threads while the caller is busy with this one."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from medzoo.data.feeds.prefetch import usable_cores


def in_order(function, items, threads, ahead=0):
    """Yields `function(item)` of each item, in order, computed ahead in threads.

    Reading, SimpleITK and zlib leave the interpreter to others while they work, so
    threads are enough. At most `threads + ahead` results are on their way or wait.

    Args:
        function: callable of one item, which may run beside itself.
        items: iterable; it is advanced in the caller's thread.
        threads: int; 0 calls the function in the caller's thread, one by one.
        ahead: int, results that may wait beyond those that are in work.

    Raises:
        Exception: what `function` or `items` raise, after the results before it.
    """
    if threads == 0:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="medzoo-cases")
    with closing(_submitted(pool, function, items, threads + ahead)) as results:
        try:
            yield from results
        finally:
            # An interrupted run starts nothing new; what is being written is finished.
            pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool, function, items, limit):
    waiting, items, stopped = deque(), iter(items), None
    while stopped is None or waiting:
        while stopped is None and len(waiting) < limit:
            try:
                waiting.append(pool.submit(function, next(items)))
            except Exception as error:  # noqa: BLE001 - raised again below
                stopped = error
        if waiting:
            yield waiting.popleft().result()
    if not isinstance(stopped, StopIteration):
        raise stopped


def threads_for(count, limit=None):
    """Returns the threads that prepare `count` cases: none where nothing is gained.

    Args:
        count: int, number of cases.
        limit: int or None, CPU threads at most.
    """
    cores = usable_cores()
    threads = min(cores, limit or cores)
    return 0 if count < 2 or threads < 2 else min(threads, count)
