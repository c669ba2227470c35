"""The time that a training takes, from what its log says."""

import pytest

from medzoo.training.log_lines import EpochFacts, LogLine, of_network, plan_line
from medzoo.training.time_left import TimeLeft, duration


def facts(number, network="", seconds=1.0):
    return EpochFacts(number, 4, {}, 0.1, seconds, network)


def test_the_rest_is_that_of_all_networks_at_the_pace_so_far():
    now = [0.0]
    left = TimeLeft(lambda: now[0])
    assert left(None) is None
    assert left(plan_line(["fold 0", "fold 1", ""]).facts) is None
    # Of the first epoch nothing but its steps is known.
    assert left(facts(1, "fold 0", seconds=2.0)) == pytest.approx((3 + 8) * 2)
    now[0] = 4.0
    assert left(facts(2, "fold 0")) == pytest.approx((2 + 8) * 3)
    # What lies between two networks is no epoch.
    now[0] = 1000.0
    assert left(facts(1, "fold 1", seconds=3.0)) == pytest.approx((3 + 4) * 3)
    assert left.place("fold 1") == (2, 3)
    now[0] = 1003.0
    assert left(facts(4, "")) == 0


def test_a_network_alone_needs_no_plan():
    left = TimeLeft(lambda: 0.0)
    assert left(facts(1, seconds=5.0)) == 15.0
    assert left.place("") == (1, 1)


def test_a_line_is_text_that_keeps_its_facts_under_another_name():
    line = LogLine("epoch 1/4", facts(1))
    named = of_network("fold 0", line)
    assert named == "fold 0, epoch 1/4"
    assert named.facts.network == "fold 0"
    assert of_network("fold 0", "plain") == "fold 0, plain"
    assert plan_line(["fold 0", ""]) == "2 networks to train: fold 0, all cases"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "about 1 s"),
        (60, "about 60 s"),
        (200, "about 3 min"),
        (9000, "about 2.5 h"),
        (200_000, "about 2.3 days"),
    ],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text
