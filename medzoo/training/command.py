"""The work of `medzoo train`: cases in, a model folder out."""

import json
import sys
import time
from pathlib import Path

from medzoo.data.cases.balance import case_weights
from medzoo.data.cases.people import counted
from medzoo.data.cases.targets import target_value
from medzoo.data.feeds.case_dataset import CaseDataset
from medzoo.data.feeds.image_cases import image_cases
from medzoo.data.feeds.labelled_cases import usable_cases
from medzoo.data.feeds.whole_cases import prepared_cases
from medzoo.data.store.storage_modes import keeping_in
from medzoo.datasets.known_layouts import read_layout
from medzoo.errors import InputError
from medzoo.files import write_text_atomically
from medzoo.models.from_recipe import build_model
from medzoo.training import image_command
from medzoo.training.anatomy import train_anatomy
from medzoo.training.cross_validation import (
    check_enough,
    cross_validate,
    write_out_of_fold,
)
from medzoo.training.fit import Terminated, check_rematerialize, fit
from medzoo.training.precision import precision_here
from medzoo.training.preparation import every_twentieth
from medzoo.training.run_facts import begin_run
from medzoo.training.settings import TrainingSettings, with_step
from medzoo.training.spread_scale import with_spread_scale
from medzoo.training.super_resolution import train_super_resolution
from medzoo.training.weights_file import write_weights

EXIT_DONE = 0
EXIT_INTERRUPTED = 130


def train(
    recipe,
    cases,
    output,
    *,
    target=None,
    tables=None,
    start=None,
    threads=None,
    precision=None,
    accumulate=None,
    rematerialize=None,
    workers=None,
    feed="memory",
    restart=False,
    log=None,
):
    """Trains a model as its recipe says: a cross-validation, then what is published.

    An ensemble is made of the networks of the folds; a single network is trained once
    more on all cases. Tasks that answer in images have one split instead, see
    `medzoo.training.image_command`. Interrupted, it goes on where it stopped.

    Args:
        recipe: dict, the recipe's content.
        cases: path of a cases.csv, or list of `Case`.
        output: path of a folder: recipe.json, model.weights.h5 and out_of_fold.csv are
            left there, beside the runs and prepared scans that may be deleted after.
        target: str or None, a column instead of the recipe's.
        tables: path of the folder with the recipe's tables of codes, or None.
        start: path of weights to start from, for tasks that answer in images; or None.
        threads: int or None, processes that prepare scans. Defaults to 2.
        precision: str or None, "float32", "mixed_bfloat16" or "mixed_float16" instead
            of the recipe's `dtype`. None: as the recipe says, but float32 for bfloat16
            on a processor without it.
        accumulate: int or None, instead of the recipe's `gradient_accumulation`: so
            many batches make one step of the optimizer.
        rematerialize: bool or None, instead of the recipe's: a step in less memory and
            more time.
        workers: int or None, threads that make batches while the network computes; they
            change nothing but the time. Defaults to one for every two cores.
        feed: str, where prepared scans are while networks are trained: "memory",
            "cached" or "streamed", see `medzoo.dataset`.
        restart: bool, remove an earlier run in `output` first.
        log: callable taking a line, or None.

    Returns:
        Path of the model folder.

    Raises:
        InputError: if the recipe's ensemble and its number of folds differ, the
            precision or the feed is unknown, the network cannot be rematerialised, or
            an earlier run in `output` was of other data or another recipe.
        Terminated: after SIGTERM, when the state is saved.
    """
    output = Path(output)
    say = log or (lambda line: None)
    precision = precision or precision_here(recipe["training"].get("dtype"), say)
    step = {"accumulate": accumulate, "rematerialize": rematerialize}
    recipe = with_step(recipe, precision=precision, **step)
    check_rematerialize(recipe)
    if recipe["task"] not in ("regression", "classification"):
        more = {"tables": tables, "start": start, "workers": workers, "log": log}
        more |= {"keeping": keeping_in(output / "prepared", feed), "restart": restart}
        return _train_images(recipe, cases, output, target, threads, **more)
    _check_members(recipe)
    if target is not None:
        recipe = {**recipe, "target": {**recipe["target"], "column": target}}
    _, labelled = usable_cases(cases, recipe)
    targets = [target_value(case, recipe) for case in labelled]
    say(f"{counted(labelled)} with a target")
    check_enough(recipe, labelled, targets)
    begin_run(output / "runs", recipe, labelled, restart=restart, log=say)
    keeping = keeping_in(output / "prepared", feed)
    prepared = prepared_cases(labelled, recipe, **keeping)
    prepared.prepare(workers=threads or 2, progress=every_twentieth(say))
    making = {"workers": workers, "log": log}
    if recipe["architecture"]["class"] == "AnatomyReadout3D":
        made = train_anatomy(recipe, prepared, targets, output, start=start, log=say)
        image_command.write_model(*made, output)
        return output
    _train_networks(recipe, prepared, targets, output, **making)
    return output


