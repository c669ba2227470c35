"""explain: what in the scans of one person a result rests on, written as files."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from medzoo.batch.predictor import CASE_ERRORS
from medzoo.drawing.heat import heat_slices
from medzoo.explanation.explain import explain as explain_scan
from medzoo.explanation.explanation import Explanation
from medzoo.io.image_files import read_quietly, write
from medzoo.reporting.display import case_budget, with_heat
from medzoo.reporting.explanation import (
    ABOUT,
    colours,
    explanation_section,
    region_table,
    told,
    warning_lines,
)
from medzoo.reporting.markup import element, join
from medzoo.reporting.privacy import without_paths
from medzoo.reporting.sheet import ReportSheet
from medzoo.reporting.viewer import viewer
from medzoo.serve.error_lines import error_line
from medzoo.serve.prediction import loaded
from medzoo.serve.result_files import MAP, REPORT, VIEW
from medzoo.serve.scene import write_scene

VERIFIED = "(verified when it was loaded)"
WARNINGS = ("warnings", "warning_kinds")


def explain(
    talk: Any,
    *,
    sources: dict[str, str],
    images: dict[str, str],
    case_id: str,
    person: tuple[float | None, str | None],
    folder: str,
    engine: str,
    precision: str | None,
) -> None:
    """Explains the answer of each model; one that fails does not stop the others.

    Says `stage` and `windows` (batches of the network) of each, and at its end its
    `record`: `model`, `explanation` as `Explanation.to_dict` gives it, its `warnings`
    and `warning_kinds` beside it, `files`, `table` and `seconds`, or `error`.

    Args:
        talk: `medzoo.serve.child_work.Talk`.
        sources: Name of a model -> as `medzoo.load` takes it.
        images: Channel -> path.
        case_id: What the case is called.
        person: Not needed here.
        folder: Where the files of each model go, into a folder of its name.
        engine: Gradients are of Keras, whatever it is.
        precision: Likewise.
    """
    for name, source in sources.items():
        say = partial(talk.say, model=name)
        began = time.monotonic()
        try:
            say(stage="loading")
            record = _one(source, name, images, case_id, Path(folder, name), say)
        except CASE_ERRORS as error:
            record = {"error": error_line(error, images)}
        say(record={**record, "seconds": round(time.monotonic() - began, 2)})


def _one(source, name, images, case_id, folder, say):
    """The record of one model."""
    stages = []

    def progress(stage, done, total):
        if stage not in stages:
            stages.append(stage)
            say(stage=stage)
        if total > 1:
            say(windows=(done, total))

    task = loaded(source, "keras", None).task
    known = [channel["name"] for channel in task.recipe["channels"]]
    own = {n: path for n, path in images.items() if n in known}
    found = explain_scan(source, own, progress=progress)
    say(stage="drawing")
    # Not its parents: a session that has ended is not to come back.
    folder.mkdir()
    files = _written(found, source, own, case_id, folder, task)
    content = found.to_dict()
    # Warnings stand where those of a prediction stand.
    said = {key: content.pop(key) for key in WARNINGS if key in content}
    if said:
        said["warnings"] = [without_paths(text, own) for text in found.warnings]
    return {
        "model": found.prediction.model,
        "explanation": content,
        **said,
        "files": files,
        "table": [[r.name, round(r.effect, 4), found.unit] for r in found.regions],
    }


def _written(found: Explanation, source, images, case_id, folder, task):
    """Writes report, view, map and scene; returns the names of the files."""
    recipe = task.recipe
    volumes = {n: read_quietly(path, channel=n) for n, path in images.items()}
    scan = task.preprocessor.gather(volumes, align=True)
    placed, _ = task.place(scan)
    place = loaded(source, "keras", None).folder
    sheet = ReportSheet(folder / REPORT, recipe, place, weights_note=VERIFIED)
    sheet.begin(1, {case_id: images})
    section = explanation_section(found, scan)
    parts = sheet.predicted(case_id, images, scan, placed, found.prediction, section)
    sheet.write()
    _, limit = heat_slices(scan, found.map)
    display = with_heat(parts.display, found.map, limit)
    view = _view(found, display, limit, next(iter(images)), images)
    (folder / VIEW).write_text(view, encoding="utf-8")
    write(found.map, folder / MAP)
    return [REPORT, VIEW, MAP, *write_scene(display, folder)]


def _view(found, display, limit, channel, images):
    """An explanation for the page: the map over the scan, and the regions beside it."""
    both = [
        element(
            "div",
            viewer(display, case_budget(1), channel),
            element("p", colours(found, limit), class_="note"),
        ),
        element("div", region_table(found), element("p", ABOUT, class_="note")),
    ]
    return join(
        (
            element("p", told(found)),
            join(warning_lines(found, images=images)),
            element("div", both, class_="result"),
        )
    )
