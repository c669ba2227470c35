"""Hyper-parameter search by Optuna: trials, resumed after a kill; the best recipe."""

import csv
import io
import json
import math
import shutil
from pathlib import Path

from medzoo.data.cases.people import counted
from medzoo.data.feeds.image_cases import image_cases
from medzoo.data.feeds.labelled_cases import usable_cases
from medzoo.data.store.storage_modes import keeping_in
from medzoo.errors import InputError, RecipeError
from medzoo.files import write_text_atomically
from medzoo.training.code_tables import bring_tables
from medzoo.training.device_choice import devices_of
from medzoo.training.log_lines import of_network
from medzoo.training.precision import precision_here
from medzoo.training.run_facts import begin_run
from medzoo.training.search_space import check_space, suggested, values_of, with_values
from medzoo.training.search_trials import ImageTrials, NumberTrials
from medzoo.training.settings import with_step
from medzoo.training.task_training import ImageTraining
from medzoo.training.tasks import TASKS

BEST, TABLE, STUDY, SPACE = "best", "trials.csv", "study.log", "space.json"


def search(
    recipe,
    cases,
    output,
    *,
    space,
    trials,
    target=None,
    tables=None,
    precision=None,
    workers=None,
    devices=None,
    restart=False,
    log=None,
):
    """Searches settings of a recipe; an interrupted search goes on where it stopped.

    Args:
        recipe: dict, the recipe's content.
        cases: path of a cases.csv, or list of `Case`.
        output: path of a folder: best/recipe.json, trials.csv and study.log are left
            there, beside prepared scans that may be deleted after.
        space: dict, see `medzoo.training.search_space.check_space`.
        trials: int, in all, those of earlier calls included.
        target: str or None, as of `medzoo.training.train.train`.
        tables: likewise.
        precision: likewise.
        workers: likewise.
        devices: likewise.
        restart: bool, remove an earlier search in `output` first.
        log: callable taking a line, or None.

    Returns:
        Path of the folder with the best recipe.

    Raises:
        InputError: without Optuna, for a space that does not fit, an earlier search of
            something else, or if no trial had a score.
        Terminated: after SIGTERM, when the state of the running trial is saved.
    """
    output, say = Path(output), log or (lambda line: None)
    optuna = _optuna()
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise InputError(
            f"`trials` must be a whole number of at least 1. Received: {trials!r}."
        )
    check_space(space, recipe)
    wanted = precision or precision_here(recipe["training"].get("dtype"), say)
    recipe = with_step(recipe, precision=wanted)
    devices = devices_of(devices, recipe["training"].get("batch_size"), say)
    kind = NumberTrials
    if issubclass(TASKS[recipe["task"]], ImageTraining):
        recipe, usable = image_cases(cases, recipe, target)
        kind = ImageTrials
    else:
        if target is not None:
            recipe = {**recipe, "target": {**recipe["target"], "column": target}}
        _, usable = usable_cases(cases, recipe)
    options = {"workers": workers, "devices": devices}
    # On disk: every trial uses them.
    keeping = keeping_in(output / "prepared", "cached")
    judged = kind(recipe, usable, keeping, tables, options)
    say(
        f"{counted(usable)}: {len(judged.training)} for training, "
        f"{len(judged.validation)} for validation of trials, {len(judged.test)} for "
        "none of both: judge what is found by them"
    )
    _begin(output, recipe, usable, space, tables, restart, say)
    study = _study(optuna, output, recipe, judged.maximised)
    _run(optuna, study, trials, judged, recipe, space, output, say)
    return _write_best(study, recipe, space, tables, judged, output, say)


def _begin(output, recipe, cases, space, tables, restart, log):
    """Starts a search in a folder, or checks that the earlier one is the same."""
    path = output / SPACE
    if restart:
        for name in (SPACE, STUDY, TABLE):
            (output / name).unlink(missing_ok=True)
    elif path.is_file() and json.loads(path.read_text("utf-8")) != space:
        raise InputError(
            f"A search can be resumed only in its own space, in {path}. Received: "
            "another one. Use another output folder, or --restart to start over."
        )
    begin_run(output / "runs", recipe, cases, tables=tables, restart=restart, log=log)
    write_text_atomically(path, json.dumps(space, indent=2) + "\n")


