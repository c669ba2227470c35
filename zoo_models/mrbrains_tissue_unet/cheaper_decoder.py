"""A trial: a finest decoder unit with a third of the operations, by distillation.

    python cheaper_decoder.py MANUAL.csv SILVER.csv LABEL_MAPS RUN

The first convolution of that unit and its shortcut, 3 x 3 x 3 from 112 to 48 channels,
are 44 % of the network's operations. Yet all but 1 % of what the first one gives comes
from the 48 channels of the encoder and, of the upsampled ones, from the voxel itself;
all but 2 % of what the shortcut gives comes from the voxel itself. So the unit becomes
a `joining="summed"` of `ResidualUNet3D`, its kernels fitted by least squares. Then
the decoder learns to give the features and probabilities that the whole network gives,
on the patches that it was trained on, without labels. The encoder and the averages of
batch normalisation stay as they are. Writes RUN/model.weights.h5 and prints, for
patches of the validation split, how many voxels get another class than from the whole
network. Arguments are those of train.py. Scans are prepared in 6 minutes; a step takes
6 s on two cores.

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

UNIT = "decoder0_unit1"
# Ends of the encoder's scales, the finest first.
ENCODER = ("stem_conv", "scale1_unit1_add", "scale2_unit1_add", "scale3_unit1_add")
JOINING = ["summed", "concatenated", "concatenated"]
# How often each channel of three stays: T1-IR alone must not be rare.
CHANNEL_RATES = [0.55, 0.4, 0.55]
STEPS, WARM_UP, RATE, SEED = 400, 30, 3e-4, 11
# Patches that the least squares are of, and the share of their voxels.
FITTED_ON, SHARE = 24, 0.2
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
    recipe["training"]["options"]["channel_rates"] = CHANNEL_RATES
    recipe, cases = image_cases(write_table(run / "cases.csv", rows), recipe)
    training = SegmentationTraining(recipe)
    keeping = {"mode": "cached", "folder": run / "prepared"}
    training.prepare(cases, keeping, tables=FOLDER, log=say)
    inside, held_out = named_split(cases, recipe)
    whole = medzoo.load(FOLDER)
    recipe["architecture"]["arguments"]["joining"] = JOINING
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
        cheaper: likewise, with JOINING, any weights; changed.
        patches: PyDataset of STEPS batches, whose first part is
            `(1, x, y, z, channels)`.
    """
    bring_weights(whole, cheaper)
    fit_kernels(whole, cheaper, patches)
    for layer in cheaper.layers:
        layer.trainable = layer.name.startswith(("decoder", "last", "head"))
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


def bring_weights(whole, cheaper):
    """Copies all weights but those of the convolutions that become others."""
    skipped = whole.get_layer("decoder0_concat").input[0].shape[-1]
    parts = {"fine": slice(None, skipped), "coarse": slice(skipped, None)}
    names = {layer.name for layer in cheaper.layers}
    for layer in whole.layers:
        if layer.name in names:
            cheaper.get_layer(layer.name).set_weights(layer.get_weights())
    for part, channels in parts.items():
        # Gain, offset, mean and variance of each channel.
        given = whole.get_layer(f"{UNIT}_1_norm").get_weights()
        own = cheaper.get_layer(f"{UNIT}_1_{part}_norm")
        own.set_weights([value[channels] for value in given])


def fit_kernels(whole, cheaper, patches):
    """Sets the kernels nearest to what the whole unit's two convolutions do."""
    first, shortcut = (whole.get_layer(f"{UNIT}_{n}_conv") for n in ("1", "shortcut"))
    ends_of_both = [layer.input for layer in (first, shortcut)]
    ends_of_both += [layer.output for layer in (first, shortcut)]
    read = keras.Model(whole.input, ends_of_both)
    skipped = whole.get_layer(ENCODER[0]).output.shape[-1]
    generator = np.random.default_rng(SEED)
    fits = Fit(), Fit()
    for number in range(FITTED_ON):
        found = read(patches[number][0], training=False)
        before, plain, *after = (ops.convert_to_numpy(part)[0] for part in found)
        inner = (slice(1, -1),) * 3
        chosen = generator.random(np.array(before.shape[:3]) - 2) < SHARE
        around = [part[chosen] for part in neighbours(before[..., :skipped])]
        around.append(before[inner][chosen][:, skipped:])
        features = np.concatenate(around, axis=-1), plain[inner][chosen]
        for fit, x, y in zip(fits, features, after, strict=True):
            fit.add(x, y[inner][chosen])
    for fit, name, size in zip(fits, ("1", "shortcut"), (3, 1), strict=True):
        kernel = fit.kernel()
        seen = size**3 * skipped
        fine = kernel[:seen].reshape(size, size, size, skipped, -1)
        cheaper.get_layer(f"{UNIT}_{name}_fine_conv").set_weights([fine])
        coarse = kernel[seen:][None, None, None]
        cheaper.get_layer(f"{UNIT}_{name}_coarse_conv").set_weights([coarse])


class Fit:
    """A ridge regression of samples that come in parts."""

    def __init__(self):
        self.squares = self.products = 0.0

    def add(self, x, y):
        """Adds samples, `(samples, features)` and `(samples, outputs)`."""
        x = x.astype(np.float64)
        self.squares = self.squares + x.T @ x
        self.products = self.products + x.T @ y

    def kernel(self):
        """Returns the coefficients, `(features, outputs)` float32."""
        count = len(self.squares)
        penalty = RIDGE * np.trace(self.squares) / count * np.eye(count)
        return np.linalg.solve(self.squares + penalty, self.products).astype("f4")


def neighbours(array):
    """What lies about the inner voxels, in the order of a kernel's places."""
    sizes = np.array(array.shape[:3]) - 2
    return [
        array[tuple(slice(a, a + n) for a, n in zip(place, sizes, strict=True))]
        for place in np.ndindex(3, 3, 3)
    ]


def ends(model):
    """Returns what the decoder is given, and the ends of its scales with the logits."""
    encoded = [model.get_layer(name).output for name in ENCODER]
    decoded = [model.get_layer(f"decoder{n}_unit1_add").output for n in range(3)]
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
