"""medzoo.recalibrate: a model of the zoo, fitted to the scanner of a few people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from medzoo.errors import InputError
from medzoo.zoo.quiet_keras import import_keras
from medzoo.zoo.resolve import resolve_recipe

OUT_OF_FOLD_FILE = "out_of_fold.csv"


def recalibrate(
    source: str | Path,
    cases: Any,
    output: str | Path,
    *,
    target: str | None = None,
    name: str | None = None,
    threads: int | None = None,
    log: Callable[[str], Any] | None = None,
) -> Path:
    """Fits the values of a regression model to another scanner, with twenty people.

    The network stays as it is. Its values are shifted, brought onto a straight line, or
    left alone, whichever has the least error for people left out. The interval comes
    from errors on people that had no part in fit and choice, and the contrast of these
    scans becomes the one that is known: scans of another scanner get a warning, those
    of training too.

    Args:
        source: str or path: a name, `name@version`, a model folder or `hf://org/repo`.
        cases: path of a cases.csv with the target, or list of `Case`.
        output: path of a folder to make: recipe.json, model.weights.h5, expected.json
            and out_of_fold.csv, the prediction of each person by the others.
        target: str or None, a column instead of the recipe's.
        name: str or None, of the new model; None for the old one with "_recalibrated".
        threads: int or None, CPU threads at most.
        log: callable taking a line, or None.

    Returns:
        pathlib.Path of the model folder, which is used like a name.

    Raises:
        InputError: for a task other than regression, a folder that holds something, or
            fewer people than the interval needs (20 for one of 0.9).

    Example:
        >>> medzoo.recalibrate("ixi_age_resnet", "cases.csv", "own_age")
    """
    recipe = resolve_recipe(source)[1]
    output = Path(output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(
            "A recalibrated model goes into a new or an empty folder. Received: "
            f"output={str(output)!r}. Choose another."
        )
    if recipe.weights is None:
        raise InputError(
            "Recalibration starts from weights that the model has. Received: "
            f"{recipe.name}, which has none. Train it first."
        )
    import_keras(threads)
    from medzoo.datasets.known_layouts import named_cases
    from medzoo.training.measured_steps import with_steps
    from medzoo.training.recalibration import recalibrate as fit_line
    from medzoo.zoo.load import load
    from medzoo.zoo.save_recipe import save_recipe

    content = recipe.to_dict()
    path, cases = output / OUT_OF_FOLD_FILE, named_cases(cases)
    made, steps, people = fit_line(
        load(source), content, cases, path, target=target, log=log
    )
    own = {
        "name": "scans of one more scanner",
        "cases": people,
        "licence": "LicenseRef-not-published",
        "role": "recalibration",
    }
    return save_recipe(
        made,
        output,
        name=name or f"{recipe.name}_recalibrated",
        summary=f"{recipe.name} {recipe.version}, recalibrated to one more scanner",
        data=[own],
        postprocessing=with_steps(content, steps)["postprocessing"],
    )
