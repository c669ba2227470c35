"""Slices as PNG files of a given size, with the classes of a label map over them."""

import base64

import numpy as np

from medzoo.drawing.palette import class_colours
from medzoo.drawing.slice_views import PANELS, displayed, middle_and_window, slice_of
from medzoo.io.png import encode_png
from medzoo.spatial import orient

OPACITY = 0.45


def three_slices(volume=None, labels=None, longest=256):
    """Draws the slices through the middle of the head.

    Args:
        volume: Volume; None draws the label map alone, on black.
        labels: Volume of class indices on the grid of `volume`, or None.
        longest: int, pixels of the longest side of the longest picture at most.

    Returns:
        dict of view ("coronal", "sagittal", "axial") -> bytes of a PNG with square
        pixels.
    """
    seen = displayed(labels if volume is None else volume)
    middle, window = middle_and_window(seen)
    grey = grey_levels(seen.array, window) if volume is not None else None
    classes = None if labels is None else orient(labels, "RAS").array
    extent = np.multiply(seen.shape, seen.spacing)
    # One for all views, so that they have one scale.
    pixel = max(extent.max() / longest, min(seen.spacing))
    pictures = {}
    for title, cut, horizontal, vertical, _ in PANELS:
        size = (seen.spacing[vertical], seen.spacing[horizontal])
        rows, columns = seen.shape[vertical], seen.shape[horizontal]
        plain = np.zeros((rows, columns), np.uint8)
        if grey is not None:
            plain = slice_of(grey, cut, middle[cut])
        plain = shrink(plain, size, pixel)
        if classes is not None:
            shown = slice_of(classes, cut, middle[cut])
            shown = nearest(shown, size, pixel)
            plain = blend(plain, shown, 1.0 if volume is None else OPACITY)
        pictures[title] = encode_png(np.ascontiguousarray(plain))
    return pictures


def grey_levels(array, window):
    """Returns an array as grey values, uint8: `window` is (black, white)."""
    low, high = window
    return np.rint(np.clip((array - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def blend(grey, classes, opacity=OPACITY):
    """Lays the colours of classes over a grey picture.

    Args:
        grey: `(rows, columns)` uint8.
        classes: `(rows, columns)` class indices; 0 is left as it is.
        opacity: float, 0 to 1.

    Returns:
        `(rows, columns, 3)` uint8.
    """
    classes = np.asarray(classes).astype(np.int64)
    colours = np.vstack([np.zeros(3), class_colours(max(int(classes.max()), 1))])
    mixed = grey[..., None] * (1 - opacity) + colours[classes] * opacity
    mixed = np.where(classes[..., None] > 0, mixed, grey[..., None])
    return np.rint(mixed).astype(np.uint8)


def shrink(picture, size, pixel):
    """Resamples a picture to square pixels, each the mean of what it covers.

    Args:
        picture: `(rows, columns)` uint8.
        size: height and width of a pixel now, mm.
        pixel: float, mm, what they become.
    """
    down, across = (
        area_weights(length, _count(length, s, pixel))
        for length, s in zip(picture.shape, size, strict=True)
    )
    return np.rint(down @ picture.astype(np.float64) @ across.T).astype(np.uint8)


def nearest(picture, size, pixel):
    """Resamples a picture of class indices to square pixels; see `shrink`."""
    rows, columns = (
        centres(length, _count(length, s, pixel))
        for length, s in zip(picture.shape, size, strict=True)
    )
    return picture[rows[:, None], columns[None]]


def data_address(png):
    """Returns the bytes of a PNG as an address that a page can hold (data:)."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _count(length, size, pixel):
    return max(round(length * size / pixel), 1)


def area_weights(length, count):
    """Returns how each of `count` new pixels is the mean of the old ones it covers.

    Args:
        length: int, old pixels along an axis.
        count: int, new pixels along it.

    Returns:
        `(count, length)` float64, rows of sum 1.
    """
    edges = np.linspace(0, length, count + 1)
    first, last = edges[:-1, None], edges[1:, None]
    old = np.arange(length)[None]
    overlap = np.clip(np.minimum(last, old + 1) - np.maximum(first, old), 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def centres(length, count):
    """Returns the old pixel at the centre of each of `count` new ones, ints."""
    return ((np.arange(count) + 0.5) * length / count).astype(int)
