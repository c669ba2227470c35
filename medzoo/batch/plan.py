"""Plans of predictions: models, cases and outputs, checked before any work."""

from pathlib import Path

from medzoo.batch.bids_output import BidsOutput
from medzoo.batch.cohort_table import CohortTable
from medzoo.batch.dicom_seg import check_dicom_seg, with_dicom_seg
from medzoo.batch.image_output import ImageOutput
from medzoo.batch.input_cases import cases_of, table_of, with_person
from medzoo.batch.model_run import ModelRun, Plan
from medzoo.batch.output_places import IMAGE_SUFFIXES
from medzoo.batch.table_output import TABLE_SUFFIXES, TableOutput
from medzoo.datasets.bids import read_bids
from medzoo.datasets.bids.scans import scans_of
from medzoo.errors import InputError
from medzoo.io.remote import is_url
from medzoo.volume import Volume

USUAL_OUTPUT = Path("derivatives", "medzoo")
FILES = (*IMAGE_SUFFIXES, *TABLE_SUFFIXES, ".parquet", ".html")


def plan_of_one(
    predictors, cases, output, *, person, overwrite, keep_folders, dicom_seg
):
    """Returns the `Plan` of one model; arguments as of `plan_of_several`."""
    (predictor,) = predictors
    given = with_person(
        cases_of(cases, predictor.channels, keep_folders=keep_folders), *person
    )
    inputs = table_of(cases)
    run = _run(predictor, given, dicom_seg)
    if predictor.task.gives_images:
        run.images = _images(predictor, output, given, inputs, overwrite, keep_folders)
        return Plan([run])
    check_probabilities(predictor)
    if output is None:
        return Plan([run])
    table = TableOutput(output, predictor.recipe, given, inputs, overwrite=overwrite)

    def write():
        if any("error" not in record for record in run.records):
            table.write(run.records)

    return Plan([run], finish=[write])


def plan_of_several(
    predictors, cases, output, *, person, overwrite, keep_folders, dicom_seg
):
    """Returns the `Plan` of several models.

    Images of each model go into a folder of its name, and numbers of all models into
    one table.

    Args:
        predictors: list of `Predictor`.
        cases: as of `medzoo.predict`; of a dict each model takes its channels.
        output: path of a folder, or None.
        person: age and sex of who was scanned, or None each.
        overwrite: bool.
        keep_folders: bool.
        dicom_seg: bool, of those that segment.
    """
    labels = [p for p in predictors if p.task.gives_labels]
    if dicom_seg and not labels:
        names = ", ".join(p.recipe.name for p in predictors)
        raise InputError(
            "Only a segmentation can be written as DICOM SEG. Received: "
            f"models={names}, none for segmentation. Leave out --dicom-seg."
        )
    if output is not None:
        check_folder(output)
    runs, inputs = [], table_of(cases)
    for predictor in predictors:
        given = cases_of(
            of_model(cases, predictor), predictor.channels, keep_folders=keep_folders
        )
        run = _run(
            predictor, with_person(given, *person), dicom_seg and predictor in labels
        )
        if predictor.task.gives_images:
            place = output and Path(output) / run.name
            run.images = _images(
                predictor, place, run.cases, table_of(cases), overwrite, keep_folders
            )
        else:
            check_probabilities(predictor)
        runs.append(run)
        inputs += paths_of(run.cases)
    table = None
    if output is not None:
        table = CohortTable(output, _recipes(runs), inputs=inputs, overwrite=overwrite)
    return Plan(runs, table)


