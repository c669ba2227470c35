"""Refuses label maps that do not belong to their image, and warns of odd ones."""

import warnings

from medzoo.data.cases.label_values import whole_labels
from medzoo.errors import InputError, MedzooError, MedzooWarning
from medzoo.io.image_files import read_labels, read_quietly
from medzoo.spatial.label_place import label_doubts
from medzoo.volume import Volume


def check_label_place(image, labels, image_path, labels_path):
    """Checks that a label map is aligned with its image.

    Args:
        image: Volume.
        labels: Volume, in the same world.
        image_path: path of the image, for messages.
        labels_path: path of the label map, for messages.

    Raises:
        InputError: if they overlap too little to belong together.
    """
    refused, odd = label_doubts(image, labels)
    where = f"label map={labels_path}, image={image_path}"
    if refused is not None:
        raise InputError(
            "A label map must be aligned with its image. "
            f"Received: {where}: {refused}. Check both headers and that both belong to "
            "one scan."
        )
    for doubt in odd:
        warnings.warn(
            f"A label map should be aligned with its image. Received: {where}: "
            f"{doubt}. View both in one viewer.",
            MedzooWarning,
            stacklevel=2,
        )


def read_whole_labels(case):
    """Reads the label map of a case, a Volume of whole numbers, wherever it lies."""
    return read_labels_at(case.folder / case.target)


def read_labels_at(path):
    """Reads a label map, a Volume `(x, y, z)` of whole numbers, wherever it lies."""
    volume = read_labels(path)
    return volume.with_array(whole_labels(volume.array, path))


def check_label_maps(cases, read=None):
    """Checks that each case's label map can be read and is aligned with its image.

    A case whose image cannot be read is passed over: that is told where it is used.

    Args:
        cases: list of `Case` whose target is the path of a label map.
        read: callable, `Case` -> Volume of its labels; None for `read_whole_labels`.

    Raises:
        MedzooError: for a map that cannot be read, is none, or lies elsewhere.
    """
    for case in cases:
        labels = (read or read_whole_labels)(case)
        first = next(iter(case.images.values()), None)
        if first is None:
            continue
        try:
            image = first if isinstance(first, Volume) else read_quietly(first)
        except (MedzooError, OSError):
            continue
        check_label_place(image, labels, first_image(case), case.target)


def first_image(case):
    """Returns the path of a case's first image, or a word for one in memory."""
    image = next(iter(case.images.values()))
    return "in memory" if isinstance(image, Volume) else image
