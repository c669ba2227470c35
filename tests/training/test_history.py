"""history.csv and history.png: what a training did, epoch by epoch."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.training.history import (
    PICTURE,
    TABLE,
    History,
    draw,
    draw_all,
    read_history,
)

PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.usefixtures("pictures")


def history(folder, done=0, validation=None):
    times = SimpleNamespace(seconds=1.25, waited=0.5)
    own = History(folder, done, times, validation)
    own.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.01)))
    return own


def test_a_table_holds_loss_validation_rate_and_times(tmp_path):
    validation = SimpleNamespace(found={}, best_epoch=2)
    own = history(tmp_path / "run", validation=validation)
    own.on_epoch_end(0, {"loss": 2.0, "mae": np.float32(1.5)})
    validation.found = {"mean_dice": 0.75}
    own.on_epoch_end(1, {"loss": 1.0, "mae": 1.25})
    with (tmp_path / "run" / TABLE).open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch", "loss", "mae", "validation_mean_dice", "learning_rate", "seconds",
        "seconds_waiting",
    ]  # fmt: skip
    assert list(rows[0].values()) == ["1", "2.0", "1.5", "", "0.01", "1.25", "0.5"]
    assert rows[1]["validation_mean_dice"] == "0.75"
    assert not (tmp_path / "run" / PICTURE).exists()
    own.on_train_end()
    assert (tmp_path / "run" / PICTURE).read_bytes().startswith(PNG)


def test_a_resumed_run_goes_on_behind_its_checkpoint(tmp_path):
    first = history(tmp_path)
    for epoch in range(3):
        first.on_epoch_end(epoch, {"loss": float(epoch)})
    # The checkpoint of the third was not written any more.
    again = history(tmp_path, done=2)
    again.on_epoch_end(2, {"loss": 9.0})
    rows = read_history(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["loss"] for row in rows] == [0.0, 1.0, 9.0]


@pytest.mark.parametrize("content", ["", "epoch,loss\nx,1\n", "a,b\n1,2\n", "\x00"])
def test_a_table_that_is_none_is_as_if_it_were_not_there(tmp_path, content):
    assert read_history(tmp_path) == []
    (tmp_path / TABLE).write_text(content)
    assert read_history(tmp_path) == []


def test_a_run_without_epochs_leaves_nothing(tmp_path):
    history(tmp_path).on_train_end()
    assert list(tmp_path.iterdir()) == []


def test_all_networks_of_a_training_are_one_picture(tmp_path):
    draw_all(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    for name in ("fold-0", "fold-1"):
        history(tmp_path / "runs" / name).on_epoch_end(0, {"loss": np.nan})
    draw_all(tmp_path)
    assert (tmp_path / PICTURE).read_bytes().startswith(PNG)


def test_without_matplotlib_there_is_no_picture(tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.training.history.find_spec", lambda name: None)
    draw({"a": [{"epoch": 1, "loss": 1.0}]}, tmp_path / PICTURE)
    assert not (tmp_path / PICTURE).exists()
