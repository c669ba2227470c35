"""The trained network: the recipe's, or one member of its ensemble."""

from medzoo.models.from_recipe import CLASSES, build_model
from medzoo.training.settings import TrainingSettings
from medzoo.training.weights_file import write_weights


def single_network(recipe, dtype=None):
    """Builds the recipe's network, or one member of its ensemble, without a recipe."""
    architecture = recipe["architecture"]
    architecture = architecture["arguments"].get("member", architecture)
    network = CLASSES[architecture["class"]]
    return network(**architecture["arguments"], dtype=dtype)


def starting_weights(recipe, start, folder):
    """Writes the weights that networks of a fine-tuning start from.

    Args:
        recipe: dict, the recipe's content.
        start: path of the weights file of the whole model.
        folder: pathlib.Path, where the files are kept.

    Returns:
        list of paths, one a member of an ensemble, or that of a single network.
    """
    model = build_model({**recipe, "weights": None})
    model.load_weights(start)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, member in enumerate(getattr(model, "members", (model,))):
        network = single_network(recipe)
        network.set_weights(member.get_weights())
        paths.append(folder / f"start-{number}.weights.h5")
        write_weights(network, paths[-1], dtype="float32")
    return paths


def check_rematerialize(recipe):
    """Raises InputError for a network without gradient checkpointing."""
    if TrainingSettings.from_recipe(recipe).rematerialize:
        single_network(recipe).rematerialize = True
