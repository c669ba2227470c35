"""Batches made ahead: which, in what order, how many at once, and the wait for them."""

import threading
import time

import keras
import numpy as np
import pytest

from medzoo.data.feeds.prefetch import Prefetch, default_workers


class Slow(keras.utils.PyDataset):
    """Batches whose number is their content, each some seconds in the making."""

    def __init__(self, count, seconds=0.0, broken=None):
        super().__init__()
        self.count = count
        self.seconds = seconds
        self.broken = broken
        self.made = []
        self.lock = threading.Lock()

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        # Later ones are faster, so that they are ready first.
        time.sleep(self.seconds * (1 + 0.5 * (self.count - number) / self.count))
        if number == self.broken:
            raise OSError(f"no batch {number}")
        with self.lock:
            self.made.append(number)
        return np.full((1, 2), number), np.full((1,), number)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_all_batches_come_in_order_in_every_epoch(workers):
    feed = Prefetch(Slow(11, 0.002), workers=workers)
    for _ in range(2):
        assert [int(targets[0]) for _, targets in feed] == list(range(11))
    assert len(feed) == 11


def test_no_more_is_made_ahead_than_asked_for():
    data = Slow(20)
    batches = iter(Prefetch(data, workers=2, ahead=3))
    next(batches)
    time.sleep(0.2)
    assert sorted(data.made) == [0, 1, 2]
    next(batches)
    time.sleep(0.2)
    assert sorted(data.made) == [0, 1, 2, 3]
    batches.close()


def test_the_wait_is_that_of_whoever_iterates():
    slow, fast = Prefetch(Slow(6, 0.05), workers=1), Prefetch(Slow(6, 0.05), workers=1)
    started = time.perf_counter()
    for _ in slow:
        pass
    assert slow.waited == pytest.approx(time.perf_counter() - started, rel=0.1)
    # Hidden behind a step that takes longer, but for the first batch.
    for _ in fast:
        time.sleep(0.15)
    assert 0.05 <= fast.waited < 0.4 * slow.waited


def test_a_broken_batch_is_an_error_and_ends_the_threads():
    before = threading.active_count()
    seen = []
    with pytest.raises(OSError, match="no batch 3"):
        seen += [
            int(targets[0]) for _, targets in _told(Prefetch(Slow(9, broken=3)), seen)
        ]
    assert seen == [0, 1, 2]
    assert threading.active_count() == before


def _told(feed, seen):
    for images, targets in feed:
        seen.append(int(targets[0]))
        yield images, targets


def test_default_workers_leave_cores_to_the_step():
    assert 1 <= default_workers() <= 4
