"""predict: models on the scans of one person, their results written as files."""

import time
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

from medzoo.batch.predictor import CASE_ERRORS, Predictor
from medzoo.batch.record_columns import columns_of, meaning_of
from medzoo.batch.shared_reader import SharedReader
from medzoo.data.cases.case import Case
from medzoo.inference.centiles import Person
from medzoo.inference.predict import predict_image
from medzoo.inference.settings import Settings
from medzoo.io.image_files import write
from medzoo.reporting.markup import element, join
from medzoo.reporting.privacy import without_paths
from medzoo.reporting.reliability import TITLE
from medzoo.reporting.sheet import ReportSheet
from medzoo.serve.error_lines import error_line
from medzoo.serve.result_files import IMAGE, REPORT, VIEW
from medzoo.serve.scene import write_scene
from medzoo.zoo.quiet_keras import import_keras

VERIFIED = "(verified when it was loaded)"
# Models that stay loaded; the largest takes a few hundred MB.
MOST_MODELS = 4
# Channels of a case; another case's images push them out.
MOST_IMAGES = 8

_PREDICTORS: OrderedDict[tuple, Predictor] = OrderedDict()


def warm_up(talk: Any) -> None:
    """Imports keras, so that the first visitor does not wait for it."""
    import_keras()


def predict(
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
    """Runs models one after the other; one that fails does not stop the others.

    Says `stage` and `windows` of each, and at its end its `record`: what
    `Prediction.to_dict` gives, `files`, `table` and `seconds`, or `error`.

    Args:
        talk: `medzoo.serve.child_work.Talk`.
        sources: Name of a model -> as `medzoo.load` takes it.
        images: Channel -> path.
        case_id: What the case is called.
        person: Age in years and sex, or None each.
        folder: Where the files of each model go, into a folder of its name.
        engine: See `medzoo.inference.settings.Settings`.
        precision: Likewise.
    """
    read = SharedReader(MOST_IMAGES)
    for name, source in sources.items():
        say = partial(talk.say, model=name)
        began = time.monotonic()
        try:
            say(stage="loading")
            predictor = loaded(source, engine, precision)
            known = [channel["name"] for channel in predictor.channels]
            own = {n: Path(path) for n, path in images.items() if n in known}
            case, place = Case(case_id, own), Path(folder, name)
            record = _one(predictor, case, person, place, read, say)
        except CASE_ERRORS as error:
            record = {"error": error_line(error, images)}
        say(record={**record, "seconds": round(time.monotonic() - began, 2)})


def _one(predictor, case, person, folder, read, say):
    """The record of one model on one case."""

    def windows(done, total):
        say(windows=(done, total))

    settings = predictor.settings
    predictor.settings = Settings(
        engine=settings.engine, precision=settings.precision, progress=windows
    )
    task = predictor.task
    say(stage="reading")
    volumes = {name: read(path, channel=name) for name, path in case.images.items()}
    scan = task.preprocessor.gather(volumes, align=True)
    say(stage="placing")
    placed = task.place(scan)
    say(stage="network")
    compared = Person.of(*person) if task.step("centiles") is not None else None
    found = predict_image(case, lambda _: placed, task, compared)
    say(stage="drawing")
    # Not its parents: a session that has ended is not to come back.
    folder.mkdir()
    files = _written(predictor, case, scan, placed[0], found, folder)
    record = found.to_dict()
    told = [without_paths(text, case.images) for text in found.warnings]
    recipe = predictor.recipe.to_dict()
    return {
        **record,
        **({"warnings": told} if told else {}),
        "model": f"{recipe['name']}@{recipe['version']}",
        "files": files,
        "table": _rows(record, recipe),
    }


def _written(predictor, case, scan, placed, found, folder):
    """Writes report, view and image of a result; returns the names of the files."""
    recipe = predictor.recipe.to_dict()
    sheet = ReportSheet(
        folder / REPORT, recipe, predictor.folder, weights_note=VERIFIED
    )
    sheet.begin(1, {case.case_id: case.images})
    parts = sheet.predicted(case.case_id, case.images, scan, placed, found)
    sheet.write()
    image = found.labels if found.labels is not None else found.image
    view = _view(parts, numbers_first=image is None)
    (folder / VIEW).write_text(view, encoding="utf-8")
    files = [REPORT, VIEW, *write_scene(parts.display, folder)]
    if image is None:
        return files
    write(image, folder / IMAGE)
    return [*files, IMAGE]


def _view(parts, *, numbers_first):
    """A result for the page: what one looks at first stands first."""
    both = [element("div", parts.viewer), element("div", parts.numbers)]
    if numbers_first:
        both.reverse()
    kind = "result numbers-first" if numbers_first else "result"
    details = (element("summary", "Checks and resampling"), parts.checks)
    return join(
        (
            element("h5", TITLE),
            parts.reliability,
            parts.warnings,
            element("div", both, class_=kind),
            element("details", *details),
        )
    )


def _rows(record, recipe):
    """The numbers of a result as rows of (quantity, value, unit)."""
    return [
        [column, value, meaning_of(column, recipe).get("Units", "")]
        for column, value in columns_of(record).items()
    ]


def loaded(source, engine, precision):
    """Gives a predictor, from the few that are kept.

    Args:
        source: As `medzoo.load` takes it.
        engine: See `medzoo.inference.settings.Settings`.
        precision: Likewise.
    """
    key = (source, engine, precision)
    if key in _PREDICTORS:
        _PREDICTORS.move_to_end(key)
        return _PREDICTORS[key]
    predictor = Predictor(source, Settings(engine=engine, precision=precision))
    while len(_PREDICTORS) >= MOST_MODELS:
        _PREDICTORS.popitem(last=False)
    _PREDICTORS[key] = predictor
    return predictor
