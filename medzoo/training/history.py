"""History of a training: history.csv and history.png in the folder of its run."""

import csv
import io
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import keras

from medzoo.files import write_text_atomically

TABLE, PICTURE = "history.csv", "history.png"
EPOCH, RATE, SECONDS, WAITED = "epoch", "learning_rate", "seconds", "seconds_waiting"
VALIDATION = "validation_"
# A picture takes about a second: not after each epoch of a few seconds.
REDRAW_SECONDS = 30.0
# Of a validation with an entry for every class these are drawn; the table has all.
MOST_MEASURED = 6
NO_PICTURE = 'no history.png: pip install "medzoo[train]" to see curves of the training'


class History(keras.callbacks.Callback):
    """Keeps losses, metrics, validation and learning rate of a run, and draws them.

    A run that is resumed goes on in the table of the one before, from the epoch of its
    checkpoint.

    Args:
        folder: path of the run.
        done: int, epochs that lie behind its checkpoint.
        epochs: `medzoo.training.epochs.Epochs`, for the times.
        validation: `medzoo.training.validation.Validation`, called before, or None.
    """

    def __init__(self, folder, done, epochs, validation=None):
        super().__init__()
        self.folder = Path(folder)
        self.epochs = epochs
        self.validation = validation
        self.rows = [r for r in read_history(self.folder) if r[EPOCH] <= done]
        self._drawn = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Keras calls this."""
        measured = {} if self.validation is None else self.validation.found
        self.rows.append(
            {
                EPOCH: epoch + 1,
                **{name: float(value) for name, value in (logs or {}).items()},
                **{f"{VALIDATION}{k}": float(v) for k, v in measured.items()},
                RATE: float(self.model.optimizer.learning_rate),
                SECONDS: round(self.epochs.seconds, 3),
                WAITED: round(self.epochs.waited, 3),
            }
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text_atomically(self.folder / TABLE, _text(self.rows))
        if time.monotonic() - self._drawn > REDRAW_SECONDS:
            self._draw()

    def on_train_end(self, logs=None):
        """Keras calls this."""
        if self.rows:
            self._draw()

    def _draw(self):
        best = None if self.validation is None else self.validation.best_epoch or None
        draw({self.folder.name: self.rows}, self.folder / PICTURE, best=best)
        self._drawn = time.monotonic()


def read_history(folder):
    """Reads the history.csv of a run.

    Args:
        folder: path of the run.

    Returns:
        list of dict of column -> number, an epoch each; what was not measured is left
        out. Empty where there is no such file, or one that is none.
    """
    rows = []
    with suppress(OSError, ValueError, KeyError, csv.Error):
        text = (Path(folder) / TABLE).read_text(encoding="utf-8")
        for row in csv.DictReader(io.StringIO(text)):
            numbers = {name: float(cell) for name, cell in row.items() if cell}
            rows.append({**numbers, EPOCH: int(numbers[EPOCH])})
    return rows


def draw(runs, path, *, best=None):
    """Draws loss, metrics, validation and learning rate; nothing without matplotlib.

    Args:
        runs: dict of name -> rows of `read_history`.
        path: path of the .png file, replaced atomically.
        best: int or None, the epoch to mark.
    """
    if find_spec("matplotlib") is None:
        return
    from medzoo.drawing.curves import draw_curves

    title = next(iter(runs)) if len(runs) == 1 else f"{len(runs)} networks"
    curves = {name: _curves(rows) for name, rows in runs.items()}
    draw_curves(path, curves, title=title, best=best)


def draw_all(output):
    """Draws the networks of a training together, into history.png of its folder.

    Args:
        output: path of the folder of `medzoo.train`.
    """
    folders = sorted((Path(output) / "runs").glob(f"*/{TABLE}"))
    found = {path.parent.name: read_history(path.parent) for path in folders}
    if found := {name: rows for name, rows in found.items() if rows}:
        draw(found, Path(output) / PICTURE)


def _text(rows):
    """Rows as CSV; the learning rate and times stand last."""
    last = (RATE, SECONDS, WAITED)
    names = dict.fromkeys(name for row in rows for name in row if name not in last)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*names, *last], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _curves(rows):
    """Rows as dict of quantity -> list of (epoch, value), those that are drawn."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    measured = [name for name in names if name.startswith(VALIDATION)]
    trained = [n for n in names if n not in (EPOCH, RATE, SECONDS, WAITED, *measured)]
    return {
        name: [(row[EPOCH], row[name]) for row in rows if name in row]
        for name in (*trained, *measured[:MOST_MEASURED], RATE)
    }
