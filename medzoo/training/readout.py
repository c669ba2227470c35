"""The linear readout of a network, in closed form: ridge regression."""

import numpy as np

from medzoo.errors import RecipeError
from medzoo.inference.postprocess import step_arguments
from medzoo.models.resnet import READOUT_NAME, readout_scale


def freeze_readout(model, frozen):
    """Takes the readout of a network out of its training, or puts it back.

    Beside a linear map that fits at once the deep part would learn next to nothing.
    """
    if READOUT_NAME in [layer.name for layer in model.layers]:
        model.get_layer(READOUT_NAME).trainable = not frozen


def add_readout(model, data, recipe, *, share, penalty):
    """Fits the readout by itself, and mixes its answer with that of the deep part.

    The result answers `share` times what the ridge regression answers plus the rest
    times what the network answered before.

    Args:
        model: `ResNet3D` with a `readout_block`, trained, its readout still zero.
        data: `CaseDataset`, every kept version of its cases is a sample.
        recipe: dict, the recipe's content.
        share: float in [0, 1].
        penalty: float, the ridge penalty as a multiple of the mean squared distance
            of the samples from their mean.

    Raises:
        RecipeError: if the network has no readout, or the task is no regression.
    """
    arguments = model.get_config()
    block = arguments["readout_block"]
    if block is None or recipe["task"] != "regression":
        raise RecipeError(
            "A readout is fitted to a regression network with a readout_block. "
            f"Received: readout_block={block}, task={recipe['task']!r}. Remove "
            "readout from the training section."
        )
    samples, targets = _samples(data, block, step_arguments(recipe, "mirror"))
    weights, constant = ridge_regression(samples, targets, penalty)
    scale, offset = arguments["output_scale"], arguments["output_offset"]
    # What the network does to the means before it reads them is undone here.
    weights /= readout_scale(len(weights))
    head = model.get_layer(model.head_name)
    head.set_weights([(1 - share) * w for w in head.get_weights()])
    model.get_layer(READOUT_NAME).set_weights(
        [
            (share / scale * weights[:, None]).astype(np.float32),
            np.array([share / scale * (constant - offset)], np.float32),
        ]
    )


def ridge_regression(samples, targets, penalty):
    """Solves a ridge regression with many more features than samples.

    Args:
        samples: `(samples, features)` float array.
        targets: `(samples,)` float array.
        penalty: float, times the mean squared distance of samples from their mean.

    Returns:
        `(features,)` float64 weights, and the constant, a float, that is not
        penalised: `samples @ weights + constant` are the predictions.

    Source:
        Saunders et al., "Ridge Regression Learning Algorithm in Dual Variables"
        (1998).
    """
    targets = np.asarray(targets, np.float64)
    mean = samples.mean(0, dtype=np.float64)
    centred = samples - mean.astype(samples.dtype)
    products = (centred @ centred.T).astype(np.float64)
    size = products.trace() / len(products)
    if not size > 0:
        return np.zeros(samples.shape[1]), float(targets.mean())
    system = products + penalty * size * np.eye(len(products))
    dual = np.linalg.solve(system, targets - targets.mean())
    weights = (dual.astype(samples.dtype) @ centred).astype(np.float64)
    return weights, float(targets.mean() - mean @ weights)


def _samples(data, block, mirrored):
    """All kept versions of the cases, as the readout sees them, and their targets."""
    samples, targets = [], []
    for index in data.indices:
        for version in data.variants.versions(int(index)):
            means = block_means(version, block)
            if mirrored is not None:
                # What prediction does: the mean over both sides.
                means = (means + np.flip(means, mirrored["axis"])) / 2
            samples.append(means.ravel())
            targets.append(data.targets[index])
    return np.array(samples, np.float32), np.array(targets, np.float64)


def block_means(volume, block):
    """Averages over blocks: `(x, y, z, channels)` -> `(x / block, ..., channels)`."""
    *sizes, channels = volume.shape
    split = [n for size in sizes for n in (size // block, block)]
    return volume.reshape(*split, channels).mean((1, 3, 5), dtype=np.float32)
