"""KeptVolumes streaming: nothing is read twice, and little is held."""

import numpy as np
import pytest

from medzoo.data.store.kept_volumes import KeptVolumes


@pytest.fixture
def made():
    return []


def streamed(made, **settings):
    def make(number):
        made.append(number)
        return {"image": np.full(3, number)}

    kept = KeptVolumes(100, make, str, mode="streamed", num_streamed=2, **settings)
    return kept


def wait(kept):
    for future in list(kept._futures.values()):
        future.result()


def test_what_was_read_ahead_stays_until_its_use(made):
    kept = streamed(made, most_ahead=6)
    for numbers in ([0, 1], [2, 3], [4, 5]):
        kept.expect(numbers)
        wait(kept)
    for number in range(6):
        assert kept.get(number)["image"][0] == number
    assert made == [*range(6)]
    kept.get(50)
    assert len(kept._futures) == 2


def test_what_was_read_ahead_for_nothing_goes(made):
    kept = streamed(made, most_ahead=6)
    for number in range(40):
        kept.expect([number])
        wait(kept)
        assert len(kept._futures) <= 6
    assert kept.get(0)["image"][0] == 0
    assert made == [*range(40), 0]


def test_the_one_used_longest_ago_goes_first(made):
    kept = streamed(made)
    for number in (0, 1, 0, 2, 0, 1):
        kept.get(number)
    assert made == [0, 1, 2, 1]


def test_a_failed_one_is_tried_again():
    outcomes = iter([OSError("busy"), {"image": np.zeros(3)}])

    def make(number):
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    kept = KeptVolumes(1, make, str, mode="streamed")
    with pytest.raises(OSError, match="busy"):
        kept.get(0)
    assert not kept.get(0)["image"].any()
