"""`medzoo predict NAME,NAME ...`: several models on the same cases."""

from dataclasses import replace
from pathlib import Path

from medzoo.batch.cohort_table import CohortTable
from medzoo.batch.dicom_seg import check_dicom_seg, with_dicom_seg
from medzoo.batch.output_places import IMAGE_SUFFIXES
from medzoo.batch.predict import cases_given
from medzoo.batch.several_models import Work, predictors_of, run_all
from medzoo.batch.table_output import TABLE_SUFFIXES
from medzoo.errors import InputError
from medzoo.volume import Volume

FILES = (*IMAGE_SUFFIXES, *TABLE_SUFFIXES, ".parquet", ".html")


def run(options):
    """Predicts for the command line; returns the exit code.

    Images of each model go into a folder of its name, and numbers of all models into
    one table.

    Args:
        options: `medzoo.cli.predict_command.PredictOptions` with several models.
    """
    predictors = predictors_of(options)
    _check_dicom_seg_is_of(predictors, options)
    if options.output is not None:
        _check_folder(options.output)
    works, paths = [], []
    for predictor in predictors:
        cases, tables = cases_given(_of_model(options, predictor), predictor.channels)
        works.append(_work(predictor, cases, tables, options))
        images = (image for case in cases for image in case.images.values())
        paths += [*tables, *(i for i in images if not isinstance(i, Volume))]
    table = None
    if options.output is not None:
        recipes = [predictor.recipe.to_dict() for predictor in predictors]
        table = CohortTable(
            options.output, recipes, inputs=paths, overwrite=options.overwrite
        )
    return run_all(works, options, table)


def _work(predictor, cases, tables, options):
    recipe = predictor.recipe.to_dict()
    wanted = options.dicom_seg and recipe["task"] == "segmentation"
    check_dicom_seg(recipe, cases, wanted=wanted)
    images = None
    if predictor.answers_in_images:
        place = options.output and options.output / predictor.recipe.name
        images = predictor.output_for(
            place,
            cases,
            inputs=tables,
            overwrite=options.overwrite,
            keep_folders=options.keep_folders,
        )
    by_id = {case.case_id: case for case in cases}

    def finish(record):
        one = [by_id[record["case_id"]]]
        return next(with_dicom_seg([record], one, recipe, wanted=wanted))

    return Work(predictor, cases, images=images, finish=finish)


def _of_model(options, predictor):
    """The options with the channels that a model knows."""
    if not options.channels:
        return options
    known = [channel["name"] for channel in predictor.channels]
    channels = {n: path for n, path in options.channels.items() if n in known}
    return replace(options, channels=channels or options.channels)


def _check_dicom_seg_is_of(predictors, options):
    tasks = [predictor.recipe.task for predictor in predictors]
    if options.dicom_seg and "segmentation" not in tasks:
        raise InputError(
            "A DICOM SEG is made of a segmentation. Received: none of the models "
            f"{options.name} segments. Leave out --dicom-seg."
        )


def _check_folder(path):
    if Path(path).is_file() or str(path).lower().endswith(FILES):
        raise InputError(
            "Several models write into a folder. "
            f"Received: output={path}. Give a folder."
        )
