"""Sessions of one person side by side: pictures, numbers, and how they differ."""

from dataclasses import dataclass

from medzoo.reporting.markup import Markup, element, join
from medzoo.reporting.reliability import KINDS, worst

# Of a study with more people, the first ones are compared: a page is no data base.
MOST_PEOPLE = 40
# Voxels that differ by more than this share are no longer of one kind of scan.
OTHER_VOXELS = 0.1
ALIGNED = (
    "Slices through the middle of each scan; the head may lie differently in each."
)


@dataclass(frozen=True)
class Visit:
    """Whose scan a case is, and when it was made.

    Args:
        person: str, equal for the sessions of one person; it is not shown.
        age: str or float or None, years, of the person on that day.
    """

    person: str
    age: object = None

    @property
    def years(self):
        """The age, float, or None where it is no number."""
        try:
            return float(self.age)
        except (TypeError, ValueError):
            return None


def visits_of(cases, *, together=False):
    """Returns whose scans the cases are, dict of case_id -> `Visit`.

    Args:
        cases: list of `medzoo.data.cases.case.Case`, sessions in order of time.
        together: bool, all of them are of one person.
    """
    return {
        case.case_id: Visit("" if together else case.person, case.columns.get("age"))
        for case in cases
    }


@dataclass(frozen=True)
class Session:
    """What is compared of one scan.

    Args:
        case_id: str.
        age: float or None, years.
        quantities: list of `medzoo.reporting.task_report.Quantity`.
        status: str, the worst of the points of its reliability.
        spacing: three floats, mm.
        pictures: `Markup`, its views as still pictures.
    """

    case_id: str
    age: float | None
    quantities: list
    status: str
    spacing: tuple
    pictures: Markup


class Sessions:
    """Collects the sessions of people who were scanned more than once.

    Args:
        visits: dict of case_id -> `Visit`, in the order of time where no ages are
            known, or None.
    """

    def __init__(self, visits=None):
        self._visits = visits or {}
        cases = {}
        for case_id, visit in self._visits.items():
            cases.setdefault(visit.person, []).append(case_id)
        several = [person for person, own in cases.items() if len(own) > 1]
        self._people = {person: [] for person in several[:MOST_PEOPLE]}
        self._left_out = len(several) - len(self._people)

    def wants(self, case_id):
        """Returns whether a case has others to be compared with, a bool."""
        visit = self._visits.get(case_id)
        return visit is not None and visit.person in self._people

    def add(self, case_id, found, volume, task, points, pictures):
        """Adds a case that `wants` asked for.

        Args:
            case_id: str.
            found: `Prediction`.
            volume: Volume, the input.
            task: `medzoo.reporting.task_report.TaskReport`.
            points: list of `medzoo.reporting.reliability.Point`.
            pictures: `Markup`.
        """
        visit = self._visits[case_id]
        self._people[visit.person].append(
            Session(
                case_id,
                visit.years,
                task.quantities(found),
                worst(points),
                tuple(volume.spacing),
                pictures,
            )
        )

    def section(self, measured=None):
        """Returns the comparisons, `Markup`, or None where there are none.

        Args:
            measured: dict, the content of metrics.json, or None.
        """
        compared = [in_time(own) for own in self._people.values() if len(own) > 1]
        if not compared:
            return None
        note = None
        if self._left_out:
            note = f"{self._left_out} more people with several sessions are left out."
        return element(
            "section",
            element("h2", "Sessions of one person"),
            [_comparison(own, measured, len(compared) == 1) for own in compared],
            element("p", note, class_="note") if note else None,
            class_="sessions",
        )


def in_time(sessions):
    """Returns `Session`s by the age of the person, as they were where it is unknown."""
    if any(session.age is None for session in sessions):
        return sessions
    return sorted(sessions, key=lambda session: session.age)


