"""Sessions of one person: side by side, with how they differ."""

import pytest

import medzoo
from medzoo.cli.main import main
from medzoo.data.cases.case import Case
from medzoo.io import write
from medzoo.reporting.reliability import DOUBTFUL, EXPECTED
from medzoo.reporting.sessions import (
    MOST_PEOPLE,
    Session,
    Sessions,
    Visit,
    doubts,
    in_time,
    repeatability,
    visits_of,
)
from medzoo.reporting.sheet import ReportSheet
from medzoo.reporting.task_report import Quantity
from tests.reporting.conftest import CLASSES
from tests.reporting.page import Page


def session(age=None, status=EXPECTED, spacing=(1.0, 1.0, 1.0), interval=None):
    quantities = [Quantity("Value (years)", 40.0, 1, interval)]
    return Session("a", age, quantities, status, spacing, "")


@pytest.fixture
def compared(tmp_path, recipe_of, case_of):
    """A function that makes the page of segmentations with volumes, and visits."""

    def make(volumes, visits):
        sheet = ReportSheet(tmp_path / "a.html", recipe_of("segmentation"))
        sheet.begin(len(volumes), visits=visits)
        for case_id, own in volumes.items():
            case, found = case_of(recipe_of("segmentation"))
            own = dict(zip(CLASSES[1:], own, strict=True))
            found = type(found)(**{**vars(found), "volumes_ml": own})
            sheet.predicted(case_id, {"t1": case.volume}, *case, found)
        return Page(sheet.write().read_text(encoding="utf-8"))

    return make


def test_volumes_ages_and_differences_stand_in_one_table(compared):
    volumes = {"b": (660.0, 0.01), "a": (700.0, 350.0), "c": (1.0, 1.0)}
    # By age, whatever the order of the table.
    visits = {"b": Visit("x", 52.5), "a": Visit("x", "50"), "c": Visit("y", 50)}
    page = compared(volumes, visits)
    start = page.rows.index(["Quantity", "a", "b", "Difference", "Percent"])
    assert page.rows[start + 1 : start + 5] == [
        ["Age of the person (years)", "50.00", "52.50", "+2.50", "+5.0"],
        ["All classes (ml)", "1050.0", "660.0", "-390.0", "-37.1"],
        [f"{CLASSES[1]} (ml)", "700.0", "660.0", "-40.0", "-5.7"],
        [f"{CLASSES[2]} (ml)", "350.0", "0.0", "-350.0", "-100.0"],
    ]
    assert "a and b" in page.text
    assert len(page.all("div", **{"class": "session still"})) == 2
    assert page.fetched() == []
    # The table is open: there is no other person.
    assert page.all("details", open=None)


def test_what_is_shown_as_nothing_has_no_percentage(compared):
    visits = {name: Visit("x") for name in "ab"}
    page = compared({"a": (700.0, 0.01), "b": (700.0, 0.04)}, visits)
    rows = {row[0]: row for row in page.rows}
    assert rows[f"{CLASSES[2]} (ml)"][1:] == ["0.0", "0.0", "0.0", ""]
    assert rows[f"{CLASSES[1]} (ml)"][1:] == ["700.0", "700.0", "0.0", "0.0"]
    assert "Age of the person (years)" not in rows


def test_people_with_one_session_are_compared_with_nobody(compared):
    page = compared({"a": (1.0, 1.0)}, {"a": Visit("x")})
    assert "Sessions of one person" not in page.text


def test_of_many_people_the_first_are_compared():
    names = [(f"{p}-{s}", f"{p}") for p in range(MOST_PEOPLE + 3) for s in (1, 2)]
    sessions = Sessions({case_id: Visit(person) for case_id, person in names})
    assert sessions.wants("0-1")
    assert not sessions.wants(f"{MOST_PEOPLE}-1")
    assert not Sessions().wants("0-1")
    assert Sessions().section() is None