def _train_networks(recipe, prepared, targets, output, **making):
    """Cross-validates, trains what is published, and writes the model folder."""
    networks, outputs, folds = cross_validate(
        recipe, prepared, targets, output / "runs", **making
    )
    interval = write_out_of_fold(
        output / "out_of_fold.csv", recipe, prepared.cases, targets, outputs, folds
    )
    if "num_members" not in recipe["architecture"]["arguments"]:
        folder = output / "runs" / "all"
        networks = [_on_all(recipe, prepared, targets, folder, **making)]
    facts = write_weights(_assembled(recipe, networks), output / "model.weights.h5")
    content = with_results(recipe, facts, interval)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_text_atomically(output / "recipe.json", text + "\n")


def _train_images(
    recipe, cases, output, target, threads, *, tables, restart, log, **more
):
    more["log"] = log or (lambda line: None)
    recipe, usable = image_cases(cases, recipe, target)
    more["log"](f"{counted(usable)} to learn from")
    asked = {"start": more["start"], "restart": restart, "log": more["log"]}
    begin_run(output / "runs", recipe, usable, **asked)
    if recipe["task"] == "super_resolution":
        runs = output / "runs" / "model"
        model = train_super_resolution(recipe, usable, runs, **more)
    else:
        more |= {"tables": tables, "threads": threads or 2}
        model = image_command.train_images(recipe, usable, output, **more)
    recipe = with_spread_scale(model, recipe, usable)
    image_command.write_model(model, recipe, output)
    return output


def _check_members(recipe):
    folds = TrainingSettings.from_recipe(recipe).split["num_folds"]
    members = recipe["architecture"]["arguments"].get("num_members", folds)
    if members != folds:
        raise InputError(
            "An ensemble has one member a fold. Received: "
            f"num_members={members}, num_folds={folds}."
        )


def _on_all(recipe, prepared, targets, folder, **making):
    settings = TrainingSettings.from_recipe(recipe)
    more = {"batch_size": settings.batch_size, "seed": settings.seed}
    more["weights"] = case_weights(prepared.cases, targets, recipe["training"])
    data = CaseDataset(prepared, targets, **more)
    return fit(recipe, data, folder, **making)


def _assembled(recipe, networks):
    """The published network: an ensemble of those trained, or the one that is."""
    model = build_model({**recipe, "weights": None})
    parts = getattr(model, "members", (model,))
    for part, network in zip(parts, networks, strict=True):
        part.set_weights(network.get_weights())
    return model


def with_results(recipe, weights, interval):
    """Returns the recipe with the facts of new weights and a measured interval."""
    urls = (recipe.get("weights") or {}).get("urls", [])
    steps = [
        {"step": "interval", "arguments": interval}
        if step["step"] == "interval" and interval is not None
        else step
        for step in recipe["postprocessing"]
    ]
    return {**recipe, "postprocessing": steps, "weights": {**weights, "urls": urls}}


def run(recipe, options):
    """Trains for the command line; returns the exit code."""
    started = time.monotonic()

    def log(line):
        sys.stderr.write(f"[{time.monotonic() - started:6.0f} s] {line}\n")
        sys.stderr.flush()

    try:
        folder = train(
            recipe,
            _given(options),
            options.output,
            target=options.target,
            tables=options.folder,
            start=_start(options, recipe),
            threads=options.threads,
            feed=options.feed,
            precision=options.precision,
            accumulate=options.accumulate,
            rematerialize=options.rematerialize or None,
            workers=options.workers,
            restart=options.restart,
            log=log,
        )
    except Terminated:
        log(f"stopped; the same command goes on from {options.output}")
        return EXIT_INTERRUPTED
    sys.stdout.write(f"{folder}\n")
    return EXIT_DONE


def _given(options):
    """The cases of the command line: a table, or a data set in its own layout."""
    if options.data is None:
        return options.cases
    return read_layout(options.data)


def _start(options, recipe):
    if not options.fine_tune:
        return None
    if recipe["weights"] is None:
        raise InputError(
            "Fine-tuning starts from weights that the model has. "
            f"Received: --fine-tune for {recipe['name']}, which has none. Leave it out."
        )
    return options.start
