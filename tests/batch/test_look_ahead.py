"""Items are worked on ahead, in order, and never too many."""

import threading
import time

import pytest

from medzoo.batch.look_ahead import in_order, threads_for


def test_order_is_that_of_the_items_whatever_takes_longest():
    def slow_first(item):
        time.sleep(0.02 if item == 0 else 0)
        return item

    assert list(in_order(slow_first, range(20), 2, 1)) == list(range(20))


@pytest.mark.parametrize(("threads", "ahead"), [(1, 0), (2, 1), (3, 2)])
def test_never_more_on_their_way_than_asked_for(threads, ahead):
    lock, started, taken, most = threading.Lock(), 0, 0, 0

    def count(item):
        nonlocal started, most
        with lock:
            started += 1
            most = max(most, started - taken)
        return item

    for _ in in_order(count, range(30), threads, ahead):
        time.sleep(0.002)
        taken += 1
    assert threads + ahead >= most - 1
    assert started == taken == 30


def test_items_are_worked_on_beside_each_other():
    both = threading.Barrier(2, timeout=10)
    assert len(list(in_order(lambda _: both.wait(), range(4), 2))) == 4


def test_results_before_an_error_of_the_items_come_first():
    def items():
        yield 1
        yield 2
        raise OSError("gone")

    results = in_order(lambda item: item, items(), 2, 3)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_closing_starts_nothing_new():
    started = []
    results = in_order(started.append, range(1000), 2, 1)
    next(results)
    results.close()
    assert len(started) <= 4
    assert not [t for t in threading.enumerate() if t.name.startswith("medzoo-cases")]


def test_one_case_or_one_thread_stays_in_the_caller():
    assert threads_for(1) == threads_for(100, limit=1) == 0
    (here,) = set(in_order(lambda _: threading.get_ident(), range(3), 0))
    assert here == threading.get_ident()
