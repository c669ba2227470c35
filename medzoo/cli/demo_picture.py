"""The picture of `medzoo demo`: three slices of the scan, and what the models said."""

import textwrap

import matplotlib.ticker
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medzoo.files import replace_atomically
from medzoo.spatial import orient

# Title, axis cut through, horizontal and vertical axis of the picture (0 left-right,
# 1 back-front, 2 low-high), and what its left, right, top and bottom are.
# The horizontal axis runs backwards, so that the right is on the left: radiological.
PANELS = (
    ("coronal", 1, 0, 2, "RLSI"),
    ("sagittal", 0, 1, 2, "APSI"),
    ("axial", 2, 0, 1, "RLAP"),
)
EDGES = ((0.03, 0.5), (0.97, 0.5), (0.5, 0.97), (0.5, 0.03))
CONVENTION = (
    "Radiological convention: the patient's right (R) is on the left of the coronal "
    "and axial slices."
)
RESEARCH_ONLY = "For research. Not for diagnosis."
# A head is about this high; what a scan shows below it is neck.
HEAD_HEIGHT_MM = 170.0
WIDTH_INCHES = 9.0
TEXT_COLUMNS = 44


def draw(volume, results, path):
    """Draws three orthogonal slices through the middle of the head, results beside.

    Args:
        volume: Volume in any orientation; of several channels, the first is shown.
        results: dict of model name -> what it said; `str()` of it is written.
        path: where to; the suffix (.png, .pdf, .svg) chooses the format.

    Returns:
        matplotlib Figure, as drawn.
    """
    array = volume.array if volume.array.ndim == 3 else volume.array[..., 0]
    volume = orient(volume.with_array(np.nan_to_num(array.astype(np.float32))), "RAS")
    labels = _labels_of(results)
    extent = np.multiply(volume.shape, volume.spacing)
    figure, grid = _layout(extent)
    middle, window = _middle_and_window(volume)
    for place, panel in zip((grid[0, 0], grid[0, 1], grid[1, 0]), PANELS, strict=True):
        axes = figure.add_subplot(place)
        _draw_slice(axes, volume, middle, window, panel)
        if labels is not None:
            _draw_labels(axes, labels, middle, panel)
    _write_results(figure.add_subplot(grid[1, 1]), results)
    with replace_atomically(path) as temporary:
        figure.savefig(temporary, facecolor="black", dpi=120)
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


def _middle_and_window(volume):
    """Voxel index of the middle of the head, and the grey values to show.

    Args:
        volume: Volume in RAS.

    Returns:
        Tuple of three ints, and (darkest, brightest).
    """
    low, high = np.percentile(volume.array, (1, 99.8))
    head = volume.array > low + 0.2 * (high - low)
    if not head.any():
        return tuple(n // 2 for n in volume.shape), (low, max(high, low + 1))
    top = _extent_along(head, 2)[1]
    neck = max(top - round(HEAD_HEIGHT_MM / volume.spacing[2]), 0)
    ends = [_extent_along(head[:, :, neck : top + 1], axis) for axis in range(3)]
    middle = [(first + last) // 2 for first, last in ends]
    middle[2] += neck
    return tuple(middle), (low, high)


def _extent_along(mask, axis):
    """First and last slice that holds more than specks of noise."""
    others = tuple(other for other in range(3) if other != axis)
    profile = mask.sum(axis=others)
    found = np.flatnonzero(profile > 0.02 * profile.max())
    return int(found[0]), int(found[-1])


def _draw_slice(axes, volume, middle, window, panel):
    title, cut, horizontal, vertical, letters = panel
    index = middle[cut]
    image = np.take(volume.array, index, axis=cut)[::-1].T
    width = volume.shape[horizontal] * volume.spacing[horizontal]
    height = volume.shape[vertical] * volume.spacing[vertical]
    axes.imshow(
        image,
        cmap="gray",
        origin="lower",
        extent=(0, width, 0, height),
        vmin=window[0],
        vmax=window[1],
        interpolation="bilinear",
    )
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


def _labels_of(results):
    """The first label map among the results, in RAS, or None."""
    for found in results.values():
        if getattr(found, "labels", None) is not None:
            return orient(found.labels, "RAS")
    return None


def _draw_labels(axes, labels, middle, panel):
    """Lays the classes over a slice; the background is left as it is."""
    _, cut, horizontal, vertical, _ = panel
    shown = np.take(labels.array, middle[cut], axis=cut)[::-1].T
    width = labels.shape[horizontal] * labels.spacing[horizontal]
    height = labels.shape[vertical] * labels.spacing[vertical]
    axes.imshow(
        np.ma.masked_equal(shown, 0),
        cmap="tab10",
        origin="lower",
        extent=(0, width, 0, height),
        vmin=-0.5,
        vmax=9.5,
        alpha=0.45,
        interpolation="nearest",
    )


def _write_results(axes, results):
    axes.set_axis_off()
    blocks = [
        "\n".join((name, _wrap(str(said), "  "))) for name, said in results.items()
    ]
    notes = "\n".join((_wrap(CONVENTION), RESEARCH_ONLY))
    axes.text(
        0.06,
        0.96,
        "\n\n".join(blocks),
        color="white",
        fontsize=11,
        va="top",
        transform=axes.transAxes,
    )
    axes.text(
        0.06,
        0.04,
        notes,
        color="lightgray",
        fontsize=8.5,
        va="bottom",
        transform=axes.transAxes,
    )


def _wrap(text, indent=""):
    return textwrap.fill(
        text, TEXT_COLUMNS, initial_indent=indent, subsequent_indent=indent
    )
