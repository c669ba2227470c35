"""`medzoo predict NAME[,NAME...] --bids DIR`: a tree of people -> a derivative."""

from pathlib import Path

from medzoo.batch.bids_output import BidsOutput
from medzoo.batch.cohort_table import CohortTable
from medzoo.batch.several_models import Work, predictors_of, run_all
from medzoo.datasets.bids import read_bids
from medzoo.datasets.bids.scans import scans_of
from medzoo.errors import InputError

USUAL_OUTPUT = Path("derivatives", "medzoo")


def run(options, report=None):
    """Predicts for the command line; returns the exit code.

    Args:
        options: `medzoo.cli.predict_command.PredictOptions` with `bids`.
        report: `medzoo.reporting.sheet.ReportSheet` or None.
    """
    if options.dicom_seg:
        raise InputError(
            "A DICOM SEG refers to a DICOM series. Received: --dicom-seg with --bids. "
            "Leave out --dicom-seg."
        )
    scans = scans_of(Path(options.bids), options.participants)
    folder = options.output or Path(options.bids) / USUAL_OUTPUT
    predictors = predictors_of(options)
    works, outputs = [], []
    for predictor in predictors:
        tree = read_bids(
            options.bids,
            predictor.channels,
            scans=scans,
            entities=options.bids_filter,
        )
        recipe = predictor.recipe.to_dict()
        outputs.append(BidsOutput(folder, recipe, tree, overwrite=options.overwrite))
        works.append(_work(predictor, tree, outputs[-1], options.overwrite))
    recipes = [predictor.recipe.to_dict() for predictor in predictors]
    inputs = [
        image for work in works for c in work.cases for image in c.images.values()
    ]
    table = CohortTable(folder, recipes, inputs=inputs, overwrite=options.overwrite)
    for output in outputs:
        output.begin()
    code = run_all(works, options, table, report)
    for work, output in zip(works, outputs, strict=True):
        output.finish(work.records)
    return code


def _work(predictor, tree, output, overwrite):
    images = None
    if tree.cases and predictor.answers_in_images:
        images = predictor.output_for(
            output.work_folder, tree.cases, overwrite=overwrite
        )
    return Work(
        predictor,
        tree.cases,
        images=images,
        problems=tree.problems,
        finish=output.add,
    )
