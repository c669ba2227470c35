"""MixedGroups: patches of few cases mixed, and who is asked for ahead."""

import numpy as np
import pytest

from medzoo.data.store.mixed_groups import MixedGroups


class Asked:
    """Stands for `PreparedCases`: tells which cases are expected."""

    def __init__(self):
        self.indices = []

    def expect(self, indices):
        self.indices += indices


@pytest.fixture
def volumes():
    return Asked()


def groups(volumes, *, order=None):
    def members(epoch, group):
        return [2 * group, 2 * group + 1]

    size = {"volumes_at_once": 2, "patches_per_volume": 3}
    return MixedGroups(volumes, members, order, 12, **size)


def test_every_case_of_a_group_has_its_patches(volumes):
    drawn = [groups(volumes).case_of(0, number) for number in range(12)]
    assert drawn == sorted([0, 1, 2, 3] * 3)


def test_patches_of_a_group_are_mixed_the_same_way_each_time(volumes):
    def order(epoch, group):
        return np.random.default_rng([epoch, group])

    one, again = (
        [groups(volumes, order=order).case_of(1, number) for number in range(12)]
        for _ in range(2)
    )
    assert one == again != sorted(one)
    assert sorted(one[:6]) == [0, 0, 0, 1, 1, 1]


def test_the_next_group_is_asked_for_once_and_none_behind_the_last(volumes):
    mixed = groups(volumes)
    for number in range(3):
        mixed.case_of(0, number)
    assert volumes.indices == [0, 1]
    for number in range(3, 12):
        mixed.case_of(0, number)
    assert volumes.indices == [0, 1, 2, 3]
    # A thread that is late asks for nothing again; another epoch does.
    mixed.case_of(0, 2)
    assert volumes.indices == [0, 1, 2, 3]
    mixed.case_of(1, 0)
    assert volumes.indices == [0, 1, 2, 3, 0, 1]


@pytest.mark.parametrize("again", ["forget", "first patch"])
def test_an_epoch_that_begins_anew_is_read_ahead_again(volumes, again):
    mixed = groups(volumes)
    mixed.case_of(0, 11)
    assert volumes.indices == [2, 3]
    if again == "forget":
        mixed.forget()
        mixed.case_of(0, 1)
    else:
        mixed.case_of(0, 0)
    assert volumes.indices == [2, 3, 0, 1]
