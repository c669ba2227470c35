"""Integrated gradients: what each number of the input adds to the answer."""

import numpy as np


def integrated_gradients(gradients, start, end, steps):
    """Returns the attribution of each number of an input.

    The mean of the gradient over the straight line from a baseline, times the way.
    Attributions add up to the difference of the answers, but for the error of the
    quadrature (Gauss-Legendre).

    Args:
        gradients: callable, `(n, ...)` points -> `(n, ...)` gradients.
        start: array, the baseline.
        end: array of the same shape, the input.
        steps: int, points on the line.

    Returns:
        Array of that shape, float64, in the unit of the answer.

    Source:
        Sundararajan et al., "Axiomatic Attribution for Deep Networks" (2017).
    """
    places, weights = np.polynomial.legendre.leggauss(steps)
    start, way = np.asarray(start, np.float64), np.asarray(end, np.float64) - start
    points = start + ((places + 1) / 2).reshape(-1, *[1] * way.ndim) * way
    found = gradients(points.astype(np.float32))
    return np.tensordot(weights / 2, np.asarray(found, np.float64), axes=1) * way
