"""Training from a recipe: cases in, a model folder out."""

from pathlib import Path

import numpy as np

from medzoo.data.cases.balance import case_weights
from medzoo.data.cases.people import counted
from medzoo.data.cases.targets import target_value
from medzoo.data.feeds.case_dataset import CaseDataset
from medzoo.data.feeds.image_cases import image_cases
from medzoo.data.feeds.labelled_cases import usable_cases
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.data.store.storage_modes import keeping_in
from medzoo.errors import InputError
from medzoo.models.from_recipe import build_model
from medzoo.progress import every_twentieth
from medzoo.training.code_tables import bring_tables
from medzoo.training.contrasts import TrainingContrasts
from medzoo.training.cross_validation import (
    cross_validate,
    leave_out,
    write_out_of_fold,
)
from medzoo.training.device_choice import devices_of
from medzoo.training.enough_cases import check_enough, check_enough_images
from medzoo.training.familiarity import factors_of_scanners
from medzoo.training.fit import fit
from medzoo.training.held_out import HeldOut
from medzoo.training.image_training import train_images, write_model
from medzoo.training.log_lines import plan_line
from medzoo.training.measured_steps import with_steps
from medzoo.training.network import check_rematerialize, starting_weights
from medzoo.training.out_of_scanner import judge_by_scanners, sources_of
from medzoo.training.precision import precision_here
from medzoo.training.run_facts import begin_run
from medzoo.training.settings import TrainingSettings, for_fine_tuning, with_step
from medzoo.training.spread_calibration import with_spread_scale
from medzoo.training.task_training import ImageTraining
from medzoo.training.tasks import TASKS


def train(
    recipe,
    cases,
    output,
    *,
    target=None,
    tables=None,
    start=None,
    precision=None,
    accumulate=None,
    rematerialize=None,
    workers=None,
    devices=None,
    feed="memory",
    restart=False,
    log=None,
):
    """Trains a model from its recipe: cross-validation, then the published model.

    An ensemble is made of the networks of the folds; a single network is trained once
    more on all cases. Segmentation and autoencoders use the recipe's validation cases,
    or are cross-validated where the table has none of them; super-resolution uses one
    split (`medzoo.training.image_training`). Interrupted, it goes on where it stopped.

    Args:
        recipe: dict, the recipe's content.
        cases: path of a cases.csv, or list of `Case`.
        output: path of a folder: recipe.json, model.weights.h5 and out_of_fold.csv are
            left there, beside the runs and prepared scans that may be deleted after.
        target: str or None, a column instead of the recipe's.
        tables: path of the folder with the recipe's tables of codes, or None.
        start: path of weights to start from, with the recipe's `fine_tuning_rate`, or
            None for fresh ones.
        precision: str or None, "float32", "mixed_bfloat16" or "mixed_float16" instead
            of the recipe's `dtype`. None: as the recipe says, but float32 for bfloat16
            on a processor without it.
        accumulate: int or None, instead of the recipe's `gradient_accumulation`: so
            many batches make one step of the optimizer.
        rematerialize: bool or None, instead of the recipe's: a step in less memory and
            more time.
        workers: int or None, how many scans are prepared, and batches made, at once;
            it changes nothing but the time. Defaults to 2 scans, and to a batch for
            every two cores.
        devices: int or None for 1, devices that share each batch, which stays as
            large; a run may be resumed on another number of them.
        feed: str, where prepared scans are while networks are trained: "memory",
            "cached" or "streamed", see `medzoo.dataset`.
        restart: bool, remove an earlier run in `output` first.
        log: callable taking a line, or None.

    Returns:
        Path of the model folder.

    Raises:
        InputError: if the recipe's ensemble and its number of folds differ, the
            precision or the feed is unknown, the network cannot be rematerialised,
            there are not so many devices, or an earlier run in `output` was of other
            data or another recipe.
        Terminated: after SIGTERM, when the state is saved.
    """
    say = log or _silent
    recipe = with_step(
        recipe,
        precision=precision or precision_here(recipe["training"].get("dtype"), say),
        accumulate=accumulate,
        rematerialize=rematerialize,
    )
    check_rematerialize(recipe)
    devices = devices_of(devices, recipe["training"].get("batch_size"), say)
    say = say if devices.tells else _silent
    options = {"workers": workers, "devices": devices, "log": say}
    named = Path(output)
    keeping = keeping_in(named / "prepared", feed)
    output = devices.folder_of(named)
    if issubclass(TASKS[recipe["task"]], ImageTraining):
        recipe, usable = image_cases(cases, recipe, target)
        say(f"{counted(usable)} to learn from")
        check_enough_images(recipe, usable)
        given = {"start": start, "tables": tables}
        runs, own = output / "runs", {**given, "restart": restart, "log": say}
        devices.share(runs, begin_run(runs, recipe, usable, **own))
        given = {**given, "keeping": keeping, **options}
        model = train_images(recipe, usable, output, **given)
        recipe = with_spread_scale(model, recipe, usable)
        write_model(model, bring_tables(recipe, tables, output), output)
        return named
    _check_members(recipe)
    if target is not None:
        recipe = {**recipe, "target": {**recipe["target"], "column": target}}
    prepared, targets = _prepared(
        recipe, cases, output, keeping, start, restart, options
    )
    made = _train_networks(recipe, prepared, targets, output, start, options)
    write_model(*made, output)
    return named


