"""Steps on one device and on several of this process; started by test_devices.py."""

import csv
import json
import os
import sys

import keras
import numpy as np

# Of a step that eight devices share, of ones that they part unevenly, of a last one.
SIZES = (8, 8, 6, 7, 8, 1)
STEPS = 20


def eight_processors():
    """Makes eight devices of this processor, before the backend starts."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        (processor,) = tf.config.list_physical_devices("CPU")
        eight = [tf.config.LogicalDeviceConfiguration()] * 8
        tf.config.set_logical_device_configuration(processor, eight)


def network(segments):
    """A small network with batch normalisation; of voxels or of a number a volume."""
    images = keras.Input((4, 4, 4, 1))
    x = keras.layers.Conv3D(3, 3, padding="same", use_bias=False)(images)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.8)(x))
    if not segments:
        x = keras.layers.GlobalAveragePooling3D()(x)
    return keras.Model(images, keras.layers.Dense(3 if segments else 1)(x))


def batches(segments):
    """20 batches of different sizes, whose samples differ much."""
    generator = np.random.default_rng(0)
    for step in range(STEPS):
        size = SIZES[step % len(SIZES)]
        images = generator.normal(size=(size, 4, 4, 4, 1)).astype("float32")
        images *= generator.uniform(0.2, 3, (size, 1, 1, 1, 1)).astype("float32")
        if segments:
            # Few voxels of the last class, and volumes without it.
            labels = (images[..., 0] > 0).astype("int32") + (images[..., 0] > 4)
            yield images, labels.astype("int32")
        else:
            yield images, images.std((1, 2, 3)) * 3


def trained(devices, settings, loss=None):
    """Losses of all steps, and all variables at the end."""
    from medzoo.training.optimizer import make_optimizer, take_averages
    from medzoo.training.settings import TrainingSettings, loss_from_settings

    settings = TrainingSettings(**settings, loss=loss)
    with devices.scope():
        keras.utils.set_random_seed(0)
        model = network(segments=loss is not None)
        optimizer = make_optimizer(settings, 5)
        compared = loss_from_settings(loss or {"class": "MeanSquaredError"})
        model.compile(optimizer, compared, metrics=[] if loss else ["mae"])
        optimizer.build(model.trainable_variables)
    step = devices.stepper(model)
    logs = [step(batch) for batch in batches(loss is not None)]
    assert all(set(log) == set(logs[0]) for log in logs)
    losses = [list(log.values()) for log in logs]
    # As a checkpoint has them, then what a training ends up with.
    state = [
        keras.ops.convert_to_numpy(v) for v in (*model.variables, *optimizer.variables)
    ]
    take_averages(optimizer, model.trainable_variables)
    alone = devices.alone(model, lambda: network(segments=loss is not None))
    counted = keras.ops.convert_to_numpy(alone.optimizer.iterations)
    assert int(counted) == STEPS // settings.gradient_accumulation
    return losses, [*state, *alone.get_weights()]


def differences(count, settings, loss=None):
    """Largest differences between one device and several, and the first losses."""
    from medzoo.training.device_choice import devices_of
    from medzoo.training.devices import OneDevice

    one, own = trained(OneDevice(), settings, loss)
    several, other = trained(devices_of(count), settings, loss)
    return {
        "loss": float(np.abs(np.subtract(one, several)).max()),
        "state": farthest(own, other),
        "losses": np.ravel(one).tolist(),
    }


class StoppedError(Exception):
    """Stands for a signal that no process survives."""


def resumed(study, folder):
    """Differences between folds on one device, and ones that change devices."""
    from medzoo.training.train import train
    from tests.training.conftest import tiny_recipe, without_augmentation

    recipe = without_augmentation(tiny_recipe(epochs=2, ema_momentum=0.5))
    member = recipe["architecture"]["arguments"]["member"]["arguments"]
    # Draws of dropout are a device's own.
    member.update(dropout_rate=0.0, normalization="batch", filters=[2, 3])
    lines = []

    def stop(line):
        lines.append(str(line))
        if "fold 1" in line and "epoch 1" in line:
            raise StoppedError

    train(recipe, study, f"{folder}/one")
    stopped = False
    try:
        train(recipe, study, f"{folder}/other", devices=3, log=stop)
    except StoppedError:
        stopped = True
    train(recipe, study, f"{folder}/other", devices=2, log=lines.append)
    return {
        "stopped": stopped,
        "said": [line.partition(":")[0] for line in lines if " devices:" in line],
        "weights": farthest(*(weights_in(f"{folder}/{n}") for n in ("one", "other"))),
        "out_of_fold": farthest(
            *(predictions_in(f"{folder}/{n}") for n in ("one", "other"))
        ),
    }


def weights_in(folder):
    """The weights of a model folder."""
    from medzoo.zoo.load import load

    return load(folder).get_weights()


def predictions_in(folder):
    """The out-of-fold predictions of a model folder."""
    with open(f"{folder}/out_of_fold.csv", newline="") as file:
        return [np.array([float(row["prediction"]) for row in csv.DictReader(file)])]


def farthest(one, other):
    """The largest difference between two lists of arrays."""
    pairs = zip(one, other, strict=True)
    return max(float(np.max(np.abs(a - b), initial=0)) for a, b in pairs)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    eight_processors()
    what, *arguments = sys.argv[1:]
    if what == "steps":
        found = [differences(*case) for case in json.loads(*arguments)]
    else:
        found = resumed(*arguments)
    sys.stdout.write(json.dumps(found) + "\n")