def _study(optuna, output, recipe, maximised):
    """The study in a folder; a trial that was killed is queued to be done again."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # A file that is only appended to, which a network file system keeps whole too.
    backend = optuna.storages.journal.JournalFileBackend(str(output / STUDY))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name=recipe["name"],
        direction="maximize" if maximised else "minimize",
        load_if_exists=True,
    )
    known = study.get_trials(deepcopy=False)
    # Another seed each time: the same would suggest the first trials again.
    seed = recipe["training"].get("seed", 0) + len(known)
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    running = optuna.trial.TrialState.RUNNING
    for trial in [t for t in known if t.state == running]:
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        folder = trial.user_attrs.get("folder", _folder(trial.number))
        study.enqueue_trial(trial.params, user_attrs={"folder": folder})
        study.set_user_attr(f"killed {trial.number}", True)
    return study


def _run(optuna, study, count, judged, recipe, space, output, log):
    while (number := _finished(study)) < count:
        trial = study.ask()
        name = f"trial {number + 1} of {count}"
        folder = output / "runs" / trial.user_attrs.get("folder", _folder(trial.number))
        trial.set_user_attr("folder", folder.name)
        values = suggested(trial, space)
        log(f"{name}: {_in_words(values)}")
        score = None
        try:
            score = judged.score(
                with_values(recipe, values),
                folder,
                lambda line, name=name: log(of_network(name, line)),
            )
        except (RecipeError, ValueError) as error:
            log(f"{name} cannot be: {' '.join(str(error).split())[:300]}")
        good = score is not None and math.isfinite(score)
        state = optuna.trial.TrialState.COMPLETE if good else None
        failed = optuna.trial.TrialState.FAIL
        study.tell(trial, float(score) if good else None, state=state or failed)
        log(f"{name}: score {score:.4g}" if good else f"{name}: no score")
        write_text_atomically(output / TABLE, _table(study, space))
        shutil.rmtree(folder, ignore_errors=True)


def _finished(study):
    """Trials that ended by themselves, with a score or without one."""
    killed = study.user_attrs
    return sum(
        trial.state.is_finished() and f"killed {trial.number}" not in killed
        for trial in study.get_trials(deepcopy=False)
    )


def _folder(number):
    return f"trial-{number}"


def _table(study, space):
    """trials.csv: what each finished trial tried, and its score."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "score", *space])
    for trial in study.get_trials(deepcopy=False):
        if trial.state.is_finished() and f"killed {trial.number}" not in (
            study.user_attrs
        ):
            values = values_of(trial.params, space)
            cells = [json.dumps(values.get(path)) for path in space]
            score = "" if trial.value is None else f"{trial.value:.6g}"
            writer.writerow([trial.number, score, *cells])
    return text.getvalue()


def _write_best(study, recipe, space, tables, judged, output, log):
    """Writes the best recipe, and which cases no trial saw; returns the folder."""
    try:
        best = study.best_trial
    except ValueError as error:
        raise InputError(
            f"A search needs a trial with a score, in {output}. Received: none of "
            f"{_finished(study)}. Correct the space; {TABLE} has the trials."
        ) from error
    values = values_of(best.params, space)
    folder = output / BEST
    folder.mkdir(parents=True, exist_ok=True)
    content = {**with_values(recipe, values), "weights": None}
    content = bring_tables(content, tables, folder)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_text_atomically(folder / "recipe.json", text + "\n")
    unseen = [judged.cases[i].case_id for i in judged.test]
    facts = {"score": best.value, "trial": best.number, "values": values}
    facts["cases_of_no_trial"] = unseen
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    write_text_atomically(output / "search.json", text + "\n")
    log(f"best: score {best.value:.4g}, {_in_words(values)}")
    return folder


def _in_words(values):
    return ", ".join(f"{path} {json.dumps(value)}" for path, value in values.items())


def _optuna():
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            "Hyper-parameters are searched by Optuna. "
            f"Received: {error}. Install medzoo[search]."
        ) from error
    return optuna
