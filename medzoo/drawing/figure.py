"""Three slices as a matplotlib figure, with words in the field that is left."""

import textwrap

import matplotlib.ticker
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from medzoo.drawing.palette import class_colours
from medzoo.drawing.pictures import OPACITY
from medzoo.drawing.slice_views import PANELS, displayed, middle_and_window, slice_of
from medzoo.spatial import orient

EDGES = ((0.03, 0.5), (0.97, 0.5), (0.5, 0.97), (0.5, 0.03))
WIDTH_INCHES = 9.0
TEXT_COLUMNS = 44


def slices_figure(volume, labels=None, *, blocks=(), notes=()):
    """Draws three orthogonal slices through the middle of the head, words beside.

    Args:
        volume: Volume in any orientation; of several channels, the first is shown.
        labels: Volume of class indices to lay over it, or None.
        blocks: pairs (title, text), in the fourth field.
        notes: str, in small print below.

    Returns:
        matplotlib Figure.
    """
    volume = displayed(volume)
    classes = None if labels is None else orient(labels, "RAS")
    figure, grid = _layout(np.multiply(volume.shape, volume.spacing))
    middle, window = middle_and_window(volume)
    for place, panel in zip((grid[0, 0], grid[0, 1], grid[1, 0]), PANELS, strict=True):
        axes = figure.add_subplot(place)
        _draw_slice(axes, volume, middle, window, panel)
        if classes is not None:
            _draw_labels(axes, classes, middle, panel)
    _write(figure.add_subplot(grid[1, 1]), blocks, notes)
    return figure


def _layout(extent):
    """A figure of two rows and columns in which all slices have one scale."""
    x, y, z = extent
    height = WIDTH_INCHES * (z + y) / (x + y)
    figure = Figure(figsize=(WIDTH_INCHES, height), facecolor="black")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        2,
        2,
        width_ratios=(x, y),
        height_ratios=(z, y),
        left=0.01,
        right=0.99,
        bottom=0.01,
        top=0.97,
        wspace=0.02,
        hspace=0.06,
    )
    return figure, grid


def _draw_slice(axes, volume, middle, window, panel):
    title, cut, horizontal, vertical, letters = panel
    image = slice_of(volume.array, cut, middle[cut])[::-1]
    style = {"cmap": "gray", "vmin": window[0], "vmax": window[1]}
    _show(axes, image, volume, (horizontal, vertical), "bilinear", **style)
    axes.set_title(title, color="white", fontsize=10, pad=3)
    axes.xaxis.set_major_locator(matplotlib.ticker.NullLocator())
    axes.yaxis.set_major_locator(matplotlib.ticker.NullLocator())
    for letter, (x, y) in zip(letters, EDGES, strict=True):
        axes.text(
            x,
            y,
            letter,
            color="gold",
            fontsize=11,
            ha="center",
            va="center",
            transform=axes.transAxes,
        )


def _draw_labels(axes, labels, middle, panel):
    """Lays the classes over a slice; the background is left as it is."""
    _, cut, horizontal, vertical, _ = panel
    shown = slice_of(labels.array, cut, middle[cut])[::-1]
    count = max(int(labels.array.max()), 1)
    style = {
        "cmap": ListedColormap(class_colours(count) / 255.0),
        "vmin": 0.5,
        "vmax": count + 0.5,
        "alpha": OPACITY,
    }
    image = np.ma.masked_equal(shown, 0)
    _show(axes, image, labels, (horizontal, vertical), "nearest", **style)


def _show(axes, image, volume, plane, interpolation, **style):
    """Draws a slice, its first row lowest, in millimetres."""
    width, height = (volume.shape[a] * volume.spacing[a] for a in plane)
    axes.imshow(
        image,
        origin="lower",
        extent=(0, width, 0, height),
        interpolation=interpolation,
        **style,
    )


def _write(axes, blocks, notes):
    axes.set_axis_off()
    said = ["\n".join((title, _wrap(text, "  "))) for title, text in blocks]
    for text, y, style in (
        ("\n\n".join(said), 0.96, {"color": "white", "fontsize": 11, "va": "top"}),
        (
            "\n".join(_wrap(note) for note in notes),
            0.04,
            {"color": "lightgray", "fontsize": 8.5, "va": "bottom"},
        ),
    ):
        axes.text(0.06, y, text, transform=axes.transAxes, **style)


def _wrap(text, indent=""):
    return textwrap.fill(
        text, TEXT_COLUMNS, initial_indent=indent, subsequent_indent=indent
    )
