"""Batch normalisation: averages re-estimated after training, or frozen."""

import keras

# Batches seen; the averages of a few hundred small batches stop moving.
NUM_BATCHES = 60


def reestimate_averages(model, data, num_batches=NUM_BATCHES):
    """Replaces the moving averages by plain averages over fresh training batches.

    Moving averages of small batches trail behind the weights and swing from epoch to
    epoch; with them the error of one model jumps between 5 and 20 years.

    Args:
        model: Keras model; only batch normalisation changes.
        data: `CaseDataset` to draw training batches from.
        num_batches: int.
    """
    layers = _batch_normalizations(model)
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    epoch = data.epoch
    for step in range(num_batches):
        if step and step % len(data) == 0:
            data.on_epoch_end()
        images, _ = data[step % len(data)]
        for layer in layers:
            # The mean over all batches so far: weights 1/1, 1/2, 1/3, ...
            layer.momentum = step / (step + 1)
        model(images, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    data.epoch = epoch


def freeze_normalizations(model):
    """Freezes all batch normalisation: it uses and keeps its averages.

    Fine-tuning on a few cases sees too few batches to measure new ones: the weights
    then move, the averages trail behind, and what `fit` makes better for the batch at
    hand comes out 50 years off at prediction.

    Source: the guide "Transfer learning and fine-tuning" of Keras.
    """
    for layer in _batch_normalizations(model):
        layer.trainable = False


def _batch_normalizations(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