def _silent(line):
    """Tells nobody."""


def _prepared(recipe, cases, output, keeping, start, restart, options):
    """Starts a run over the cases with a target; returns them prepared, and targets."""
    runs, log = output / "runs", options["log"]
    _, labelled = usable_cases(cases, recipe)
    targets = [target_value(case, recipe) for case in labelled]
    log(f"{counted(labelled)} with a target")
    check_enough(recipe, labelled, targets)
    own = {"start": start, "restart": restart, "log": log}
    facts = begin_run(runs, recipe, labelled, **own)
    options["devices"].share(runs, facts)
    prepared = prepared_cases(labelled, recipe, **keeping)
    workers = options["workers"] or 2
    prepared.prepare(workers=workers, progress=every_twentieth(log))
    return prepared, targets


def _train_networks(recipe, prepared, targets, output, start, options):
    """Cross-validates, and trains what is published; returns it and its recipe."""
    log, published = options["log"], recipe
    recipe, options = _from_weights(recipe, start, output / "runs", options)
    log(plan_line(_networks(recipe, prepared.cases)))
    contrasts = None
    if recipe["architecture"]["arguments"].get("known_contrasts") is not None:
        contrasts = TrainingContrasts(recipe, prepared)
    # Of a table with other scanners, of which this one may have a single one.
    (output / "out_of_scanner.csv").unlink(missing_ok=True)
    given = (recipe, prepared, targets)
    networks, outputs, folds = cross_validate(*given, output / "runs", **options)
    interval = write_out_of_fold(
        output / "out_of_fold.csv", recipe, prepared.cases, targets, outputs, folds
    )
    step = None
    sources = sources_of(prepared.cases)
    if contrasts is not None and len(set(sources)) > 1:
        truth = np.asarray(targets, float)
        home = HeldOut(outputs, contrasts.held_out_distances(folds), truth)
        _, away = leave_out(*given, sources, output / "runs", **options)
        away = HeldOut(away, contrasts.held_out_distances(sources), truth)
        step = judge_by_scanners(
            recipe, home, away, interval, prepared.cases, output, log
        )
        factors = (recipe, home, interval, sources, contrasts.sources)
        step["scanners"] = factors_of_scanners(*factors)
    if "num_members" not in recipe["architecture"]["arguments"]:
        networks = [_trained_on_all(recipe, prepared, targets, output, options)]
    model = _assembled(recipe, networks)
    if contrasts is not None:
        contrasts.into(model)
    return model, with_steps(published, {"interval": interval, "familiarity": step})


def _from_weights(recipe, start, runs, options):
    """Recipe and options of a training that starts from weights, or as they are."""
    if start is None:
        return recipe, options
    starts = starting_weights(recipe, start, runs)
    return for_fine_tuning(recipe), {**options, "starts": starts}


def _networks(recipe, cases):
    """The names of the networks that are trained, as the log has them."""
    arguments = recipe["architecture"]["arguments"]
    folds = TrainingSettings.from_recipe(recipe).split["num_folds"]
    names = [f"fold {fold}" for fold in range(folds)]
    sources = sorted(set(sources_of(cases)))
    if arguments.get("known_contrasts") is not None and len(sources) > 1:
        names += [f"without {source}" for source in sources]
    return names if "num_members" in arguments else [*names, ""]


def _trained_on_all(recipe, prepared, targets, output, options):
    """The network of a recipe without an ensemble, trained on all cases."""
    settings = TrainingSettings.from_recipe(recipe)
    data = CaseDataset(
        prepared,
        targets,
        batch_size=settings.batch_size,
        seed=settings.seed,
        weights=case_weights(prepared.cases, targets, recipe["training"]),
    )
    folder = output / "runs" / "all"
    given = {name: value for name, value in options.items() if name != "starts"}
    (start,) = options.get("starts", [None])
    return fit(recipe, data, folder, start=start, **given)


def _check_members(recipe):
    folds = TrainingSettings.from_recipe(recipe).split["num_folds"]
    members = recipe["architecture"]["arguments"].get("num_members", folds)
    if members != folds:
        raise InputError(
            "An ensemble has one member a fold. Received: "
            f"num_members={members}, num_folds={folds}."
        )


def _assembled(recipe, networks):
    """The published network: an ensemble of those trained, or the one that is."""
    model = build_model({**recipe, "weights": None})
    parts = getattr(model, "members", (model,))
    for part, network in zip(parts, networks, strict=True):
        part.set_weights(network.get_weights())
    return model
