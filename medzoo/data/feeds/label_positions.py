"""Some voxels of every class of a label map."""

import numpy as np

# Places kept of every label: enough that patches hardly repeat.
NUM_POSITIONS = 4096
# Names of arrays: places `(n, 3)` int32, and the class of each `(n,)`.
POSITIONS, CLASSES = "positions", "classes"


def class_positions(labels, targets=None):
    """Returns some voxels of every class.

    Args:
        labels: `(x, y, z)` integers.
        targets: dict of code (a str) -> class, or None where labels are classes.
            Codes that it has not are class 0.

    Returns:
        dict of arrays: `positions` `(n, 3)` int32 and `classes` `(n,)` int32; the same
        voxels each time.
    """
    flat = np.ascontiguousarray(labels).ravel()
    if targets is not None:
        table = np.zeros(int(flat.max()) + 1, np.int32)
        for code, label in targets.items():
            if int(code) < len(table):
                table[int(code)] = label
        flat = table[flat]
    generator = np.random.default_rng(0)
    places, classes = [], []
    for label in np.unique(flat):
        index = np.flatnonzero(flat == label)
        if len(index) > NUM_POSITIONS:
            index = index[generator.integers(0, len(index), NUM_POSITIONS)]
        found = np.stack(np.unravel_index(index, labels.shape), 1)
        places.append(found.astype(np.int32))
        classes.append(np.full(len(index), label, np.int32))
    return {POSITIONS: np.concatenate(places), CLASSES: np.concatenate(classes)}
