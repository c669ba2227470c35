"""Labels of many regions whose borders are those of another model's tissues."""

from weakref import WeakKeyDictionary

import numpy as np

from medzoo.errors import RecipeError
from medzoo.preprocess import Preprocessor
from medzoo.zoo_access import load_model

# Model -> guide, which goes when the model goes.
_GUIDES = WeakKeyDictionary()


def guide_of(model, recipe, name):
    """Returns the model that another one's labels are guided by, loaded once.

    Args:
        model: what runs the network, a Keras model or an `ExportedModel`.
        recipe: dict, its recipe.
        name: str, the guide in the zoo, `name@version`.

    Raises:
        RecipeError: if the guide is not prepared for as the model is.
    """
    if model not in _GUIDES:
        guide = load_model(name)
        wanted = guide.recipe["preprocessing"]["spatial"]
        steps = recipe["preprocessing"]["spatial"]
        own = [step for step in steps if step["step"] != "add_coordinates"]
        if own != wanted:
            raise RecipeError(
                "A guide must have the spatial steps of the model that it guides, so "
                f"that a scan is prepared once. Received: model={name!r}, whose steps "
                f"are {[step['step'] for step in wanted]}. Name another guide."
            )
        _GUIDES[model] = guide
    return _GUIDES[model]


def as_input_of(guide, x):
    """Returns a prepared scan as another model takes it.

    Args:
        guide: medzoo model whose first channel is that of the scan.
        x: `(x, y, z, channels)` float32 on the network's grid, before recipe layers.

    Returns:
        `(x, y, z, channels)` float32; channels of the guide that are absent are 0.
    """
    recipe = guide.recipe
    channels = np.zeros((*x.shape[:3], len(recipe["channels"])), np.float32)
    channels[..., 0] = x[..., 0]
    preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])
    return preprocessor.normalize(channels[None])[0]


def choose(best, guide, group_of):
    """Returns for every voxel the best class of the group that its tissue allows.

    Args:
        best: `(x, y, z, groups)` integers, the best class of each group.
        guide: `(x, y, z)` integers, the guide's classes.
        group_of: `(classes of the guide,)` integers, the group that each allows.

    Returns:
        `(x, y, z)` integers.
    """
    group = np.asarray(group_of)[guide]
    return np.take_along_axis(best, group[..., None], axis=-1)[..., 0]
