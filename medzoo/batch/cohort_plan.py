"""A cohort done by several processes at once: one folder, one table in the end."""

from pathlib import Path

from medzoo.batch.bids_output import BidsOutput
from medzoo.batch.case_log import CaseLog
from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.image_output import ImageOutput
from medzoo.batch.input_cases import cases_of, table_of, with_person
from medzoo.batch.merged_table import MergedTable
from medzoo.batch.model_run import ModelRun, Plan
from medzoo.batch.number_output import NumberOutput
from medzoo.batch.plan import (
    USUAL_OUTPUT,
    check_folder,
    check_probabilities,
    of_model,
    paths_of,
)
from medzoo.batch.shard import share_of
from medzoo.batch.status_log import StatusLog, writer_name
from medzoo.datasets.bids import read_bids
from medzoo.datasets.bids.scans import scans_of
from medzoo.errors import InputError


def shard_plan(
    predictors, cases, output, *, shard, person, overwrite, keep_folders, dicom_seg
):
    """Returns the `Plan` of one shard of a cohort.

    Args:
        predictors: list of `Predictor`.
        cases: as of `medzoo.predict`.
        output: path of a folder, which all shards share.
        shard: tuple of two int, see `medzoo.batch.shard`.
        person: age and sex of who was scanned, or None each.
        overwrite: bool.
        keep_folders: bool.
        dicom_seg: bool, which is refused.

    Raises:
        InputError: without a folder, or with DICOM SEG.
    """
    _check(output, dicom_seg)
    writer, runs, inputs = writer_name(shard), [], table_of(cases)
    for predictor in predictors:
        given = cases_of(
            of_model(cases, predictor), predictor.channels, keep_folders=keep_folders
        )
        run = ModelRun(predictor, with_person(share_of(given, shard), *person))
        run.images = _output(
            run,
            _folder_of(predictor, predictors, output),
            StatusWriter(predictor, writer),
            inputs=table_of(cases),
            overwrite=overwrite,
            keep_folders=keep_folders,
        )
        runs.append(run)
        inputs += paths_of(given)
    table = MergedTable(
        output,
        {p.recipe.name: _folder_of(p, predictors, output) for p in predictors},
        inputs=inputs,
        overwrite=overwrite,
    )
    return Plan(runs, finish=[table.write])


def shard_bids_plan(
    predictors, root, output, *, shard, participants, entities, overwrite, dicom_seg
):
    """Returns the `Plan` of one shard of a BIDS tree; see `shard_plan`, `bids_plan`."""
    _check(output or root, dicom_seg)
    scans = scans_of(Path(root), tuple(participants))
    folder = Path(output or Path(root) / USUAL_OUTPUT)
    writer, runs, outputs, inputs = writer_name(shard), [], {}, []
    for predictor in predictors:
        tree = read_bids(root, predictor.channels, scans=scans, entities=entities or {})
        recipe = predictor.recipe.to_dict()
        own = BidsOutput(folder, recipe, tree, overwrite=overwrite)
        mine = share_of(tree.cases, shard)
        problems = dict(share_of(list(tree.problems.items()), shard))
        run = ModelRun(predictor, mine, problems=problems, finish=own.add)
        status = StatusWriter(predictor, writer)
        run.images = _output(run, own.work_folder, status, overwrite=overwrite)
        runs.append(run)
        outputs[predictor.recipe.name] = own
        inputs += paths_of(tree.cases)
    table = MergedTable(
        folder,
        {name: own.work_folder for name, own in outputs.items()},
        inputs=inputs,
        overwrite=overwrite,
        finish={name: own.finish for name, own in outputs.items()},
    )
    for own in outputs.values():
        own.begin()
    return Plan(runs, finish=[table.write])


class StatusWriter:
    """Gives the status files of one process.

    Args:
        predictor: `Predictor`, whose recipe stands in the first line.
        writer: str, the process.
    """

    def __init__(self, predictor, writer):
        self._head = {"recipe": predictor.recipe.to_dict()}
        self._writer = writer

    def __call__(self, folder):
        """Returns the `StatusLog` in a folder."""
        return StatusLog(folder, self._writer, self._head)


def _output(run, folder, status, **options):
    predictor = run.predictor
    check_probabilities(predictor)
    log, settings = status(folder), predictor.settings.to_dict()
    for case_id, problem in run.problems.items():
        log.add({"case_id": case_id, "error": problem})
    if predictor.task.gives_images:
        return ImageOutput(
            folder, predictor.recipe, run.cases, settings, status=log, **options
        )
    return NumberOutput(
        CaseLog(predictor.recipe, settings, EarlierResults(folder), log)
    )


def _folder_of(predictor, predictors, output):
    """Where results of a model lie: as without shards."""
    return (
        Path(output) if len(predictors) == 1 else Path(output) / predictor.recipe.name
    )


def _check(output, dicom_seg):
    if output is None:
        raise InputError(
            "Shards must share an output folder. Received: no output. Give one (-o)."
        )
    if dicom_seg:
        raise InputError(
            "A DICOM SEG is written of cases that one process does. "
            "Received: --dicom-seg with --shard. Leave out one of them."
        )
    check_folder(output, "Shards")
