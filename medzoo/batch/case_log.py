"""CaseLog: the result of each case, and whether it is up to date."""

import time

from medzoo._version import __version__
from medzoo.batch.output_places import hashes_of
from medzoo.errors import MedzooError
from medzoo.inference.postprocess import step_arguments

KNOWN = ("age", "sex")


class CaseLog:
    """Logs results with the hashes of inputs and model, and finds them again.

    Args:
        recipe: `Recipe`.
        options: dict, plain JSON, what else decides the result.
        earlier: `EarlierResults`.
        status: what has `add(line)`, as `StatusLog`.
    """

    def __init__(self, recipe, options, earlier, status):
        self.recipe = recipe
        self.options = dict(options or {})
        self.earlier = earlier
        self.status = status
        self._inputs = {}

    def made_by(self):
        """Returns what makes the results, as plain JSON."""
        return maker_of(self.recipe, self.options)

    def inputs_of(self, case):
        """Hashes of a case's inputs; {} where one cannot be read: it is found later."""
        if case.case_id not in self._inputs:
            try:
                found = hashes_of(case.images)
            except (OSError, MedzooError):
                found = {}
            self._inputs[case.case_id] = found
        return self._inputs[case.case_id]

    def share_inputs(self, other):
        """Shares the input hashes of another log."""
        self._inputs = other._inputs

    def found(self, case):
        """Returns the line of a result of the same inputs and model, or None."""
        # Before anything is written: inputs are as they are now.
        inputs = self.inputs_of(case)
        line = self.earlier.cases.get((self.made_by()["model"], case.case_id))
        if line is None or line.get("error") or not inputs:
            return None
        if line.get("made_by") != self.made_by() or line.get("inputs") != inputs:
            return None
        if self._compares_people() and _person(line.get("known")) != _person(
            known_of(case)
        ):
            return None
        return line

    def _compares_people(self):
        """Whether a result depends on who was scanned too."""
        return step_arguments(self.recipe.to_dict(), "centiles") is not None

    def done(self, case, **facts):
        """Notes a result.

        Args:
            case: `Case`.
            **facts: plain JSON: `record`, and `outputs` where there are files.
        """
        line = {"case_id": case.case_id, "time": now()}
        self._add(
            line, case, made_by=self.made_by(), inputs=self.inputs_of(case), **facts
        )

    def failed(self, case, error, **facts):
        """Notes a case that has no result; `facts` as those of `done`."""
        self._add(error_line(case.case_id, error, self.made_by()), case, **facts)

    def _add(self, line, case, **facts):
        known = known_of(case)
        self.status.add({**line, **({"known": known} if known else {}), **facts})


def maker_of(recipe, options):
    """Returns what makes results of a model, as plain JSON.

    Args:
        recipe: `Recipe`.
        options: dict, plain JSON, what else decides the result.
    """
    return {
        "model": f"{recipe.name}@{recipe.version}",
        "weights_sha256": recipe.weights["sha256"],
        "medzoo": __version__,
        "options": options,
    }


def error_line(case_id, error, made_by):
    """Returns the status line of a case without a result.

    Without a time it would count as older than any result, and without its maker as an
    error of every model in the folder.

    Args:
        case_id: str.
        error: str.
        made_by: dict, see `maker_of`.
    """
    return {"case_id": case_id, "time": now(), "made_by": made_by, "error": error}


def now():
    """Returns the time of a status line, seconds since 1970."""
    return round(time.time(), 3)


def _person(known):
    """Age and sex, None each where they are not known."""
    return [(known or {}).get(name) for name in KNOWN]


def known_of(case):
    """Returns what a data set records of a case, for the columns of a table."""
    known = {name: case.columns.get(name) for name in KNOWN}
    if "subject" in case.columns:
        session = case.columns.get("session")
        known["participant_id"] = case.columns["subject"]
        known["session_id"] = f"ses-{session}" if session else None
    return {name: value for name, value in known.items() if value}
