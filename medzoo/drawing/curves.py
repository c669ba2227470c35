"""Curves of trainings as one picture, a panel for each quantity; needs matplotlib."""

import math

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from medzoo.files import replace_atomically

COLUMNS = 2
PANEL_INCHES = (5.0, 2.6)
# A quantity that is positive and falls by more than this is drawn on powers of ten.
MOST_LINEAR = 30.0
# Fewer points than this are marked: a line of one is not seen.
MARKED = 40
MOST_NAMED = 10


def draw_curves(path, runs, *, title, best=None):
    """Draws quantities against epochs and writes them as a PNG.

    Args:
        path: path of the .png file, replaced atomically.
        runs: dict of run -> dict of quantity -> list of `(epoch, value)`; panels are
            those of all runs, in order. Values that are not finite leave gaps.
        title: str.
        best: int or None, the epoch whose weights are kept, marked by a line.
    """
    names = list(dict.fromkeys(name for own in runs.values() for name in own))
    rows = math.ceil(len(names) / COLUMNS)
    width, height = PANEL_INCHES
    figure = Figure(
        figsize=(COLUMNS * width, rows * height + 0.5), layout="constrained"
    )
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for place, name in enumerate(names, 1):
        axes = figure.add_subplot(rows, COLUMNS, place)
        _panel(axes, name, {run: own.get(name, []) for run, own in runs.items()})
        if best is not None:
            axes.axvline(best, color="0.4", linestyle=":", label=f"best, epoch {best}")
        if place == 1 and (best is not None or 1 < len(runs) <= MOST_NAMED):
            axes.legend(fontsize="small")
    with replace_atomically(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _panel(axes, name, runs):
    values = []
    for run, points in runs.items():
        marker = "." if len(points) < MARKED else None
        epochs, heights = [e for e, _ in points], [v for _, v in points]
        axes.plot(epochs, heights, marker=marker, label=run)
        values += [value for _, value in points if math.isfinite(value)]
    if values and min(values) > 0 and max(values) > MOST_LINEAR * min(values):
        axes.set_yscale("log")
    axes.set_title(name.replace("_", " "), fontsize="medium", loc="left")
    axes.set_xlabel("epoch", fontsize="small")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize="small")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
