"""Labels of many regions, their borders taken from another model's few tissue classes."""

from weakref import WeakKeyDictionary

import numpy as np

from medzoo.errors import RecipeError
from medzoo.preprocess import Preprocessor
from medzoo.zoo_access import load_model

# Model -> guide, and model -> network of the best class of each group; both go when
# the model goes.
_GUIDES = WeakKeyDictionary()
_NETWORKS = WeakKeyDictionary()


def guide_of(model, name):
    """Returns the model that another one's labels are guided by, loaded once.

    Args:
        model: medzoo model with a recipe.
        name: str, the guide in the zoo, `name@version`.

    Raises:
        RecipeError: if the guide is not prepared for as the model is.
    """
    if model not in _GUIDES:
        guide = load_model(name)
        wanted = guide.recipe["preprocessing"]["spatial"]
        steps = model.recipe["preprocessing"]["spatial"]
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


def best_in_groups(model, groups):
    """Returns a network that gives the most probable class of each group of classes.

    Args:
        model: functional Keras model with logits `(batch, x, y, z, num_classes)`.
        groups: tuple of tuples of int, classes.

    Returns:
        Keras model on the same variables, output `(batch, x, y, z, len(groups))`
        float32: classes.
    """
    known = _NETWORKS.setdefault(model, {})
    if groups not in known:
        import keras

        logits = model.outputs[0]
        best = []
        for classes in groups:
            own = keras.ops.take(logits, np.asarray(classes, "int32"), axis=-1)
            # Keras' argmax takes numbers apart bit by bit, which OpenVINO cannot.
            _, place = keras.ops.top_k(own, 1)
            table = np.asarray(classes, "float32")
            best.append(keras.ops.take(table, place[..., 0], axis=0))
        known[groups] = keras.Model(model.inputs, keras.ops.stack(best, axis=-1))
    return known[groups]


def choose(best, guide, group_of):
    """Returns for every voxel the best class of the group that its tissue allows.

    Args:
        best: `(x, y, z, groups)` integers, of `best_in_groups`.
        guide: `(x, y, z)` integers, the guide's classes.
        group_of: `(classes of the guide,)` integers, the group that each allows.

    Returns:
        `(x, y, z)` integers.
    """
    group = np.asarray(group_of)[guide]
    return np.take_along_axis(best, group[..., None], axis=-1)[..., 0]
