"""A model with checked files: read, hashed and scanned once per run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from medzoo.errors import IntegrityError
from medzoo.zoo.hub.model_files import ready_weights
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.resolve import resolve_recipe
from medzoo.zoo.weights import scan_hdf5


@dataclass(frozen=True)
class CheckedModel:
    """The verified files of a model.

    Attributes:
        folder: Its folder.
        recipe: Its recipe.
        weights: The verified weights file.
        shapes: The shape of each dataset in it.
    """

    folder: Path
    recipe: Recipe
    weights: Path
    shapes: dict[str, tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """The count of numbers in the weights, trained ones and averages alike."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def check_model(
    source: str | Path | CheckedModel, *, revision: str | None = None
) -> CheckedModel:
    """Finds a model and verifies its weights; fetches them where they are not here.

    Args:
        source: A zoo name, `name@version`, a model folder or `hf://org/repo`; or what
            this function gave before.
        revision: A branch, tag or commit on a hub.

    Raises:
        InputError: No model has this name or version.
        IntegrityError: There are no weights, or not those that the recipe names.
        OfflineError: Something must be fetched, and cannot be.
        RecipeError: The recipe breaks the schema.
    """
    if isinstance(source, CheckedModel):
        return source
    return check_files(*resolve_recipe(source, revision=revision))


def check_files(folder: Path, recipe: Recipe) -> CheckedModel:
    """Verifies the weights of a model whose recipe was read, as `check_model` does."""
    if recipe.weights is None:
        raise IntegrityError(
            f"A model must have weights in {folder / 'recipe.json'}. Received: "
            "weights=null. Load it with weights=False, or train it."
        )
    path = ready_weights(folder, recipe)
    return CheckedModel(folder, recipe, path, scan_hdf5(path))
