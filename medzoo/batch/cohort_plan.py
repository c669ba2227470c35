"""Sharded cohorts: several processes, one output folder, one final table."""

from pathlib import Path

from medzoo.batch.bids_output import BidsOutput
from medzoo.batch.case_log import CaseLog, error_line, now
from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.image_output import ImageOutput
from medzoo.batch.input_cases import cases_of, table_of, with_person
from medzoo.batch.merged_table import MergedTable
from medzoo.batch.model_run import ModelRun, Plan
from medzoo.batch.number_output import NumberOutput
from medzoo.batch.output_places import folders_of
from medzoo.batch.plan import (
    USUAL_OUTPUT,
    check_folder,
    check_probabilities,
    check_tree,
    of_model,
    paths_of,
    places_of,
)
from medzoo.batch.remote_output import RemoteImages
from medzoo.batch.shard import share_of
from medzoo.batch.status_log import StatusLog, writer_name
from medzoo.batch.status_parts import PartLog
from medzoo.datasets.bids import read_bids
from medzoo.datasets.bids.scans import scans_of
from medzoo.errors import InputError
from medzoo.io.remote import is_url, joined, local_or_url


def shard_plan(
    predictors, cases, output, *, shard, person, overwrite, keep_folders, dicom_seg
):
    """Returns the `Plan` of one shard of a cohort.

    Args:
        predictors: list of `Predictor`.
        cases: as of `medzoo.predict`.
        output: path of a folder, or URL, which all shards share.
        shard: tuple of two int, see `medzoo.batch.shard`, or None for all cases.
        person: age and sex of who was scanned, or None each.
        overwrite: bool.
        keep_folders: bool.
        dicom_seg: bool, which is refused.

    Raises:
        InputError: without a folder, or with DICOM SEG.
    """
    _check(output, dicom_seg)
    if keep_folders and is_url(output):
        raise InputError(
            "Folders of inputs are kept on disk alone. "
            f"Received: --keep-folders with {output}. Leave it out."
        )
    writer, runs, logs = writer_name(shard or (1, 1)), [], []
    inputs = table_of(cases)
    for predictor in predictors:
        given = cases_of(
            of_model(cases, predictor), predictor.channels, keep_folders=keep_folders
        )
        run = ModelRun(predictor, with_person(share_of(given, shard), *person))
        place = place_of(predictor, predictors, output)
        logs.append(_log_of(predictor, place, writer))
        run.images = output_of(
            run,
            place,
            logs[-1],
            # Of all cases: no shard may replace what another one reads.
            inputs=[*table_of(cases), *places_of(given)],
            overwrite=overwrite,
            # Of all cases: what their folders have in common is the same to each shard.
            keep_folders=folders_of(given) if keep_folders else False,
        )
        runs.append(run)
        inputs += places_of(given)
    table = MergedTable(
        output,
        {p.recipe.name: place_of(p, predictors, output) for p in predictors},
        recipes=recipes_of(predictors),
        inputs=inputs,
        overwrite=overwrite,
    )
    return Plan(runs, finish=[table.write], logs=logs)


def shard_bids_plan(
    predictors,
    root,
    output,
    *,
    shard,
    participants,
    entities,
    overwrite,
    dicom_seg,
    person=(None, None),
):
    """Returns the `Plan` of one shard of a BIDS tree; see `shard_plan`, `bids_plan`."""
    _check(output or root, dicom_seg)
    check_tree(root, output)
    scans = scans_of(Path(root), tuple(participants))
    folder = Path(output or Path(root) / USUAL_OUTPUT)
    writer, runs, outputs, inputs = writer_name(shard), [], {}, []
    for predictor in predictors:
        tree = read_bids(root, predictor.channels, scans=scans, entities=entities or {})
        cases = with_person(tree.cases, *person)
        recipe = predictor.recipe.to_dict()
        own = BidsOutput(folder, recipe, tree, overwrite=overwrite)
        mine = share_of(cases, shard)
        problems = dict(share_of(list(tree.problems.items()), shard))
        run = ModelRun(predictor, mine, problems=problems, finish=own.add)
        log = _log_of(predictor, own.work_folder, writer)
        run.images = output_of(run, own.work_folder, log, overwrite=overwrite)
        runs.append(run)
        outputs[predictor.recipe.name] = own
        inputs += paths_of(tree.cases)
    table = MergedTable(
        folder,
        {name: own.work_folder for name, own in outputs.items()},
        recipes=recipes_of(predictors),
        inputs=inputs,
        overwrite=overwrite,
        finish={name: own.finish for name, own in outputs.items()},
    )
    for own in outputs.values():
        own.begin()
    return Plan(runs, finish=[table.write])


def _log_of(predictor, place, writer):
    """What a process notes of a model: a file of its own, or parts in a store."""
    kind = PartLog if is_url(place) else StatusLog
    return kind(place, writer, {"recipe": predictor.recipe.to_dict(), "time": now()})


def output_of(run, place, log, *, earlier=None, **options):
    """Returns where results of a model go.

    Args:
        run: `ModelRun`.
        place: path of a folder, or URL.
        log: what lines are added to.
        earlier: `EarlierResults`, or None to read them.
        **options: as of `ImageOutput`.
    """
    predictor = run.predictor
    check_probabilities(predictor)
    settings = predictor.options
    earlier = earlier or EarlierResults(place)
    cases = CaseLog(predictor.recipe, settings, earlier, log)
    for case_id, problem in run.problems.items():
        log.add(error_line(case_id, problem, cases.made_by()))
    if not predictor.task.gives_images:
        return NumberOutput(cases)
    if is_url(place):
        kept = ("inputs", "overwrite")
        options = {name: options[name] for name in kept if name in options}
        return RemoteImages(place, cases, run.cases, **options)
    return ImageOutput(
        place,
        predictor.recipe,
        run.cases,
        settings,
        status=log,
        earlier=earlier,
        **options,
    )


def recipes_of(predictors):
    """Returns model name -> content of its recipe."""
    return {p.recipe.name: p.recipe.to_dict() for p in predictors}


def place_of(predictor, predictors, output):
    """Returns the output path of a model, as without shards."""
    output = local_or_url(output)
    return output if len(predictors) == 1 else joined(output, predictor.recipe.name)


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
