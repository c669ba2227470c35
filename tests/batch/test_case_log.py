"""Results are found again as long as all holds that they were made from."""

from types import SimpleNamespace

import pytest

from medzoo.batch.case_log import CaseLog
from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.status_log import StatusLog, status_lines
from medzoo.data.cases.case import Case

CENTILES = {"step": "centiles", "arguments": {"reference": "muse"}}


def recipe(*steps):
    return SimpleNamespace(
        name="regions",
        version="1.0",
        weights={"sha256": "0" * 64},
        to_dict=lambda: {"postprocessing": list(steps)},
    )


@pytest.fixture
def log_of(tmp_path):
    def make(*steps):
        status = StatusLog(tmp_path)
        return CaseLog(recipe(*steps), {}, EarlierResults(tmp_path), status)

    return make


@pytest.fixture
def case_of(tmp_path):
    scan = tmp_path / "a.nii"
    scan.write_bytes(b"scan")
    return lambda **columns: Case(case_id="a", images={"t1": scan}, columns=columns)


def test_a_result_is_found_until_the_image_changes(log_of, case_of, tmp_path):
    log_of().done(case_of(), record={"value": 1.0})

    assert log_of().found(case_of())["record"] == {"value": 1.0}
    (tmp_path / "a.nii").write_bytes(b"another")
    assert log_of().found(case_of()) is None


def test_centiles_are_those_of_another_person_for_another_age(log_of, case_of):
    log_of(CENTILES).done(case_of(age="30", sex="F"), record={})

    assert log_of(CENTILES).found(case_of(age="30", sex="F")) is not None
    assert log_of(CENTILES).found(case_of(age="60", sex="F")) is None
    assert log_of(CENTILES).found(case_of()) is None


def test_without_centiles_the_person_has_no_part_in_the_result(log_of, case_of):
    log_of().done(case_of(age="30", sex="F"), record={})

    assert log_of().found(case_of(age="60", sex="M")) is not None


def test_names_with_odd_characters_lose_no_line(tmp_path):
    names = ("line\u2028separator", "next\u0085line", "latin\udcfc", "plain")
    status = StatusLog(tmp_path)
    for name in names:
        status.add({"case_id": name, "record": {"output": f"{name}.nii.gz"}})
    assert [line["case_id"] for line in status_lines(tmp_path)] == list(names)
