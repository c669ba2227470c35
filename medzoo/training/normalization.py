"""Averages of batch normalisation, measured again once training is over."""

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
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
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
