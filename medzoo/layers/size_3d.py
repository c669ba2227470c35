"""Sizes and factors along three axes as arguments."""

from numbers import Integral


def three_ints(value, name, least=1):
    """Returns an argument as three ints.

    Args:
        value: int for all axes, or three ints.
        name: str, the argument's name, for the message.
        least: int, the smallest value allowed.

    Raises:
        ValueError: for other lengths, other types, or smaller values.
    """
    values = tuple(value) if hasattr(value, "__iter__") else (value,) * 3
    if len(values) != 3 or not all(
        isinstance(v, Integral) and v >= least for v in values
    ):
        raise ValueError(
            f"`{name}` must be an int or three ints, at least {least}. "
            f"Received: {name}={value}."
        )
    return tuple(int(v) for v in values)
