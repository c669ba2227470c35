"""Description of a zoo model, without building it."""

from pathlib import Path

from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import read_recipe
from medzoo.zoo.resolve import resolve

LICENCE_NOTE = (
    "The licence given here is that of the weights; "
    "medzoo's LICENSE file (Apache-2.0) covers the code only."
)


def info(source: str | Path, *, folder: str | Path | None = None) -> dict:
    """Returns the recipe and the metrics of a model.

    Args:
        source: A zoo name, `name@version`, or the path of a model folder.
        folder: A zoo folder to search instead of medzoo's own.

    Returns:
        The content of recipe.json, and besides: `protocol` and `metrics` as
        metrics.json has them (None and {} when nothing was measured), `parameters`
        (a count, or None) and `licence_note`. Plain JSON.

    Raises:
        InputError: No model has this name or version.
        MissingFileError: The path is no model folder.
        RecipeError: The recipe breaks the schema.
        FileFormatError: metrics.json is not as `medzoo evaluate` writes it.

    Example:
        >>> medzoo.info("ixi_age_resnet")["unit"]
        'years'
    """
    place = resolve(source, folder)
    recipe = read_recipe(place)
    measured = read_metrics(place, recipe) or {}
    return {
        **recipe.to_dict(),
        "protocol": measured.get("protocol"),
        "metrics": measured.get("metrics", {}),
        "parameters": measured.get("parameters"),
        "licence_note": LICENCE_NOTE,
    }
