"""The models on offer, and what the page tells of each before it runs."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from medzoo.errors import InputError, MedzooError, MedzooWarning
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.tasks import TASKS
from medzoo.reporting.markup import Markup
from medzoo.reporting.model_facts import model_section
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import Recipe
from medzoo.zoo.registry import list_models
from medzoo.zoo.resolve import resolve_recipe


@dataclass(frozen=True)
class OfferedModel:
    """A model that visitors may choose.

    Attributes:
        source: As `medzoo.load` takes it.
        folder: Its folder.
        recipe: Its recipe.
        measured: The content of metrics.json, or None.
    """

    source: str
    folder: Path
    recipe: Recipe
    measured: dict | None

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.recipe.name

    @property
    def channels(self) -> dict[str, bool]:
        """Channel -> whether the model cannot do without it."""
        return {c["name"]: c.get("required", True) for c in self.recipe.channels}

    @property
    def seconds(self) -> float | None:
        """How long it took for a scan where it was measured, or None."""
        seconds = ((self.measured or {}).get("cost") or {}).get("seconds_per_scan")
        return float(seconds) if isinstance(seconds, int | float) else None

    @property
    def gives_labels(self) -> bool:
        """Whether its result is a label map."""
        return TASKS[self.recipe.task].gives_labels

    @property
    def compares_people(self) -> bool:
        """Whether age and sex of the person add centiles."""
        return step_arguments(self.recipe.to_dict(), "centiles") is not None

    @property
    def explains(self) -> bool:
        """Whether its predictions can be explained by a map."""
        return not TASKS[self.recipe.task].gives_images

    @property
    def passes(self) -> int:
        """How often it goes over a scan: another model may go first, as a guide."""
        return 1 + (step_arguments(self.recipe.to_dict(), "guide") is not None)

    def card(self) -> Markup:
        """Gives the facts about the model as a page shows them."""
        return model_section(self.recipe.to_dict(), self.measured, "")


def offered(sources: list[str]) -> dict[str, OfferedModel]:
    """Gives the models of a server by their names.

    A model of the zoo that nobody named and whose files are faulty is left out, with a
    warning; the others serve.

    Args:
        sources: As `medzoo.load` takes them; empty for the whole zoo.

    Raises:
        InputError: There is no such model, or two have one name.
        RecipeError: A recipe breaks the schema.
    """
    found: dict[str, OfferedModel] = {}
    for source in sources or list_models():
        try:
            model = _offered(source)
        except MedzooError as error:
            if sources:
                raise
            text = f"{source} is not offered: {error}"
            warnings.warn(text, MedzooWarning, stacklevel=3)
            continue
        if model.name in found:
            raise InputError(
                "Models on one page must differ in their names. "
                f"Received: {source}, another {model.name}. Rename one of them."
            )
        found[model.name] = model
    return found


def _offered(source: str) -> OfferedModel:
    folder, recipe = resolve_recipe(source)
    return OfferedModel(source, folder, recipe, read_metrics(folder, recipe))


def preselected(models: dict[str, OfferedModel]) -> str | None:
    """Gives the model that the page proposes: labels to look at, from one scan."""
    showing = [m for m in models.values() if m.gives_labels]
    proposed = [m for m in showing if not m.compares_people] or showing
    proposed = proposed or list(models.values())
    return proposed[0].name if proposed else None
