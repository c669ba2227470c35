"""PreparedCases: nothing is made twice, and little is held."""

import os

import numpy as np
import pytest

from medzoo.data.cases.case import Case
from medzoo.data.store.prepared_cases import Preparation, PreparedCases
from medzoo.errors import InputError


class Numbers(Preparation):
    """Makes of a case its number, and tells which it is asked for."""

    def __init__(self):
        self.made = []

    def facts(self, case, way=0):
        return ["numbers", way]

    def __call__(self, case, way=0):
        self.made.append(int(case.case_id))
        return {"image": np.full(3, int(case.case_id))}


class Odd(Numbers):
    """Refuses one case."""

    def __call__(self, case, way=0):
        if case.case_id == "1":
            raise InputError("Odd.")
        return super().__call__(case, way)


class Deadly(Numbers):
    """Ends the process that it runs in, as the system does for want of memory."""

    def __call__(self, case, way=0):
        os._exit(9)


class Twice(Numbers):
    """Knows two ways of preparing every other case."""

    def ways(self, case):
        return [0, 3] if int(case.case_id) % 2 else [0]


def cases(count):
    return [Case(str(number), {}) for number in range(count)]


def streamed(**settings):
    found = PreparedCases(
        cases(100), Numbers(), mode="streamed", num_streamed=2, **settings
    )
    return found, found.preparation.made


def wait(prepared):
    for future in list(prepared._futures.values()):
        future.result()


def test_what_was_read_ahead_stays_until_its_use():
    prepared, made = streamed(most_ahead=6)
    for numbers in ([0, 1], [2, 3], [4, 5]):
        prepared.expect(numbers)
        wait(prepared)
    for number in range(6):
        assert prepared.get(number)["image"][0] == number
    assert made == [*range(6)]
    prepared.get(50)
    assert len(prepared._futures) == 2


def test_what_was_read_ahead_for_nothing_goes():
    prepared, made = streamed(most_ahead=6)
    for number in range(40):
        prepared.expect([number])
        wait(prepared)
        assert len(prepared._futures) <= 6
    assert prepared.get(0)["image"][0] == 0
    assert made == [*range(40), 0]


def test_the_one_used_longest_ago_goes_first():
    prepared, made = streamed()
    for number in (0, 1, 0, 2, 0, 1):
        prepared.get(number)
    assert made == [0, 1, 2, 1]


def test_a_failed_one_is_tried_again(monkeypatch):
    outcomes = iter([OSError("busy"), {"image": np.zeros(3)}])

    def make(self, case, way=0):
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    monkeypatch.setattr(Numbers, "__call__", make)
    prepared, _ = streamed()
    with pytest.raises(OSError, match="busy"):
        prepared.get(0)
    assert not prepared.get(0)["image"].any()


@pytest.mark.parametrize("threads", [True, False])
@pytest.mark.parametrize("mode", ["memory", "cached"])
def test_all_are_prepared_at_once_in_threads_or_processes(tmp_path, mode, threads):
    folder = tmp_path if mode == "cached" else None
    prepared = PreparedCases(cases(5), Twice(), mode=mode, folder=folder)
    told = []
    prepared.prepare(threads=threads, progress=lambda *count: told.append(count))
    assert told == [(done, 7) for done in range(1, 8)]
    made = len(prepared.preparation.made)
    for number in range(5):
        assert prepared.get(number)["image"].tolist() == [number] * 3
    assert prepared.get(3, 3)["image"][0] == 3
    assert not prepared.has(2, 3)
    assert len(prepared.preparation.made) == made


def test_an_input_error_names_its_case():
    prepared = PreparedCases(cases(2), Odd())
    with pytest.raises(InputError, match=r"Odd. \(case 1\)"):
        prepared.get(1)
    with pytest.raises(InputError, match=r"Odd. \(case 1\)"):
        prepared.prepare(threads=True)


def test_a_process_that_was_ended_is_told_of_in_a_sentence():
    prepared = PreparedCases(cases(3), Deadly())
    with pytest.raises(InputError, match=r"want of memory\. Use workers=1"):
        prepared.prepare()


def test_what_was_made_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        PreparedCases(cases(1), Numbers()).get(0)["image"][0] = 1
