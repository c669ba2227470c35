"""Validation on whole cases: logs, TensorBoard and early stopping."""

import json
import warnings
from pathlib import Path

import keras
import numpy as np

from medzoo.errors import MedzooWarning
from medzoo.files import replace_atomically
from medzoo.training.checkpoint import DAMAGED, read_arrays
from medzoo.training.log_lines import LogLine, ValidationFacts
from medzoo.training.normalization import reestimate_averages
from medzoo.training.optimizer import keeps_average, take_averages

BEST_FILE = "best.npz"
# Enough to rank epochs by; the averages that are published see more.
NUM_BATCHES = 20


class Validation(keras.callbacks.Callback):
    """Validates after epochs, keeps the best weights, stops early.

    What is measured is what the training would end up with now: averaged weights where
    the optimizer keeps some, and averages of batch normalisation estimated afresh.

    Args:
        data: the training's data set, for those averages.
        measure: callable taking the Keras model, returning dict of str -> float; the
            first is the score, the larger the better.
        folder: path, where the best weights and the history are kept.
        every: int, epochs between measurements; the last epoch is always measured.
            Defaults to 1.
        epochs: int, of the whole training.
        patience: int or None, epochs without a better score after which training
            stops; None never does.
        writer: `SummaryWriter` or None.
        log: callable taking a line, or None.
        alone: callable that gives the model on one device, see
            `medzoo.training.devices`, or None where it is on one.
    """

    def __init__(
        self,
        data,
        measure,
        folder,
        *,
        epochs,
        every=1,
        patience=None,
        writer=None,
        log=None,
        alone=None,
    ):
        super().__init__()
        self.alone = alone or _unchanged
        self.data = data
        self.measure = measure
        self.folder = Path(folder)
        self.every = every
        self.epochs = epochs
        self.patience = patience
        self.writer = writer
        self.log = log
        # What was measured after the last epoch; empty where it was not.
        self.found = {}
        self.best = -np.inf
        self.best_epoch = 0
        self._resume()

    def on_epoch_end(self, epoch, logs=None):
        """Keras calls this."""
        number = epoch + 1
        if self.writer is not None:
            self.writer.scalars(logs or {}, number)
        self.found = {}
        if number % self.every and number != self.epochs:
            return
        found = self.found = self._measured()
        if self.writer is not None:
            self.writer.scalars(found, number)
        name, score = next(iter(found.items()))
        if self.log is not None:
            numbers = ", ".join(f"{k} {v:.4g}" for k, v in found.items())
            text = f"epoch {number}, validation: {numbers}"
            self.log(LogLine(text, ValidationFacts(number, dict(found))))
        if score > self.best:
            self.best, self.best_epoch = float(score), number
            self._keep(name)
        elif self.patience is not None and number - self.best_epoch >= self.patience:
            self.model.stop_training = True
            if self.log is not None:
                self.log(f"no better {name} since epoch {self.best_epoch}: stopped")

    def restore(self, model):
        """Restores the best weights, if any were measured."""
        path = self.folder / BEST_FILE
        if path.is_file():
            with np.load(path, allow_pickle=False) as kept:
                names = [f"weight_{i}" for i in range(len(model.weights))]
                model.set_weights([kept[name] for name in names])

    def _measured(self):
        optimizer, variables = self.model.optimizer, self.model.trainable_variables
        averaged = keeps_average(optimizer)
        raw = [keras.ops.convert_to_numpy(v) for v in variables] if averaged else []
        take_averages(optimizer, variables)
        model = self.alone(self.model)
        # Training itself never looks at these averages, so they may stay.
        reestimate_averages(model, self.data, NUM_BATCHES)
        self._weights = model.get_weights()
        try:
            return self.measure(model)
        finally:
            for variable, value in zip(variables, raw, strict=averaged):
                variable.assign(value)

    def _keep(self, name):
        arrays = {f"weight_{i}": w for i, w in enumerate(self._weights)}
        facts = {"score": self.best, "metric": name, "epoch": self.best_epoch}
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / BEST_FILE
        with replace_atomically(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)

    def _resume(self):
        path = self.folder / BEST_FILE
        if path.is_file():
            try:
                arrays = read_arrays(path)
                facts = json.loads(arrays["facts"].tobytes())
                self.best, self.best_epoch = facts["score"], facts["epoch"]
            except DAMAGED as error:
                warnings.warn(
                    f"The best weights must be intact, in {path}. "
                    f"Received: {type(error).__name__}: {error}. They are removed; "
                    "the best epoch is searched anew from here.",
                    MedzooWarning,
                    stacklevel=2,
                )
                path.unlink()


def _unchanged(model):
    return model