def _comparison(sessions, measured, alone):
    """The sessions of one person; open where they are the only ones."""
    views = [
        element(
            "div",
            element("h3", session.case_id),
            element("p", _facts(session), class_="note"),
            element("div", session.pictures, class_="views"),
            class_="session still",
        )
        for session in sessions
    ]
    said = [element("p", text, class_="warning") for text in doubts(sessions)]
    body = (
        element("div", views, class_="side-by-side"),
        element("p", ALIGNED, class_="note"),
        said,
        _table(sessions),
        element("p", repeatability(measured), class_="note"),
    )
    return element("details", element("summary", _names(sessions)), body, open=alone)


def _names(sessions):
    return " and ".join(session.case_id for session in sessions)


def _facts(session):
    age = "" if session.age is None else f"{session.age:g} years. "
    voxels = " x ".join(f"{s:.3g}" for s in session.spacing)
    badge = element("span", session.status, class_=f"badge {KINDS[session.status]}")
    return join((f"{age}Voxels of {voxels} mm. Prediction: ", badge))


def _table(sessions):
    """Each quantity in each session, and the last less the first one."""
    heads = ["Quantity", *(s.case_id for s in sessions), "Difference", "Percent"]
    first, last = sessions[0], sessions[-1]
    rows = []
    if first.age is not None and last.age is not None:
        ages = [s.age for s in sessions]
        rows.append(_row("Age of the person (years)", ages, 2))
    known = [{q.head: q.value for q in s.quantities} for s in sessions]
    for quantity in first.quantities:
        values = [own.get(quantity.head) for own in known]
        rows.append(_row(quantity.head, values, quantity.digits))
    caption = "Difference: the last session less the first; percent of the first."
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", [_head(text) for text in heads])),
            element("tbody", rows),
            class_="compared",
        ),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=f"Comparison of {_names(sessions)}",
    )


def _head(text):
    return element("th", element("button", text, type="button"), scope="col")


def _row(name, values, digits):
    cells = [_cell(value, digits, "") for value in values]
    first, last = values[0], values[-1]
    change = None if None in (first, last) else last - first
    # Of what is shown as 0 every percentage would be made up.
    tiny = change is None or round(first, digits) == 0
    share = None if tiny else 100 * change / first
    cells += [_cell(change, digits, "+"), _cell(share, 1, "+")]
    heading = element("span", name, class_="name")
    return element("tr", element("th", heading, scope="row"), cells)


def _cell(value, digits, sign):
    if value is None:
        return element("td", "", class_="number", data_key="")
    # Nothing has no sign.
    shown = round(value, digits) or 0.0
    text = f"{shown:{sign if shown else ''}.{digits}f}"
    return element("td", text, class_="number", data_key=f"{value:.6g}")


def doubts(sessions):
    """Returns what makes a comparison doubtful, list of str.

    Args:
        sessions: list of `Session`, two or more.
    """
    told = []
    first, last = sessions[0], sessions[-1]
    pairs = zip(sorted(first.spacing), sorted(last.spacing), strict=True)
    if any(abs(a - b) > OTHER_VOXELS * max(a, b) for a, b in pairs):
        told.append(
            "The scans differ in voxel size: part of the differences may come from "
            "that, not from the person."
        )
    if first.status != last.status:
        told.append(
            "The predictions are not equally reliable "
            f"({first.status}, {last.status}): differences may come from the scans, "
            "not from the person."
        )
    told += [
        f"{quantity.head}: the intervals of both sessions overlap, so the difference "
        "lies within the model's uncertainty."
        for quantity, other in zip(first.quantities, last.quantities, strict=False)
        if _overlap(quantity.interval, other.interval)
    ]
    return told


def _overlap(one, other):
    if one is None or other is None:
        return False
    return max(one[0], other[0]) <= min(one[1], other[1])


def repeatability(measured):
    """Returns a sentence on how well the model repeats itself.

    Args:
        measured: dict, the content of metrics.json, or None.
    """
    if measured and measured["repeatability"]:
        return "How far two scans of one day differ: see Evaluation, repeatability."
    return (
        "How far two scans of one person on one day differ was not measured for this "
        "model: a small difference may be no change of the person."
    )
