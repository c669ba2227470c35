"""The report of a run: cases are added one by one, then one HTML file is written."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import numpy as np

from medzoo._version import __version__
from medzoo.drawing.slice_views import CONVENTION
from medzoo.errors import InputError, MissingFileError
from medzoo.evaluation.out_of_fold import read_out_of_fold
from medzoo.files import write_text_atomically
from medzoo.reporting.checks import checks_section
from medzoo.reporting.claim import MARK, check_free, source_mark
from medzoo.reporting.display import Display, case_budget, make_display
from medzoo.reporting.markup import Markup, element, join
from medzoo.reporting.model_facts import RESEARCH_ONLY, model_section
from medzoo.reporting.privacy import without_paths
from medzoo.reporting.reliability import TITLE, reliability_points, reliability_section
from medzoo.reporting.sessions import Sessions
from medzoo.reporting.stored_predictions import read_earlier
from medzoo.reporting.tasks import TASKS
from medzoo.reporting.viewer import stills, thumbnail, viewer
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import Recipe

SUFFIXES = (".html", ".htm")
# A table of cases with more columns leaves its numbers out on paper.
MOST_ON_PAPER = 10
NO_SCRIPT = "Without JavaScript, only the slices through the middle are shown."


@dataclass(frozen=True)
class CaseParts:
    """What a report shows of a case, part by part.

    Args:
        reliability: `Markup`, how reliable the prediction is on this scan.
        numbers: `Markup`, the result and its charts.
        warnings: `Markup`, may be empty.
        viewer: `Markup`, the views; page.js makes them move within a `.case`.
        checks: `Markup`, what was checked and resampled.
        display: `Display`, what the views are drawn from, at full size.
    """

    reliability: Markup
    numbers: Markup
    warnings: Markup
    viewer: Markup
    checks: Markup
    display: Display


class ReportSheet:
    """Collects cases and writes the report; no volume is kept, only what is shown.

    One case may take 3.6 MB of voxels in the page, all together 48 MB: with many cases
    each is shown coarser, and from 800 on with its three middle slices alone.

    Args:
        path: path of the .html file.
        recipe: dict, the recipe's content.
        folder: path of the model's folder, for what was measured, or None.
        weights_note: str, whose weights these are.
        overwrite: bool, replace another file at `path`, unless it is an input.
        any_report: bool, replace a report of other cases there.

    Raises:
        InputError: for a path that is no .html file.
        MissingFileError: if its folder does not exist.
    """

    def __init__(
        self,
        path,
        recipe,
        folder=None,
        *,
        weights_note="",
        overwrite=False,
        any_report=False,
    ):
        self.path = checked_path(path)
        self.recipe = recipe
        self._task = TASKS[recipe["task"]](recipe)
        self._measured = self._population = None
        if folder is not None:
            self._measured = read_metrics(folder, Recipe.from_dict(recipe))
            if self._task.shows_population:
                self._population = population_of(folder, recipe)
        self._weights_note = weights_note
        self._replacing = {"overwrite": overwrite, "any_report": any_report}
        self._source = ""
        self._count = 1
        self._rows, self._sections = [], []
        self._sessions = Sessions()

    def begin(self, count, images=None, visits=None):
        """Tells what will come, before the first case.

        Args:
            count: int, number of cases, which decides their size.
            images: dict of case_id -> dict of channel -> path or Volume, or None.
            visits: dict of case_id -> `medzoo.reporting.sessions.Visit`, in order of
                time, or None: several of one person are compared.

        Raises:
            InputError: if the report would replace anything but an earlier one of the
                same cases.
        """
        self._count = count
        self._sessions = Sessions(visits)
        self._source = source_mark(self.recipe["name"], images or {})
        check_free(self.path, self._source, images or {}, **self._replacing)

    def predicted(self, case_id, images, volume, placed, prediction, further=()):
        """Adds a case that has a result.

        Args:
            case_id: str.
            images: dict of channel -> path or Volume, as they were given.
            volume: Volume, the channels as they were given, on one grid.
            placed: Volume on the network's grid.
            prediction: `Prediction`.
            further: list of `Markup`, shown below the views.

        Returns:
            `CaseParts`, what the report shows of it.
        """
        return self._add(case_id, images, volume, placed, prediction, further)

    def earlier(self, case_id, images, volume, record, person=None):
        """Adds a case whose result lies in the output folder from an earlier run.

        Args:
            case_id: str.
            images: dict of channel -> path.
            volume: Volume, the channels as they were given, on one grid.
            record: dict, as the folder's status file has it.
            person: as of `medzoo.reporting.stored_predictions.read_earlier`.
        """
        prediction = read_earlier(record, self._task, person)
        self._add(case_id, images, volume, None, prediction)

    def failed(self, case_id, images, message):
        """Adds a case without a result.

        Args:
            case_id: str.
            images: dict of channel -> path or Volume.
            message: str, what went wrong.
        """
        text = without_paths(message, images)
        self._rows.append(self._row(case_id, None, (), (), text))
        body = element("p", f"No result. {text}", class_="error")
        self._sections.append((case_id, body))

    def write(self):
        """Writes the report; returns its path."""
        return write_text_atomically(self.path, self._page())

    def _add(self, case_id, images, volume, placed, prediction, further=()):
        given = [c["name"] for c in self.recipe["channels"] if c["name"] in images]
        scan = _channel(volume, [c["name"] for c in self.recipe["channels"]], given[0])
        display = make_display(scan, prediction)
        warnings = [without_paths(text, images) for text in prediction.warnings]
        cells = self._task.cells(prediction)
        small = thumbnail(display, f"axial slice of {case_id}")
        self._rows.append(self._row(case_id, small, cells, warnings, ""))
        budget, names = case_budget(self._count), prediction.class_names
        said = [element("p", f"Warning: {w}", class_="warning") for w in warnings]
        points = reliability_points(prediction, volume, self.recipe)
        if self._sessions.wants(case_id):
            views = join(stills(display))
            self._sessions.add(case_id, prediction, volume, self._task, points, views)
        parts = CaseParts(
            reliability=reliability_section(points, prediction, self._measured),
            numbers=join(self._task.section(prediction, self._population)),
            warnings=join(said),
            viewer=viewer(display, budget, given[0], names),
            checks=checks_section(volume, placed, self.recipe, given),
            display=display,
        )
        body = join(
            (
                element("h3", TITLE),
                parts.reliability,
                parts.warnings,
                element("h3", "Result"),
                parts.numbers,
                parts.viewer,
                *further,
                element("h3", "Checks and resampling"),
                parts.checks,
                None if warnings else element("p", "No warnings."),
            )
        )
        self._sections.append((case_id, body))
        return parts

    def _row(self, case_id, picture, cells, warnings, error):
        found = {cell.head: cell for cell in cells}
        link = element("a", case_id, href=f"#case-{len(self._rows)}")
        parts = [element("td", picture), element("th", link, scope="row")]
        for head in self._task.heads():
            cell = found.get(head)
            text, key = (None, "") if cell is None else (cell.text, cell.key)
            parts.append(element("td", text, data_key=key))
        said = element("ul", [element("li", text) for text in warnings])
        parts += [
            element("td", said if warnings else None, data_key=len(warnings)),
            element("td", error, class_="error"),
        ]
        return element("tr", parts)

    def _page(self):
        style, script = (
            resources.files(__package__).joinpath(name).read_text("utf-8")
            for name in ("page.css", "page.js")
        )
        title = f"{self.recipe['name']} {self.recipe['version']}: medzoo report"
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_csp(script)),
            element(
                "meta", name="viewport", content="width=device-width, initial-scale=1"
            ),
            element("meta", name="robots", content="noindex"),
            element("meta", name=MARK, content=self._source),
            element("title", title),
            element("style", Markup(style)),
        )
        body = element(
            "body",
            self._header(),
            element(
                "main",
                self._sessions.section(self._measured),
                self._cases(),
                model_section(self.recipe, self._measured, self._weights_note),
            ),
            element("script", Markup(script)),
        )
        page = element("html", head, body, lang="en")
        return f"<!DOCTYPE html>\n{page}\n"

    def _header(self):
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        cases = "1 case" if len(self._rows) == 1 else f"{len(self._rows)} cases"
        return element(
            "header",
            element("h1", f"{self.recipe['name']} {self.recipe['version']}"),
            element("p", f"{self.recipe['summary']}. {cases}."),
            element("p", element("strong", RESEARCH_ONLY), class_="warning"),
            element("p", f"Made with medzoo {__version__}, {now}.", class_="note"),
            element("p", CONVENTION, class_="note"),
            element("noscript", element("p", NO_SCRIPT, class_="note")),
        )

    def _cases(self):
        if len(self._sections) == 1:
            ((case_id, body),) = self._sections
            return element("section", element("h2", case_id), body, class_="case")
        picture = element("span", "Picture", class_="unseen")
        heads = [element("th", picture, scope="col")]
        for text in ("Case", *self._task.heads(), "Warnings", "Error"):
            button = element("button", text, type="button")
            heads.append(element("th", button, scope="col"))
        table = element(
            "table",
            element("thead", element("tr", heads)),
            element("tbody", self._rows),
            class_="cases wide" if len(heads) > MOST_ON_PAPER else "cases",
        )
        sections = [
            element(
                "details",
                element("summary", case_id),
                body,
                class_="case",
                id=f"case-{number}",
            )
            for number, (case_id, body) in enumerate(self._sections)
        ]
        return join(
            (
                element("h2", "All cases"),
                element(
                    "div",
                    table,
                    class_="scroll",
                    tabindex=0,
                    role="region",
                    aria_label="All cases",
                ),
                element("h2", "Each case"),
                sections,
            )
        )


def checked_path(path):
    """Returns the path of a report that can be written there.

    Raises:
        InputError: for another suffix than .html.
        MissingFileError: if the folder does not exist.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"A report is an HTML file. Received: report={path}. "
            "Let its name end in .html."
        )
    if not path.absolute().parent.is_dir():
        raise MissingFileError(
            f"The folder of the report must exist. Received: report={path}. "
            "Make it first."
        )
    return path


def population_of(folder, recipe):
    """Returns the targets of a model's training cases, an array, or None."""
    try:
        return read_out_of_fold(folder, recipe).target
    except MissingFileError:
        return None


def _channel(volume, names, wanted):
    """Returns a Volume of one channel of a gathered one."""
    array = np.asarray(volume.array)
    return volume.with_array(
        array if array.ndim == 3 else array[..., names.index(wanted)]
    )


def _csp(script):
    """What the page may do: draw what is in it, and run its own script."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{base64.b64encode(digest).decode('ascii')}'"
    )
