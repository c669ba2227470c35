"""Progress: it moves, never back, and says about how long the rest takes."""

import pytest

from medzoo.serve.pace import STAGES, Pace


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES)
def test_stages_follow_each_other(stages):
    ends = [0.0, *(high for _, high in stages.values())]
    assert [low for low, _ in stages.values()] == ends[:-1]
    assert ends[-1] == 1.0


def test_windows_count(clock):
    pace = Pace(["a"], {"a": 10.0}, clock=clock)
    pace.hear({"model": "a", "stage": "network"})
    pace.hear({"model": "a", "windows": (1, 4)})
    found = pace.to_dict()

    assert found["windows"] == (1, 4)
    assert found["stage"] == "network"
    low, high = STAGES["predict"]["network"]
    assert found["share"] == pytest.approx(low + (high - low) / 4, abs=1e-4)
    assert found["seconds_left"] == pytest.approx(10 * (1 - found["share"]), abs=0.1)


def test_two_passes_are_half_each(clock):
    pace = Pace(["a"], {"a": 10.0}, {"a": 2}, clock=clock)
    pace.hear({"model": "a", "stage": "network"})
    low, high = STAGES["predict"]["network"]
    shares = []
    for windows in ((2, 4), (4, 4), (1, 2), (2, 2)):
        pace.hear({"model": "a", "windows": windows})
        shares.append((pace.to_dict()["share"] - low) / (high - low))

    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=1e-3)


def test_a_stage_that_takes_longer_than_expected_goes_on(clock):
    pace = Pace(["a", "b"], {"a": 10.0}, clock=clock)
    pace.hear({"model": "a", "stage": "placing"})
    shares, left = [], []
    for _ in range(12):
        clock.now += 0.5
        found = pace.to_dict()
        shares.append(found["share"])
        left.append(found["seconds_left"])

    assert shares == sorted(set(shares))
    assert min(left) > 0


def test_a_model_that_is_done_counts_as_it_took(clock):
    pace = Pace(["a", "b"], {"a": 10.0, "b": 30.0}, clock=clock)
    clock.now = 20.0
    pace.hear({"model": "a", "record": {}})
    found = pace.to_dict()

    assert pace.seconds == {"a": 20.0}
    assert (found["model"], found["model_number"], found["models"]) == ("b", 2, 2)
    assert found["share"] == pytest.approx(0.4)
    assert found["seconds_left"] == pytest.approx(30.0)


def test_it_never_goes_back_and_ends_at_one(clock):
    pace = Pace(["a"], {"a": 10.0}, clock=clock)
    pace.hear({"model": "a", "stage": "network"})
    pace.hear({"model": "a", "windows": (3, 4)})
    before = pace.to_dict()["share"]
    pace.hear({"model": "a", "windows": (1, 8)})
    assert pace.to_dict()["share"] >= before
    pace.hear({"model": "a", "record": {}})
    found = pace.to_dict()

    assert (found["share"], found["model"], found["seconds_left"]) == (1.0, None, 0.0)


def test_an_explanation_has_stages_and_a_usual_time_of_its_own(clock):
    pace = Pace(["a"], {}, work="explain", clock=clock)
    shares = []
    for stage in ("reading", "placing", "regions"):
        pace.hear({"model": "a", "stage": stage})
        clock.now += 5.0
        shares.append(pace.to_dict()["share"])
    pace.hear({"model": "a", "stage": "gradients"})
    pace.hear({"model": "a", "windows": (8, 16)})

    assert shares == sorted(shares)
    assert pace.to_dict()["stage"] == "gradients"
    assert pace.to_dict()["share"] == pytest.approx(0.75)
