"""What the intensities of each label are drawn from, as tables."""

import numpy as np


def class_indices(labels, classes):
    """Returns the class of each row of a table of labels, counted from 0.

    Args:
        labels: list of int, the codes; the last is for what has no code.
        classes: sequence of one int a code, equal for codes that share their
            intensities, or None: each has its own.

    Raises:
        ValueError: if there is not one a code.
    """
    if classes is None:
        return np.arange(len(labels), dtype="int32")
    if len(classes) != len(labels) - 1:
        raise ValueError(
            "`generation_classes` must hold one class a label. "
            f"Received: {len(classes)} classes of {len(labels) - 1} labels."
        )
    own = np.unique(np.asarray(classes), return_inverse=True)[1]
    return np.append(own, own.max() + 1).astype("int32")


def check_priors(priors, labels, num_channels):
    """Returns priors as a list of one plain dict a channel, or None.

    Args:
        priors: None, a dict for all channels, or a sequence of one dict or None a
            channel: code (int or str, as JSON has it) -> `((lowest mean, highest
            mean), (lowest deviation, highest deviation))`.
        labels: tuple of int, the codes.
        num_channels: int.

    Raises:
        ValueError: for another number of channels, an unknown code, or ranges that do
            not ascend.
    """
    if priors is None:
        return None
    if isinstance(priors, dict):
        priors = [priors] * num_channels
    if len(priors) != num_channels:
        raise ValueError(
            "`priors` must be a dict, or one a channel. "
            f"Received: {len(priors)} for {num_channels} channels."
        )
    return [
        {str(code): _ranges(ranges, code, labels) for code, ranges in (d or {}).items()}
        for d in priors
    ]


def prior_table(labels, classes, priors, defaults, num_channels):
    """Returns the ranges of every channel and class.

    Args:
        labels: list of int, the codes.
        classes: array from `class_indices`.
        priors: list from `check_priors`, or None.
        defaults: list of four floats a code, as in the result, where `priors` does
            not name it; of a class the first code counts.
        num_channels: int.

    Returns:
        `(channels, classes, 4)` float32: lowest and highest mean, lowest and highest
        standard deviation.

    Raises:
        ValueError: if codes of one class are given different priors.
    """
    priors = priors or [{}] * num_channels
    table = np.zeros((num_channels, classes.max() + 1, 4), "float32")
    for index in range(classes.max() + 1):
        rows = np.flatnonzero(classes == index)
        for channel, given in enumerate(priors):
            named = [given[k] for k in (str(labels[r]) for r in rows) if k in given]
            if any(prior != named[0] for prior in named):
                raise ValueError(
                    "Labels of one generation class must have one prior. Received: "
                    f"{named} for labels {[labels[row] for row in rows]}."
                )
            table[channel, index] = np.ravel(named[0]) if named else defaults[rows[0]]
    return table


def _ranges(ranges, code, labels):
    values = np.asarray(ranges, "float64")
    if (
        int(code) not in labels
        or values.shape != (2, 2)
        or not (values[:, 0] <= values[:, 1]).all()
        or values[1, 0] < 0
    ):
        raise ValueError(
            "`priors` must hold two ascending ranges for a code of `labels`: of its "
            "mean, and of its deviation, which is not negative. "
            f"Received: {code}: {ranges}."
        )
    return values.tolist()
