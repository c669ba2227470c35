"""The training section of a recipe: every setting by name, kind and bound.

Names alone, for a recipe is read before keras is; tests keep them equal to
`medzoo.training.settings` and to what data sets take.
"""

import math
import re

from medzoo.zoo.recipe import loss_schema
from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.layer_schema import check_arguments, layers
from medzoo.zoo.recipe.tasks import TASKS, Task
from medzoo.zoo.recipe.training_options import MOST_CASES, OPTIONS, of_patches
from medzoo.zoo.recipe.value_checks import (
    MOST_VOXELS,
    SEED,
    SHARE,
    SIZE,
    Check,
    choice,
    line,
    matching,
    number,
    open_or,
    some,
    truth,
    whole,
)

MOST_STEPS = 10_000_000
MOST_BATCH = 65_536
MOST_VIEWS = 64
CASE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
RATE = number(0, 1e6)


def _ignored(section: Section, key: str) -> None:
    """Its content is checked by what it stands for."""


# Setting -> check; none is needed.
SETTINGS: dict[str, Check] = {
    "epochs": whole(1, MOST_STEPS),
    "batch_size": whole(1, MOST_BATCH),
    "learning_rate": number(1e-12, 100),
    "warmup_epochs": number(0, MOST_STEPS),
    "final_fraction": SHARE,
    "weight_decay": number(0, 100),
    "loss": _ignored,
    "dtype": choice("float32", "mixed_bfloat16", "mixed_float16"),
    "gradient_accumulation": whole(1, MOST_BATCH),
    "rematerialize": truth,
    "seed": SEED,
    "split": _ignored,
    "views": _ignored,
    "balance": _ignored,
    "readout": _ignored,
    "fine_tuning_rate": number(1e-12, 100),
    "steps_per_epoch": open_or(whole(1, MOST_STEPS)),
    "clip_norm": open_or(number(1e-9, 1e9)),
    "ema_momentum": open_or(number(0, 1 - 1e-9)),
    "validate_every": whole(1, MOST_STEPS),
    "patience": open_or(whole(1, MOST_STEPS)),
    "patch_size": open_or(SIZE),
    "augmentation": layers,
    "options": _ignored,
}
FOLDS = {"num_folds": whole(2, 1000), "seed": SEED}
HELD_OUT = {"validation": some(matching(CASE_ID), 0, MOST_CASES)}
BALANCE = ({"columns": some(line, 1, 16)}, {"exponent": SHARE})
READOUT = ({"share": SHARE, "penalty": number(1e-9, 1e9)}, {})
STRIP = {"column": line, "above": whole(0, 65_535), "dilate_mm": number(0, 100)}
VIEW = {
    "name": line,
    "rate": RATE,
    "strip": _ignored,
    "augmentation": layers,
    "num_variants": whole(0, 256),
}


def check_training(recipe: Section) -> None:
    """Checks the training section, whose task, classes and channels are checked.

    Raises:
        RecipeError: for a setting that there is not, or a value that breaks its rule.
    """
    training = recipe.inner("training")
    check_arguments(training, {}, SETTINGS)
    task = TASKS[recipe.content["task"]]
    if training.content.get("loss") is not None:
        num_classes = len(recipe.content.get("class_names") or ())
        loss_schema.check_loss(training.inner("loss"), _losses(task), num_classes)
    _check_split(training, task)
    _check_views(training)
    if training.content.get("balance") is not None:
        check_arguments(training.inner("balance"), *BALANCE)
    if training.content.get("readout") is not None:
        check_arguments(training.inner("readout"), *READOUT)
        _check_network(recipe, training)
    _check_patches(training)
    if "options" in training.content:
        _check_options(recipe, training, task)


def _losses(task: Task) -> loss_schema.Table:
    if not task.has_classes:
        return loss_schema.OF_VALUES
    if task.classes_in_table:
        return loss_schema.OF_SCAN_CLASSES
    return loss_schema.OF_VOXEL_CLASSES


def _check_split(training: Section, task: Task) -> None:
    if "split" not in training.content:
        return
    # A number or class of a scan is cross-validated; what is an image may be.
    folded = task.has_unit or task.classes_in_table
    split = training.inner("split")
    if folded:
        check_arguments(split, FOLDS, {})
    else:
        check_arguments(split, {}, {**FOLDS, **HELD_OUT})


def _check_views(training: Section) -> None:
    if "views" not in training.content:
        return
    views = training.each("views")
    if len(views) > MOST_VIEWS:
        rule = f"must be at most {MOST_VIEWS}"
        raise training.fault(rule, "views", len(views), "Leave some out.")
    for number_, view in enumerate(views):
        check_arguments(view, {}, VIEW)
        if view.content.get("strip") is None:
            continue
        check_arguments(view.inner("strip"), STRIP, {})
        if number_ == 0:
            rule = "must be null: evaluation shows scans as the first view does"
            raise view.fault(rule, "strip", view.content["strip"], "Reorder views.")
    _check_shares(training, "views", [v.content.get("rate", 1) for v in views])


def _check_shares(section: Section, key: str, rates: list) -> None:
    if rates and not sum(rates):
        raise section.fault("must have a rate above 0", key, rates, "Correct it.")


def _check_network(recipe: Section, training: Section) -> None:
    arguments = recipe.content["architecture"]["arguments"]
    while isinstance(arguments.get("member"), dict):
        arguments = arguments["member"].get("arguments", {})
    if arguments.get("readout_block") is None:
        value = training.content["readout"]
        rule = "needs a network with a readout_block"
        raise training.fault(rule, "readout", value, "Remove it.")


def _check_patches(training: Section) -> None:
    """Checks that a batch of patches, and an epoch's, are no absurd number."""
    given = training.content
    batch = given.get("batch_size", 4)
    size = given.get("patch_size")
    if size is not None and batch * math.prod(size) > MOST_VOXELS:
        rule = f"times patch_size must be at most {MOST_VOXELS} voxels"
        raise training.fault(rule, "batch_size", batch, "Use fewer or smaller ones.")
    if (given.get("steps_per_epoch") or 1) * batch > MOST_STEPS:
        rule = f"times batch_size must be at most {MOST_STEPS}"
        value = given["steps_per_epoch"]
        raise training.fault(rule, "steps_per_epoch", value, "Use fewer.")


def _check_options(recipe: Section, training: Section, task: Task) -> None:
    options = training.inner("options")
    check_arguments(options, {}, OPTIONS[task.options])
    if task.has_classes and not task.classes_in_table:
        loss = (training.content.get("loss") or {}).get("arguments", {})
        labels = len(recipe.content["class_names"]) + len(loss.get("unions") or ())
        of_patches(options, labels, len(recipe.content["channels"]))
