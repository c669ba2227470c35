"""The linear readout of a network, in closed form: ridge regression."""

import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.postprocess import step_arguments
from medzoo.models.resnet import READOUT_NAME, readout_scale
from medzoo.training.tasks import TASKS


def freeze_readout(model, frozen):
    """Freezes or unfreezes the readout of a network.

    Beside a linear map that fits at once the deep part would learn next to nothing.
    """
    if READOUT_NAME in [layer.name for layer in model.layers]:
        model.get_layer(READOUT_NAME).trainable = not frozen


def add_readout(model, data, recipe, *, share, penalty):
    """Fits the readout and averages its output with that of the deep part.

    The output is `share` times that of the readout plus the rest times that of the
    network before: a value, or logits. The readout of a classification
    is calibrated, see `medzoo.training.ridge.ridge_classification`.

    Args:
        model: `ResNet3D` with a `readout_block`, trained, its readout still zero.
        data: `CaseDataset`, every kept version of its cases is a sample. Where it has
            weights, the versions of a case share the case's weight by the rates of
            their views; else all versions count alike.
        recipe: dict, the recipe's content.
        share: float in [0, 1].
        penalty: float, the ridge penalty as a multiple of the mean squared distance
            of the samples from their mean.

    Raises:
        RecipeError: if the network has no readout.
    """
    arguments = model.get_config()
    block = arguments["readout_block"]
    if block is None:
        raise RecipeError(
            "A readout is fitted to a network with a readout_block. "
            f"Received: readout_block={block}, task={recipe['task']!r}. Remove "
            "readout from the training section."
        )
    samples, cases, weights = _samples(data, block, step_arguments(recipe, "mirror"))
    targets = np.asarray(data.targets)[cases]
    scale, offset = arguments["output_scale"], arguments["output_offset"]
    task = TASKS[recipe["task"]](recipe)
    found, constant = task.fit_ridge(
        samples, targets, penalty, _subjects(data, cases), weights
    )
    # What the network does to the means before it reads them is undone here.
    found /= readout_scale(len(found))
    head = model.get_layer(model.head_name)
    head.set_weights([(1 - share) * w for w in head.get_weights()])
    model.get_layer(READOUT_NAME).set_weights(
        [
            (share / scale * found).astype(np.float32),
            (share / scale * (constant - offset)).astype(np.float32),
        ]
    )


def _samples(data, block, mirrored):
    """All kept versions of the cases, as the readout sees them.

    Returns:
        `(samples, features)` float32, the index of each sample's case, and what each
        counts, or None where all count alike.
    """
    samples, cases, weights = [], [], []
    for place, index in enumerate(data.indices):
        shares = data.variants.shares(int(index))
        versions = data.variants.versions(int(index))
        for version, share in zip(versions, shares, strict=True):
            means = block_means(version, block)
            if mirrored is not None:
                # What prediction does: the mean over both sides.
                means = (means + np.flip(means, mirrored["axis"])) / 2
            samples.append(means.ravel())
            cases.append(int(index))
            weights.append(1.0 if data.weights is None else share * data.weights[place])
    weights = None if data.weights is None else np.array(weights)
    return np.array(samples, np.float32), np.array(cases), weights


def _subjects(data, cases):
    own = [case.person for case in data.prepared.cases]
    return [own[index] for index in cases]


def block_means(volume, block):
    """Averages over blocks: `(x, y, z, channels)` -> `(x / block, ..., channels)`."""
    *sizes, channels = volume.shape
    split = [n for size in sizes for n in (size // block, block)]
    return volume.reshape(*split, channels).mean((1, 3, 5), dtype=np.float32)
