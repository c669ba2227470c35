"""Training of tasks that predict images: one split, or a few folds."""

import json
from pathlib import Path

from medzoo.data.cases.splits import named_split, stratified_folds
from medzoo.files import write_text_atomically
from medzoo.training.fit import fit
from medzoo.training.log_lines import of_network, plan_line
from medzoo.training.settings import TrainingSettings, for_fine_tuning
from medzoo.training.tasks import TASKS
from medzoo.training.weights_file import write_weights

CROSS_VALIDATION_FILE = "cross_validation.json"
# Of the weights beside them.
MEASURED = ("metrics.json", "expected.json", "latent.json")


def train_images(
    recipe,
    cases,
    output,
    *,
    keeping,
    tables=None,
    start=None,
    workers=None,
    devices=None,
    log,
):
    """Trains a network on one split, and cross-validates it where there is none.

    The recipe's `split` names the cases for validation. Where the table holds none of
    them (a user's own data) the cases are dealt out to folds, each fold is measured by
    a network trained on the others, and the published network is trained on all.

    Args:
        recipe: dict, the recipe's content.
        cases: list of `Case`.
        output: path of the folder for runs and result.
        keeping: dict `{"mode", "folder"}`, where prepared scans are.
        tables: path of the folder with the recipe's tables of codes, or None.
        start: path of a weights file to start from, with the recipe's
            `fine_tuning_rate`, or None for fresh weights.
        workers: int or None, how many scans are prepared, and batches made, at once.
        devices: as of `medzoo.training.fit.fit`.
        log: callable taking a line.

    Returns:
        The trained Keras model.

    Raises:
        Terminated: after SIGTERM, when the state is saved.
    """
    output = Path(output)
    if start is not None:
        recipe = for_fine_tuning(recipe)
    task = TASKS[recipe["task"]](recipe)
    task.prepare(cases, keeping, tables=tables, workers=workers or 2, log=log)
    inside, held_out = named_split(cases, recipe)
    log(f"{len(inside)} cases for training, {len(held_out)} for validation")
    runs = output / "runs"
    if task.cross_validated and not held_out:
        _cross_validate(task, cases, recipe, output, start, workers, devices, log)
    options = {"start": start, "workers": workers, "devices": devices, "log": log}
    return train_split(task, recipe, (inside, held_out), runs / "model", **options)


def train_split(
    task,
    recipe,
    split,
    folder,
    *,
    seed=None,
    start=None,
    workers=None,
    devices=None,
    log,
):
    """Trains a network on some cases, validated on others.

    Args:
        task: `ImageTraining` whose scans are prepared.
        recipe: dict, the recipe's content.
        split: two lists of int, the cases for training and for validation.
        folder: path, for checkpoints.
        seed: int, of the data of one of several networks, or None for the recipe's.
        start: as of `train_images`.
        workers: likewise.
        devices: likewise.
        log: callable taking a line.

    Returns:
        The trained Keras model.
    """
    inside, held_out = split
    # The folds lie side by side and each begins with weights of its own.
    beginning = folder.parent if seed is None else folder
    if seed is None:
        seed = TrainingSettings.from_recipe(recipe).seed
    data = task.dataset(inside, seed)
    solved = None if start is not None else task.closed_form(data)
    if solved is not None:
        return solved
    if start is None:
        start = task.start(data, beginning / "start.weights.h5", log)
    measure = task.measure(held_out)
    options = {"start": start, "workers": workers, "devices": devices}
    model = fit(recipe, data, folder, log=log, measure=measure, **options)
    return task.finish(model, data, measure, log)


def _cross_validate(task, cases, recipe, output, start, workers, devices, log):
    """Trains a network per fold; writes the metrics of its held-out cases."""
    settings = TrainingSettings.from_recipe(recipe)
    subjects = [case.person for case in cases]
    count = min(settings.split.get("num_folds", 5), len(set(subjects)))
    seed = settings.split.get("seed", 42)
    folds = stratified_folds(subjects, [0.0] * len(cases), count, seed)
    log(plan_line([*(f"fold {fold}" for fold in range(count)), ""]))
    found = {}
    for fold in range(count):
        inside = [i for i, f in enumerate(folds) if f != fold]
        outside = [i for i, f in enumerate(folds) if f == fold]
        measure = task.measure(outside)

        def say(line, fold=fold):
            log(of_network(f"fold {fold}", line))

        folder = output / "runs" / f"fold-{fold}"
        options = {"start": start, "workers": workers, "devices": devices, "log": say}
        options["seed"] = settings.seed + fold
        # Not measured while it is trained: the best epoch would be chosen by the
        # cases that the fold is to be judged on.
        network = train_split(task, recipe, (inside, []), folder, **options)
        if measure is not None:
            measured = measure(network)
            held_out = [cases[i].case_id for i in outside]
            found[f"fold {fold}"] = {"cases": held_out, **measured}
            name, value = next(iter(measured.items()))
            say(f"{name} {value:.3f}")
    text = json.dumps(found, indent=2, ensure_ascii=False)
    write_text_atomically(output / CROSS_VALIDATION_FILE, text + "\n")


def write_model(model, recipe, output):
    """Writes the weights and the recipe with their checksum; returns the recipe."""
    facts = write_weights(model, Path(output) / "model.weights.h5")
    _forget(Path(output), facts["sha256"])
    urls = (recipe.get("weights") or {}).get("urls", [])
    content = {**recipe, "weights": {**facts, "urls": urls}}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_text_atomically(Path(output) / "recipe.json", text + "\n")
    return content


def _forget(output, sha256):
    """Removes what was measured of other weights in the same folder."""
    try:
        earlier = json.loads((output / "recipe.json").read_text(encoding="utf-8"))
        other = earlier["weights"]["sha256"] != sha256
    except (OSError, ValueError, KeyError, TypeError):
        # No model was there: a file of such a name is somebody else's.
        other = False
    if other:
        for name in MEASURED:
            (output / name).unlink(missing_ok=True)
