"""Colours of classes, distinguishable with colour vision deficiency."""

import numpy as np

# Seven of Okabe and Ito, without black (it does not show on a scan), and Tol's wine.
BASE = np.array(
    [
        (230, 159, 0),
        (86, 180, 233),
        (0, 158, 115),
        (240, 228, 66),
        (0, 114, 178),
        (213, 94, 0),
        (204, 121, 167),
        (136, 34, 85),
    ],
    np.float64,
)
# How far the colours of the next rounds go towards white or black.
TINTS = ((0.0, 0.0), (0.45, 255.0), (0.45, 0.0))


def class_colours(count):
    """Returns the colours of classes 1, 2, ...; class 0 (background) has none.

    The first eight differ for every kind of colour vision. Further ones are the same
    in lighter, then in darker, and from the 25th on they come again.

    Args:
        count: int, number of classes without the background.

    Returns:
        `(count, 3)` uint8, red, green and blue.

    Source:
        Okabe and Ito, "Color Universal Design" (2008); Tol, "Colour Schemes" (2021).
    """
    rounds = [BASE + share * (end - BASE) for share, end in TINTS]
    every = np.rint(np.concatenate(rounds)).astype(np.uint8)
    return every[np.arange(count) % len(every)]
