"""Which checkpoint of a folder is the newest."""

from types import SimpleNamespace

from medzoo.training import checkpoint
from medzoo.training.checkpoint import Checkpoints, load_newest


def test_epochs_are_in_the_order_of_their_numbers(tmp_path, monkeypatch):
    def save(path, *given):
        path.write_bytes(b"")

    monkeypatch.setattr(checkpoint, "save_state", save)
    monkeypatch.setattr(checkpoint, "load_state", lambda path, *given: path.name)
    (tmp_path / "epoch-of-somebody.npz").write_bytes(b"")
    checkpoints = Checkpoints(tmp_path)
    checkpoints.set_model(SimpleNamespace(stop_training=False, optimizer=None))
    for epoch in range(99_997, 100_001):
        checkpoints.on_epoch_end(epoch)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "epoch-of-somebody.npz",
        "epoch-100000.npz",
        "epoch-100001.npz",
    }
    assert load_newest(tmp_path, None, None) == "epoch-100001.npz"
    (tmp_path / "epoch-00002.npz").write_bytes(b"")
    assert load_newest(tmp_path, None, None) == "epoch-100001.npz"
