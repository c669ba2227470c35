"""The trained network: the recipe's, or one member of its ensemble."""

from medzoo.models.from_recipe import CLASSES
from medzoo.training.settings import TrainingSettings


def single_network(recipe, dtype=None):
    """Builds the recipe's network, or one member of its ensemble, without a recipe."""
    architecture = recipe["architecture"]
    architecture = architecture["arguments"].get("member", architecture)
    network = CLASSES[architecture["class"]]
    return network(**architecture["arguments"], dtype=dtype)


def check_rematerialize(recipe):
    """Raises InputError for a network without gradient checkpointing."""
    if TrainingSettings.from_recipe(recipe).rematerialize:
        single_network(recipe).rematerialize = True
