"""A trial: the decoder's finest shortcut 27 times cheaper, by distillation.

    python cheaper_shortcuts.py MANUAL.csv SILVER.csv LABEL_MAPS RUN

The convolution of that shortcut, 3 x 3 x 3 from 112 to 48 channels, is 22 % of the
network's operations, yet all but 2 % of what it gives comes from the voxel itself. It
becomes one of 1 x 1 x 1, fitted to it by least squares. Then the decoder learns to give
the features and probabilities that the whole network gives, on the patches that it was
trained on, without labels. The encoder and the averages of batch normalisation stay as
they are. Writes RUN/model.weights.h5 and prints, for patches of the validation split,
how many voxels get another class than from the whole network. Arguments are those of
train.py. 400 steps of 6 s on two cores, after 6 minutes in which scans are prepared.

Source: Hinton et al., "Distilling the Knowledge in a Neural Network" (2015); Romero et
al., "FitNets: Hints for Thin Deep Nets" (2015).
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops
from train import FOLDER, PHASES, sources_of, write_start, write_table

import medzoo
from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.image_cases import image_cases
from medzoo.models.from_recipe import build_model
from medzoo.training.segmentation import SegmentationTraining

FINEST = "decoder0_unit1_shortcut_conv"
STEPS, WARM_UP, RATE, SEED = 400, 30, 3e-4, 11
# Patches that the least squares are of.
FITTED_ON = 24
FEATURE_WEIGHT, OUTPUT_WEIGHT = 0.3, 10.0
# Voxels of a class below which it gets no more weight.
LEAST_VOXELS = 100.0
RIDGE = 1e-4
NUM_COMPARED = 12


def main(manual, silver, label_maps, run):
    """Distils and prints how far the two networks differ."""
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    rows = [row for part in sources_of(manual, silver, label_maps) for row in part]
    write_start(run / "start", PHASES[-1], None)
    recipe = json.loads((run / "start" / "recipe.json").read_text(encoding="utf-8"))
    recipe["training"] |= {"batch_size": 1, "steps_per_epoch": STEPS}
    recipe, cases = image_cases(write_table(run / "cases.csv", rows), recipe)
    training = SegmentationTraining(recipe)
    keeping = {"mode": "cached", "folder": run / "prepared"}
    training.prepare(cases, keeping, tables=FOLDER, log=say)
    inside, held_out = named_split(cases, recipe)
    whole = medzoo.load(FOLDER)
    recipe["architecture"]["arguments"]["shortcut_kernel_size"] = [1, 3, 3]
    cheaper = build_model({**recipe, "weights": None})
    distil(whole, cheaper, training.dataset(inside, SEED))
    cheaper.save_weights(run / "model.weights.h5")
    compare(whole, cheaper, training.dataset(held_out, SEED), recipe["channels"])


def compare(whole, cheaper, patches, channels):
    """Prints of each patch which channels it has and how many classes differ."""
    for number in range(NUM_COMPARED):
        image = patches[number][0]
        marks = image[0, 0, 0, 0, len(channels) :] > 0
        names = [c["name"] for c, there in zip(channels, marks, strict=True) if there]
        one, other = (
            ops.convert_to_numpy(model(image, training=False)).argmax(-1)
            for model in (whole, cheaper)
        )
        say(f"{' and '.join(names)}: {100 * np.mean(one != other):.1f} % differ")


def distil(whole, cheaper, patches):
    """Trains a network with a cheaper shortcut to predict what another one does.

    Args:
        whole: `ResidualUNet3D`, the trained network.
        cheaper: likewise, of `shortcut_kernel_size` [1, 3, 3], any weights; changed.
        patches: PyDataset of STEPS batches, whose first part is
            `(1, x, y, z, channels)`.
    """
    for layer in whole.layers:
        own = cheaper.get_layer(layer.name)
        own.trainable = layer.name.startswith(("decoder", "last", "head"))
        if layer.name != FINEST:
            own.set_weights(layer.get_weights())
    cheaper.get_layer(FINEST).set_weights([fitted(whole, patches)])
    encoded, taught = ends(whole)
    learn_from = keras.Model(whole.input, [*encoded, *taught])
    learn_from.trainable = False
    images = keras.Input(patches[0][0].shape[1:])
    given = Steady(learn_from)(images)
    found = Steady(keras.Model(*ends(cheaper)))(given[: len(encoded)])
    joint = keras.Model(images, Distance()(given[len(encoded) :], found))
    rate = keras.optimizers.schedules.CosineDecay(
        RATE / 10, STEPS - WARM_UP, 0.01, warmup_target=RATE, warmup_steps=WARM_UP
    )
    joint.compile(keras.optimizers.Adam(rate, clipnorm=1.0), jit_compile=False)
    joint.fit(Images(patches), shuffle=False, verbose=2)
    cheaper.trainable = True


def fitted(whole, patches):
    """Returns the 1 x 1 x 1 kernel next to a shortcut's, by ridge regression."""
    layer = whole.get_layer(FINEST)
    both = keras.Model(whole.input, [layer.input, layer.output])
    squares, products = 0.0, 0.0
    for number in range(FITTED_ON):
        parts = both(patches[number][0], training=False)
        x, y = (
            ops.convert_to_numpy(part).reshape(-1, part.shape[-1]).astype(np.float64)
            for part in parts
        )
        squares, products = squares + x.T @ x, products + x.T @ y
    count = len(squares)
    penalty = RIDGE * np.trace(squares) / count * np.eye(count)
    kernel = np.linalg.solve(squares + penalty, products)
    return kernel.astype(np.float32)[None, None, None]


def ends(model):
    """Returns what the decoder is given, and the ends of its scales with the logits."""
    names = sorted(x.name for x in model.layers if x.name.endswith("_concat"))
    scales = [name.removesuffix("_concat") for name in names]
    encoded = [model.get_layer(name).input[0] for name in names]
    encoded.append(model.get_layer(f"{scales[-1]}_up").input)
    decoded = [model.get_layer(f"{scale}_unit1_add").output for scale in scales]
    return encoded, [*decoded, model.get_layer("subvoxels").output]


class Steady(keras.layers.Layer):
    """A model whose batch normalisation uses its averages, in training too."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs):
        """See `keras.layers.Layer`."""
        return self.inner(inputs, training=False)


class Distance(keras.layers.Layer):
    """The loss: how far features and class probabilities are from those given.

    Every class counts by the square root of its volume: lesions are small.
    """

    def call(self, given, found):
        """See `keras.layers.Layer`."""
        *features, logits = found
        *expected, truth = given
        for own, other in zip(features, expected, strict=True):
            spread = ops.mean(ops.var(other, axis=(0, 1, 2, 3)))
            self.add_loss(FEATURE_WEIGHT * ops.mean((own - other) ** 2) / spread)
        share = ops.softmax(truth)
        gap = ops.log_softmax(truth) - ops.log_softmax(logits)
        divergence = ops.sum(share * gap, axis=-1)
        volume = ops.sum(share, axis=(0, 1, 2, 3), keepdims=True)
        weight = ops.sum(share / ops.sqrt(ops.maximum(volume, LEAST_VOXELS)), axis=-1)
        loss = ops.mean(weight / ops.mean(weight) * divergence)
        self.add_loss(OUTPUT_WEIGHT * loss)
        return loss


class Images(keras.utils.PyDataset):
    """Patches without their labels."""

    def __init__(self, patches):
        super().__init__()
        self.patches = patches

    def __len__(self):
        return len(self.patches)

    def __getitem__(self, number):
        return (self.patches[number][0],)


def say(line):
    """Prints a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