def test_sessions_are_in_time_where_ages_are_known():
    old, young, unknown = session(60.0), session(40.0), session()
    assert in_time([old, young]) == [young, old]
    assert in_time([old, young, unknown]) == [old, young, unknown]


def test_what_makes_a_comparison_doubtful_is_said():
    assert doubts([session(), session()]) == []
    (told,) = doubts([session(), session(spacing=(1.0, 3.0, 1.0))])
    assert "differ in voxel size" in told
    (told,) = doubts([session(), session(status=DOUBTFUL)])
    assert "as expected, doubtful" in told
    (told,) = doubts([session(interval=(30, 50)), session(interval=(45, 60))])
    assert told.startswith("Value (years): the intervals of both sessions overlap")
    assert doubts([session(interval=(30, 40)), session(interval=(45, 60))]) == []


def test_how_well_a_model_repeats_itself_is_said():
    assert "was not measured" in repeatability(None)
    assert "was not measured" in repeatability({"repeatability": {}})
    assert "see Evaluation" in repeatability({"repeatability": {"a": {}}})


def test_visits_follow_from_names_of_bids_and_tables():
    cases = [
        Case("sub-01_ses-1_T1w", {"t1": "sub-01_ses-1_T1w.nii"}),
        Case("sub-01_ses-2_T1w", {"t1": "sub-01_ses-2_T1w.nii"}),
        Case("c", {"t1": "c.nii"}, columns={"age": "33"}),
    ]
    first, second, third = visits_of(cases).values()
    assert first.person == second.person != third.person
    assert (first.years, third.years) == (None, 33.0)
    together = visits_of(cases, together=True).values()
    assert len({visit.person for visit in together}) == 1
    assert Visit("x", "n/a").years is None


@pytest.fixture(scope="module")
def scans(tmp_path_factory, head_phantom):
    folder = tmp_path_factory.mktemp("Doe")
    return [write(head_phantom(n), folder / f"s{n:.0f}.nii.gz") for n in (6.0, 7.0)]


def test_the_command_compares_images_that_it_is_told_are_of_one_person(
    tmp_path, tiny_age, scans, capsys
):
    out = tmp_path / "a.html"
    command = ["predict", str(tiny_age), *map(str, scans), "--report", str(out)]
    assert main([*command, "--compare"]) == 0
    page = Page(out.read_text(encoding="utf-8"))
    values = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()]
    rows = {row[0]: row for row in page.rows}
    assert rows["Quantity"] == ["Quantity", "s6", "s7", "Difference", "Percent"]
    assert [float(v.split()[0]) for v in values] == list(
        map(float, rows["Value (years)"][1:3])
    )
    assert "The scans differ in voxel size" in page.text
    assert main([*command, "--overwrite"]) == 0
    assert "Sessions of one person" not in out.read_text(encoding="utf-8")


def test_the_function_compares_too(tmp_path, tiny_age, scans):
    path = medzoo.report(tiny_age, scans, tmp_path / "a.html", compare=True)
    assert "Sessions of one person" in path.read_text(encoding="utf-8")
    table = tmp_path / "cases.csv"
    lines = [f"{p.name[:2]},01,{a},{p}" for p, a in zip(scans, (50, 40), strict=True)]
    table.write_text("\n".join(["case_id,subject,age,t1", *lines]) + "\n")
    page = Page(medzoo.report(tiny_age, table, path).read_text(encoding="utf-8"))
    assert ["Quantity", "s7", "s6", "Difference", "Percent"] in page.rows


@pytest.mark.parametrize("extra", [[], ["--report", "a.html"]])
def test_one_image_or_no_report_is_refused(tmp_path, tiny_age, scans, extra, capsys):
    images = scans[:1] if extra else scans
    command = ["predict", str(tiny_age), *map(str, images), *extra, "--compare"]
    assert main(command) == 2
    assert "column subject" in capsys.readouterr().err
