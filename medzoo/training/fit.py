"""One resumable training of one network on one data set."""

from functools import partial
from pathlib import Path

import keras

from medzoo.data.feeds.prefetch import Prefetch
from medzoo.errors import Terminated
from medzoo.training.checkpoint import Checkpoints, load_newest
from medzoo.training.devices import OneDevice
from medzoo.training.epochs import Epochs
from medzoo.training.history import History
from medzoo.training.log_lines import EpochFacts, LogLine
from medzoo.training.network import single_network
from medzoo.training.normalization import reestimate_averages
from medzoo.training.objective import make_loss, make_metrics
from medzoo.training.optimizer import make_optimizer
from medzoo.training.readout import add_readout, freeze_readout
from medzoo.training.settings import TrainingSettings
from medzoo.training.summaries import summary_writer
from medzoo.training.validation import Validation


def fit(
    recipe,
    data,
    folder,
    *,
    log=None,
    checkpoint_every=1,
    measure=None,
    start=None,
    workers=None,
    devices=None,
):
    """Trains a single network (a member, where the recipe is an ensemble).

    Args:
        recipe: dict, the recipe's content.
        data: a `keras.utils.PyDataset` with an attribute `epoch`, such as
            `medzoo.data.feeds.case_dataset.CaseDataset`.
        folder: path, checkpoints; an earlier run there is resumed.
        log: callable taking a line, or None.
        checkpoint_every: int, epochs.
        measure: callable or None, see `medzoo.training.validation.Validation`: with it
            the best of the measured weights are returned, and the recipe's `patience`
            stops early. It is called as `measure(model, writer=...)`, with a
            `SummaryWriter` or None.
        start: path of a weights file to start from, or None for fresh weights. The
            readout that it has is trained like the rest, and no other is fitted.
        workers: int or None, threads that make batches, which do not depend on it; see
            `medzoo.data.feeds.prefetch.Prefetch`.
        devices: as `medzoo.training.device_choice.devices_of` gives, or None for one;
            what is trained, and with it a checkpoint, does not depend on their number,
            but for rounding and the draws of dropout.

    Returns:
        float32 Keras model with the trained weights.

    Raises:
        Terminated: after SIGTERM, when the state is saved.
    """
    settings = TrainingSettings.from_recipe(recipe)
    devices = devices or OneDevice()
    with devices.scope():
        model = _compiled(recipe, settings, len(data), start)
    make = partial(single_network, recipe, dtype=settings.dtype)
    alone = partial(devices.alone, make=make)
    facts = load_newest(folder, model, model.optimizer)
    done = data.epoch = facts.get("epochs_done", 0)
    checkpoints = Checkpoints(folder, checkpoint_every, facts, devices.agree)
    epochs = Epochs(model, Prefetch(data, workers), devices.stepper(model))
    validation = None
    if measure is not None:
        validation = make_validation(settings, data, measure, folder, log, alone)
    # A checkpoint last, so that it is written when what was measured is kept.
    callbacks = [History(folder, done, epochs, validation), checkpoints]
    if validation is not None:
        callbacks.insert(0, validation)
    if log is not None:
        callbacks.append(_Log(log, settings.epochs, epochs))
    if facts.get("enough") or done >= settings.epochs:
        epochs.over(done)
    else:
        with checkpoints.until_terminated():
            epochs.run(done, settings.epochs, callbacks)
        if checkpoints.stopped:
            raise Terminated
    if validation is not None:
        validation.restore(model)
    model = alone(model)
    reestimate_averages(model, data)
    freeze_readout(model, False)
    final = single_network(recipe)
    final.set_weights(model.get_weights())
    if settings.readout is not None and start is None:
        add_readout(final, data, recipe, **settings.readout)
    return final


def _compiled(recipe, settings, steps_per_epoch, start):
    """The network with fresh or given weights and its optimizer, ready to train."""
    keras.utils.set_random_seed(settings.seed)
    model = single_network(recipe, dtype=settings.dtype)
    if start is not None:
        model.load_weights(start)
    # One that is fitted afterwards must not be trained; one that is there goes on.
    freeze_readout(model, settings.readout is not None and start is None)
    model.rematerialize = settings.rematerialize
    optimizer = make_optimizer(settings, steps_per_epoch)
    model.compile(optimizer, make_loss(recipe), metrics=make_metrics(recipe))
    optimizer.build(model.trainable_variables)
    return model


def make_validation(settings, data, measure, folder, log, alone=None):
    """Returns the `Validation` of a run, with its TensorBoard logs in `folder`."""
    writer = summary_writer(Path(folder) / "tensorboard", log)
    return Validation(
        data,
        partial(measure, writer=writer),
        folder,
        epochs=settings.epochs,
        every=settings.validate_every,
        patience=settings.patience,
        writer=writer,
        log=log,
        alone=alone,
    )


class _Log(keras.callbacks.Callback):
    def __init__(self, log, total, epochs):
        super().__init__()
        self.log = log
        self.total = total
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        found = {name: float(value) for name, value in (logs or {}).items()}
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in found.items())
        rate = float(self.model.optimizer.learning_rate)
        seconds, waited = self.epochs.seconds, self.epochs.waited
        text = (
            f"epoch {epoch + 1}/{self.total}: {numbers}, {seconds:.1f} s, "
            f"of which {waited:.1f} s waiting for input"
        )
        facts = EpochFacts(epoch + 1, self.total, found, rate, seconds)
        self.log(LogLine(text, facts))
