"""medzoo.train: trains a model by name on cases."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medzoo.errors import InputError
from medzoo.zoo.hub.model_files import ready_weights
from medzoo.zoo.quiet_keras import import_keras
from medzoo.zoo.resolve import resolve_recipe


def train(
    source: str | Path,
    cases: Any,
    output: str | Path,
    *,
    target: str | None = None,
    fine_tune: bool = False,
    restart: bool = False,
    precision: str | None = None,
    accumulate: int | None = None,
    rematerialize: bool | None = None,
    feed: str = "memory",
    workers: int | None = None,
    devices: int | None = None,
    threads: int | None = None,
    log: Callable[[str], Any] | None = None,
) -> Path:
    """Trains a model of the zoo on cases; an interrupted training is resumed.

    Regression and classification are cross-validated first; an ensemble is made of the
    networks of the folds, and a single network is trained once more on all cases.
    Segmentation and autoencoders use the recipe's validation cases, or are
    cross-validated where the table has none of them. Super-resolution uses one split.

    Args:
        source: str or path: a name, `name@version`, a model folder or `hf://org/repo`.
        cases: path of a cases.csv, "bids:DIR", LAYOUT:FOLDER of a data set as it is
            published (such as "mrbrains13:data"), or list of `Case`.
        output: path of a folder: recipe.json, model.weights.h5 and out_of_fold.csv are
            left there, with history.png (extra train), beside the runs and prepared
            scans that may be deleted after.
        target: str or None, COLUMN or COLUMN:CODES.csv instead of the recipe's.
        fine_tune: bool, start from the model's weights, with small steps.
        restart: bool, remove an earlier run in `output` first.
        precision: str or None, "float32", "mixed_bfloat16" or "mixed_float16" instead
            of the recipe's `dtype`.
        accumulate: int or None, instead of the recipe's `gradient_accumulation`: so
            many batches make one step of the optimizer.
        rematerialize: bool or None, instead of the recipe's gradient checkpointing.
        feed: str, where prepared scans are: "memory", "cached" or "streamed", see
            `medzoo.dataset`.
        workers: int or None, how many scans are prepared, and batches made, at once;
            results do not depend on it.
        devices: int or None for 1, devices (GPUs, or without any, processors of the
            backend) that share each batch; a run may be resumed on another number.
            Processes that Keras is told of (KERAS_DISTRIBUTION_NUM_PROCESSES) train
            together, with JAX; None then stands for all of their devices.
        threads: int or None, CPU threads at most.
        log: callable taking a line, or None.

    Returns:
        pathlib.Path of the model folder.

    Raises:
        InputError: for a model that has no weights to fine-tune, or if an earlier run
            in `output` was of other data or another recipe.
        medzoo.errors.Terminated: after SIGTERM, when the state is saved.
    """
    folder, recipe = resolve_recipe(source)
    if fine_tune and recipe.weights is None:
        raise InputError(
            "Fine-tuning starts from weights that the model has. "
            f"Received: fine_tune=True for {recipe.name}, which has none. Leave it out."
        )
    start = ready_weights(folder, recipe) if fine_tune else None
    from medzoo.training.jax_processes import join_processes

    # Refused so far without keras; the limit works before its import only.
    import_keras(threads, join=join_processes)
    from medzoo.datasets.known_layouts import named_cases
    from medzoo.training.history import NO_PICTURE, draw_all
    from medzoo.training.train import train as train_recipe

    if log is not None and find_spec("matplotlib") is None:
        log(NO_PICTURE)
    try:
        return train_recipe(
            recipe.to_dict(),
            named_cases(cases),
            output,
            target=target,
            tables=folder,
            start=start,
            precision=precision,
            accumulate=accumulate,
            rematerialize=rematerialize,
            workers=workers,
            devices=devices,
            feed=feed,
            restart=restart,
            log=log,
        )
    finally:
        # Of one that was stopped too.
        draw_all(output)
