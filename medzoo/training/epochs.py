"""Epochs of training: batches in, steps, callbacks."""

from time import perf_counter

import keras

from medzoo.training.devices import OneDevice
from medzoo.training.optimizer import take_averages


class Epochs:
    """Trains a compiled model on a feed, as `keras.Model.fit` does.

    `fit` fetches batches inside its compiled step, where nobody sees how long the step
    waits for them. Here the wait is measured.

    Args:
        model: Keras model, compiled.
        feed: `medzoo.data.feeds.prefetch.Prefetch` over a data set with an
            attribute `epoch`.
        step: callable that takes a batch and returns its loss and metrics, see
            `medzoo.training.devices`; None for the model's own `train_on_batch`.

    Attributes:
        seconds: float, of the last epoch's steps.
        waited: float, seconds of these in which a step waited for its batch.
    """

    def __init__(self, model, feed, step=None):
        self.model = model
        self.step = step or OneDevice().stepper(model)
        self.feed = feed
        self.seconds = self.waited = 0.0

    def run(self, first, last, callbacks):
        """Trains from epoch `first` up to, but without, `last`.

        Args:
            first: int, counted from 0; the data set's draws follow from it.
            last: int.
            callbacks: list of `keras.callbacks.Callback`.
        """
        model = self.model
        callbacks = keras.callbacks.CallbackList(
            callbacks, model=model, epochs=last, steps=len(self.feed)
        )
        model.stop_training = False
        # As `fit` counts: draws of the first epoch are those of number 1.
        self.feed.data.epoch = first + 1
        callbacks.on_train_begin()
        logs = {}
        for epoch in range(first, last):
            callbacks.on_epoch_begin(epoch)
            logs = self._epoch(callbacks)
            self.feed.data.on_epoch_end()
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        if last > first:
            # With moving averages of the weights these become the weights.
            take_averages(model.optimizer, model.trainable_weights)
        callbacks.on_train_end(logs)

    def over(self, done):
        """Sets model and feed to their state after epoch `done`, without training.

        For a run that was stopped behind its last epoch: what comes after, averages of
        normalisation above all, must follow from the same draws and weights.
        """
        self.feed.data.epoch = done + 1
        if done:
            take_averages(self.model.optimizer, self.model.trainable_weights)

    def _epoch(self, callbacks):
        started = perf_counter()
        sums, seen = {}, 0
        for number, batch in enumerate(self.feed):
            callbacks.on_train_batch_begin(number)
            logs = self.step(batch)
            callbacks.on_train_batch_end(number, logs)
            # Keras starts anew with every batch; an epoch's numbers are the means.
            size = len(keras.tree.flatten(batch[0])[0])
            seen += size
            for name, value in logs.items():
                sums[name] = sums.get(name, 0.0) + size * float(value)
        self.seconds, self.waited = perf_counter() - started, self.feed.waited
        return {name: total / seen for name, total in sums.items()}
