"""Curves of trainings: a panel for each quantity of any run."""

import struct

import matplotlib.figure
import pytest

from medzoo.drawing.curves import draw_curves

RUNS = {
    "fold 0": {"loss": [(1, 100.0), (2, 1.0)], "rate": [(1, 0.1), (2, 0.1)]},
    "fold 1": {"loss": [(1, float("nan"))], "validation_dice": [(1, 0.5)]},
}


@pytest.fixture
def figures(monkeypatch):
    """The figures that are written, in order."""
    kept = []
    write = matplotlib.figure.Figure.savefig

    def keep(figure, *arguments, **options):
        kept.append(figure)
        return write(figure, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return kept


def test_each_quantity_has_a_panel_and_each_run_a_line(tmp_path, figures):
    path = tmp_path / "history.png"
    draw_curves(path, RUNS, title="2 networks", best=2)
    loss, rate, dice = figures[0].axes
    titles = [axes.get_title(loc="left") for axes in (loss, rate, dice)]
    assert titles == ["loss", "rate", "validation dice"]
    assert [list(line.get_ydata()) for line in rate.lines[:2]] == [[0.1, 0.1], []]
    # What falls a hundredfold is drawn on powers of ten.
    assert (loss.get_yscale(), rate.get_yscale()) == ("log", "linear")
    words = [text.get_text() for text in loss.get_legend().get_texts()]
    assert words == ["fold 0", "fold 1", "best, epoch 2"]
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    assert width > height > 300


def test_one_run_needs_no_legend(tmp_path, figures):
    draw_curves(tmp_path / "a.png", {"a": {"loss": [(1, 1.0)]}}, title="a")
    (loss,) = figures[0].axes
    assert loss.get_legend() is None
    assert loss.get_yscale() == "linear"
