"""Losses and metrics on fixed data, with their gradients, as one JSON line.

Run by itself it uses the backend that KERAS_BACKEND names.
"""

import json
import sys

import keras
import numpy as np

from medzoo import losses, metrics


def data():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, (2, 12, 12, 12))
    logits = rng.normal(size=(2, 12, 12, 12, 3)).astype("f4")
    return labels, logits


def numbers():
    """Returns name -> float of every loss, metric, and of a step of training."""
    labels, logits = data()
    made = {
        "balanced": losses.BalancedCrossentropy(),
        "dice": losses.Dice(squared=True, only_present=True),
        "dice, batch": losses.Dice(per_sample=False, class_weights=[1, 2, 3]),
        "generalized": losses.GeneralizedDice(),
        "generalized, batch": losses.GeneralizedDice(per_sample=False),
        "median": losses.MedianFrequencyCrossentropy([1.0, 2.0, 3.0]),
        "sum": losses.DiceCrossentropy(include_background=False),
    }
    weight = np.linspace(0, 1, labels.size, dtype="f4").reshape(labels.shape)
    found = {}
    for name, loss in made.items():
        found[name] = float(loss(labels, logits, weight))
        found[f"{name}, after a step"] = after_a_step(loss, labels, logits)
    images = logits, 1.1 * logits + 0.1
    for metric, pair in (
        (metrics.DiceScore(3), (labels, logits)),
        (metrics.DiceScore(3, per_volume=False), (labels, logits)),
        (metrics.AbsoluteVolumeDifference(3), (labels, logits)),
        (metrics.PSNR(4.0), images),
        (metrics.SSIM3D(4.0), images),
    ):
        metric.update_state(*pair)
        key = f"{type(metric).__name__} {metric.get_config()}"
        found[key] = float(keras.ops.convert_to_numpy(metric.result()))
    return found


def after_a_step(loss, labels, logits):
    """The loss that `fit` reports after one compiled step from fixed weights."""
    inputs = keras.Input((12, 12, 12, 3))
    outputs = keras.layers.Conv3D(3, 1, kernel_initializer="ones")(inputs)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.5), loss, metrics=[metrics.DiceScore(3)])
    history = model.fit(logits, labels[..., None], epochs=2, shuffle=False, verbose=0)
    return float(history.history["loss"][-1])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(numbers()))
