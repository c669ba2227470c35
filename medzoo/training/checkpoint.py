"""Checkpoints: the whole state of a training, so that resuming changes no result."""

import json
import signal
import struct
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import keras
import numpy as np

from medzoo.errors import IntegrityError, MedzooWarning
from medzoo.files import replace_atomically

NUM_KEPT = 2
# What numpy and zipfile raise for a file that was cut, emptied or changed.
DAMAGED = (
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def save_state(path, model, optimizer, facts):
    """Saves the variables of model and optimizer, and `facts`, atomically.

    Args:
        path: path ending in .npz.
        model: Keras model; its seed generators are among its variables.
        optimizer: Keras optimizer, built.
        facts: dict, plain JSON (epoch, history, ...).
    """
    arrays = {
        **{
            f"model_{i}": keras.ops.convert_to_numpy(v)
            for i, v in enumerate(model.variables)
        },
        **{
            f"optimizer_{i}": keras.ops.convert_to_numpy(v)
            for i, v in enumerate(optimizer.variables)
        },
        "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_atomically(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_arrays(path):
    """Returns all arrays of an .npz, so that damage is found before any is used.

    Raises:
        One of `DAMAGED`: for a file that was cut, emptied or changed.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except RuntimeError as error:
        # What zipfile says of a bit that means "encrypted".
        raise zipfile.BadZipFile(str(error)) from error


def load_state(path, model, optimizer):
    """Restores a checkpoint; returns its facts.

    Raises:
        IntegrityError: if the file does not fit the model.
    """
    arrays = read_arrays(path)
    facts = json.loads(arrays["facts"].tobytes())
    for kind, variables in (
        ("model", model.variables),
        ("optimizer", optimizer.variables),
    ):
        count = sum(name.startswith(f"{kind}_") for name in arrays)
        shapes = [arrays[f"{kind}_{i}"].shape for i in range(count)]
        if shapes != [tuple(v.shape) for v in variables]:
            raise IntegrityError(
                f"A checkpoint must fit the model in {path}. Received: other "
                f"{kind} variables. Use another output folder for another recipe."
            )
        for i, variable in enumerate(variables):
            variable.assign(arrays[f"{kind}_{i}"])
    return facts


def load_newest(folder, model, optimizer):
    """Restores the newest intact checkpoint of a folder.

    Args:
        folder: path.
        model: Keras model.
        optimizer: Keras optimizer, built.

    Returns:
        The facts stored with it; an empty dict where there is none. A damaged one is
        warned of, removed, and the one before it used.

    Raises:
        IntegrityError: if it is of another model.
    """
    for path in reversed(_checkpoints(folder)):
        try:
            return load_state(path, model, optimizer)
        except DAMAGED as error:
            warnings.warn(
                f"A checkpoint must be intact, in {path}. Received: "
                f"{type(error).__name__}: {error}. It is removed, and training "
                "resumes from the previous one.",
                MedzooWarning,
                stacklevel=2,
            )
            path.unlink()
    return {}


def _checkpoints(folder):
    """Paths of all checkpoints of a folder, the newest last."""
    # By number: as text epoch-100000 lies before epoch-99999.
    paths = [p for p in Path(folder).glob("epoch-*.npz") if p.stem[6:].isdecimal()]
    return sorted(paths, key=lambda path: int(path.stem[6:]))


class Checkpoints(keras.callbacks.Callback):
    """Keeps the last two epochs in a folder; SIGTERM ends after the running epoch.

    Args:
        folder: path.
        every: int, epochs between checkpoints. Defaults to 1.
        facts: dict to store along, extended by the epoch and its logs.
        agree: callable, flag -> whether it is set in any process that trains, see
            `medzoo.training.devices`. Defaults to this process alone.
    """

    def __init__(self, folder, every=1, facts=None, agree=bool):
        super().__init__()
        self.agree = agree
        self.folder = Path(folder)
        self.every = every
        self.history = list((facts or {}).get("history", []))
        self.stopped = False
        self._listen = None

    def on_train_batch_end(self, batch, logs=None):
        """Keras calls this: listens again."""
        # Others may have put the default back, as an event loop of asyncio does that
        # had a handler of its own, when it is collected.
        if self._listen is not None:
            self._listen()

    def on_epoch_end(self, epoch, logs=None):
        """Keras calls this: saves, and ends the training after SIGTERM."""
        self.history.append({k: float(v) for k, v in (logs or {}).items()})
        # A validation before this callback may have found that more will not help.
        enough = self.agree(self.model.stop_training)
        self.stopped = self.agree(self.stopped)
        if (epoch + 1) % self.every == 0 or self.stopped or enough:
            facts = {"epochs_done": epoch + 1, "history": self.history}
            facts["enough"] = enough
            path = self.folder / f"epoch-{epoch + 1:05d}.npz"
            save_state(path, self.model, self.model.optimizer, facts)
            for old in _checkpoints(self.folder)[:-NUM_KEPT]:
                old.unlink()
        self.model.stop_training = enough or self.stopped

    @contextmanager
    def until_terminated(self):
        """Context in which SIGTERM stops the training after the running epoch."""

        def stop(number, frame):
            self.stopped = True

        previous = signal.signal(signal.SIGTERM, stop)
        self._listen = partial(signal.signal, signal.SIGTERM, stop)
        try:
            yield
        finally:
            self._listen = None
            signal.signal(signal.SIGTERM, previous)
