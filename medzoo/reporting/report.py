"""`medzoo.report`: predicts where needed, and writes one HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medzoo.batch.input_cases import case_name, cases_of
from medzoo.batch.predictor import CASE_ERRORS, person_of
from medzoo.data.cases.case import CASE_ID, Case
from medzoo.errors import InputError, MedzooError
from medzoo.inference.predict import predict_image, task_of
from medzoo.inference.prediction import Prediction
from medzoo.inference.settings import Settings
from medzoo.inference.task import recipe_of
from medzoo.io.image_files import read_quietly
from medzoo.reporting.explanation import check_explanation, explanation_section
from medzoo.reporting.sessions import visits_of
from medzoo.reporting.sheet import ReportSheet, checked_path
from medzoo.volume import Volume
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve

IN_MEMORY = (
    "in the recipe; the report was made with a model in memory, which may have been "
    "trained further"
)


def report(
    source: Any,
    images: str | Path | Volume | Mapping[str, Any] | Sequence[Any],
    path: str | Path,
    *,
    predictions: Prediction | Sequence[Prediction] | None = None,
    explanation: Any = None,
    uncertainty: str | None = "interval",
    compare: bool = False,
    overwrite: bool = False,
) -> Path:
    """Writes an HTML report of predictions on scans.

    The file holds everything it shows and fetches nothing: three views a case to go
    through, the result, what was checked and resampled, and the facts about the model.
    It holds no path and no text of a header. A case that fails is listed with its
    error.

    Args:
        source: str or path (a zoo name, `name@version`, a model folder), or a model
            from `medzoo.load`.
        images: what is shown: a path or Volume; a dict of channel -> path or Volume
            (one case); a list of these; a dict of case_id -> one of these; or the path
            of a cases.csv.
        path: path of the .html file to write.
        predictions: `Prediction`, or list of them in the order of `images`, if they are
            made already; None predicts.
        explanation: `Explanation` of `medzoo.explain`, of the only image, whose
            prediction is shown with it; or None.
        uncertainty: str or None, see `medzoo.inference.Settings`.
        compare: bool, the images are sessions of one person, in order of time, to be
            shown side by side. Without, so are those that a table, or names of BIDS,
            say are of one person.
        overwrite: bool, replace what lies at `path`, unless it is an input. Without,
            only an earlier report is replaced.

    Returns:
        pathlib.Path of the report.

    Raises:
        InputError: for a path that is no .html file, or predictions that are not one a
            case.
        MedzooError: for a model or a table that cannot be read.

    Example:
        >>> medzoo.report("ixi_age_resnet", "sub-01_T1w.nii.gz", "sub-01.html")
    """
    checked_path(path)
    if explanation is not None:
        check_explanation(explanation)
        predictions = explanation.prediction
    model, recipe, folder, note = _loaded(source, predictions is None)
    listed = _cases(images, recipe["channels"])
    cases = {case.case_id: case.images for case in listed}
    given = _one_each(predictions, cases)
    # Whoever calls this again from a program looks at the new one.
    replacing = {"overwrite": overwrite, "any_report": True}
    sheet = ReportSheet(path, recipe, folder, weights_note=note, **replacing)
    sheet.begin(len(cases), cases, visits_of(listed, together=compare))
    task = task_of(recipe, lambda: model, Settings(uncertainty))
    for case, known in zip(listed, given, strict=True):
        case_id, channels = case.case_id, case.images
        try:
            # What reading warns of comes back in the prediction.
            volumes = {
                name: image if isinstance(image, Volume) else read_quietly(image)
                for name, image in channels.items()
            }
            scan = task.preprocessor.gather(volumes, align=True)
            placed = task.place(scan)
            found = known or predict_image(
                scan, lambda _, own=placed: own, task, person_of(case, task)
            )
        except CASE_ERRORS as error:
            sheet.failed(case_id, channels, " ".join(str(error).split()))
            continue
        shown = () if explanation is None else explanation_section(explanation, scan)
        sheet.predicted(case_id, channels, scan, placed[0], found, shown)
    return sheet.write()


def _loaded(source, needed):
    """A Keras model (None if not needed), its recipe, its folder if known, and a note.

    The name of a model, as the folder of one in memory, only serves what was measured.
    """
    if isinstance(source, (str, Path)):
        folder = resolve(source)
        recipe = read_recipe(folder).to_dict()
        if not needed:
            return None, recipe, folder, ""
        from medzoo.zoo.load import load

        return load(source), recipe, folder, "(verified when it was loaded)"
    recipe = recipe_of(source)
    try:
        folder = resolve(f"{recipe['name']}@{recipe['version']}")
        if read_recipe(folder).weights != recipe["weights"]:
            folder = None
    except MedzooError:
        folder = None
    return source, recipe, folder, IN_MEMORY


def _cases(images, channels):
    """The images as a list of `Case`."""
    names = {channel["name"] for channel in channels}
    first = channels[0]["name"]
    if isinstance(images, (str, Path)) and str(images).lower().endswith(".csv"):
        return cases_of(images, channels)
    if isinstance(images, dict) and not set(images) <= names:
        return [
            Case(
                _checked_id(name), image if isinstance(image, dict) else {first: image}
            )
            for name, image in images.items()
        ]
    single = isinstance(images, (str, Path, Volume, dict))
    cases = {}
    for number, image in enumerate([images] if single else images, 1):
        image = image if isinstance(image, dict) else {first: image}
        shown = next(iter(image.values()), None)
        named = isinstance(shown, (str, Path))
        case_id = case_name(shown) if named else f"scan-{number}"
        if case_id in cases:
            raise InputError(
                f"Images must differ in their file names. Received: two of case "
                f"{case_id}. Pass a dict of case_id -> image."
            )
        cases[case_id] = Case(case_id, image)
    return list(cases.values())


def _checked_id(name):
    if not isinstance(name, str) or not CASE_ID.fullmatch(name):
        raise InputError(
            f"A case_id must match {CASE_ID.pattern}. Received: case_id={name!r}. "
            "Rename the case."
        )
    return name


def _one_each(predictions, cases):
    """Predictions in the order of the cases; None where one is to be made."""
    if predictions is None:
        return [None] * len(cases)
    if isinstance(predictions, Prediction):
        predictions = [predictions]
    if len(predictions) != len(cases):
        raise InputError(
            "There must be one prediction a case. Received: "
            f"{len(predictions)} predictions and {len(cases)} cases."
        )
    return list(predictions)