def bids_plan(
    predictors,
    root,
    output,
    *,
    participants,
    entities,
    overwrite,
    dicom_seg,
    person=(None, None),
):
    """Returns the `Plan` of models on a BIDS tree, whose results are a derivative.

    Args:
        predictors: list of `Predictor`.
        root: path of the tree.
        output: path of the derivative, or None for the usual place.
        participants: list of str, labels; empty for all.
        entities: dict of str -> str, or None.
        overwrite: bool.
        dicom_seg: bool, which is refused.
        person: age and sex of those whose age and sex the tree does not tell.
    """
    if dicom_seg:
        raise InputError(
            "A DICOM SEG refers to a DICOM series. Received: --dicom-seg with --bids. "
            "Leave out --dicom-seg."
        )
    check_tree(root, output)
    scans = scans_of(Path(root), tuple(participants))
    folder = Path(output or Path(root) / USUAL_OUTPUT)
    runs, outputs = [], []
    for predictor in predictors:
        tree = read_bids(root, predictor.channels, scans=scans, entities=entities or {})
        cases = with_person(tree.cases, *person)
        recipe = predictor.recipe.to_dict()
        own = BidsOutput(folder, recipe, tree, overwrite=overwrite)
        run = ModelRun(predictor, cases, problems=tree.problems, finish=own.add)
        check_probabilities(predictor)
        if cases and predictor.task.gives_images:
            run.images = _images(predictor, own.work_folder, cases, (), overwrite)
        runs.append(run)
        outputs.append(own)
    inputs = [path for run in runs for path in paths_of(run.cases)]
    table = CohortTable(folder, _recipes(runs), inputs=inputs, overwrite=overwrite)
    for own in outputs:
        own.begin()
    ends = [
        lambda own=own, run=run: own.finish(run.records)
        for run, own in zip(runs, outputs, strict=True)
    ]
    return Plan(runs, table, ends)


def _run(predictor, cases, dicom_seg):
    recipe, run = predictor.recipe.to_dict(), ModelRun(predictor, cases)
    if dicom_seg:
        check_dicom_seg(recipe, cases)
        run.finish = lambda record, case: with_dicom_seg(record, case, recipe)
    return run


def _images(predictor, path, cases, inputs, overwrite, keep_folders=False):
    check_probabilities(predictor)
    if path is None:
        raise InputError(
            "A model with image output needs --output. "
            f"Received: no output for {predictor.recipe.name}. "
            "Give an image file or a folder (-o)."
        )
    return ImageOutput(
        path,
        predictor.recipe,
        cases,
        predictor.options,
        inputs=inputs,
        overwrite=overwrite,
        keep_folders=keep_folders,
    )


def check_probabilities(predictor):
    """Refuses probabilities of a model that gives no images of them."""
    if predictor.settings.probabilities and not predictor.task.gives_probabilities:
        raise InputError(
            "Only segmentations have class probabilities to write. Received: "
            f"--probabilities for {predictor.recipe.name}, whose task is "
            f"{predictor.recipe.task}. Leave it out."
        )


def check_folder(path, what="Several models"):
    """Refuses an output that names a file where a folder is needed."""
    if Path(path).is_file() or str(path).lower().endswith(FILES):
        raise InputError(
            f"{what} need an output folder. Received: output={path}. Give a folder."
        )


def check_tree(root, output):
    """Refuses a BIDS tree, or a derivative, in an object store."""
    if is_url(output) or is_url(root):
        raise InputError(
            "A BIDS tree and its derivative are folders on disk. "
            f"Received: {root} and {output}. Give --cases with URLs."
        )


def of_model(cases, predictor):
    """Returns the cases, a dict reduced to the channels of a model."""
    if not isinstance(cases, dict):
        return cases
    known = [channel["name"] for channel in predictor.channels]
    return {n: image for n, image in cases.items() if n in known} or cases


def paths_of(cases):
    """Returns the paths of all images on disk."""
    return [image for image in places_of(cases) if not is_url(image)]


def places_of(cases):
    """Returns the paths and URLs of all images."""
    images = (image for case in cases for image in case.images.values())
    return [image for image in images if not isinstance(image, Volume)]


def _recipes(runs):
    return [run.predictor.recipe.to_dict() for run in runs]
