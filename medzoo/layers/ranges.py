"""Ranges that random layers draw from, as arguments."""

from math import inf
from numbers import Integral, Real

from medzoo.layers.volume_layer import pair


def range_within(value, name, least=0.0, most=inf):
    """Returns `(low, high)` floats of a range given as two numbers.

    Args:
        value: two floats, or one: the upper bound of a range that starts at `least`
            (at 0 where `least` is lower).
        name: str, the argument's name, for the message.
        least: float, the smallest value allowed.
        most: float, the largest value allowed.

    Raises:
        ValueError: for a range that does not ascend, or leaves what is allowed.
    """
    if isinstance(value, Real):
        value = (max(least, 0.0), value)
    low, high = pair(value, name)
    if not least <= low <= high <= most:
        raise ValueError(
            f"`{name}` must lie in [{least:g}, {most:g}]. Received: {name}={value}."
        )
    return low, high


def factor_range(value, name):
    """Returns `(low, high)` of a factor given as Keras' random layers take it.

    Args:
        value: float, for a range of 1 - value to 1 + value, or two floats, for one of
            1 - lower to 1 + upper.
        name: str, the argument's name, for the message.

    Raises:
        ValueError: for negative floats.
    """
    lower, upper = (value, value) if isinstance(value, Real) else value
    if not (lower >= 0 and upper >= 0):
        raise ValueError(f"`{name}` must not be negative. Received: {name}={value}.")
    return 1.0 - lower, 1.0 + upper


def whole_range(value, name, least=0):
    """Returns `(low, high)` ints of a range given as two ints, or as one for both.

    Raises:
        ValueError: for other types, a range that does not ascend, or starts lower.
    """
    low, high = (value, value) if isinstance(value, Real) else value
    if not isinstance(low, Integral) or not isinstance(high, Integral):
        raise ValueError(f"`{name}` must be ints. Received: {name}={value}.")
    if not least <= low <= high:
        raise ValueError(
            f"`{name}` must be an ascending range from {least} on. "
            f"Received: {name}={value}."
        )
    return int(low), int(high)
