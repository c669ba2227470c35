"""Left and right, assigned after a network that does not distinguish them."""

import numpy as np

from medzoo.inference.postprocess import step_arguments

# Nearer to the midline than this white matter may be of either side, mm.
CERTAIN_MM = 3.0
# How far from the midline of the atlas that of a brain is looked for, mm.
SEARCHED_MM = 8.0


def split_sides(labels, across, spacing, codes, white_matter, cortex):
    """Gives each voxel the code of its structure on its side.

    A network that sees the distance from the midline, and not the side, has half as
    many classes to learn. The midline of the atlas is near that of a brain, but brains
    bend: cortex is of the side whose white matter is nearer, and for all else a plane
    is fitted to where both are equally near.

    Args:
        labels: `(x, y, z)` integers, classes of both sides together.
        across: `(x, y, z)` float, mm to the right of the atlas's midline.
        spacing: three floats, mm.
        codes: list with one list a class: its code, or those of right and left.
        white_matter: list of int, classes of cerebral white matter.
        cortex: list of int, classes of cerebral cortex.

    Returns:
        `(x, y, z)` uint8 (uint16 above 255) of codes.
    """
    from scipy import ndimage

    white = np.isin(labels, white_matter)
    sides = [white & (across > CERTAIN_MM), white & (across < -CERTAIN_MM)]
    right = across > 0
    if all(side.any() for side in sides):
        far, near = (
            ndimage.distance_transform_edt(~side, sampling=spacing) for side in sides
        )
        ahead = near - far
        # From one voxel to the next the difference changes by twice their distance.
        middle = (labels > 0) & (np.abs(ahead) <= max(spacing))
        right = _plane(middle & (np.abs(across) < SEARCHED_MM), across, right)
        right = np.where(np.isin(labels, cortex), ahead > 0, right)
    table = code_tables(codes)
    return np.where(right, table[0][labels], table[1][labels])


def signed_distance(to_atlas, shape):
    """Returns how far each voxel lies to the right of the atlas's midline, mm.

    Args:
        to_atlas: `(4, 4)` float, voxel -> atlas world, mm.
        shape: three ints.
    """
    axes = np.meshgrid(*map(np.arange, shape), indexing="ij", sparse=True)
    steps = zip(to_atlas[0, :3], axes, strict=True)
    return (sum(step * axis for step, axis in steps) + to_atlas[0, 3]).astype("f4")


def code_tables(codes):
    """Returns the code of each class on the right and on the left, two arrays."""
    largest = max(max(pair) for pair in codes)
    kind = np.uint8 if largest < 256 else np.uint16
    return np.array([p[0] for p in codes], kind), np.array([p[-1] for p in codes], kind)


def sided_names(class_names, codes):
    """Returns the names and codes of classes with sides, right before left.

    Args:
        class_names: list of str, background first.
        codes: see `split_sides`.

    Returns:
        list of str and list of int, of one length, in the order of `codes`.
    """
    names, flat = [], []
    for name, own in zip(class_names, codes, strict=True):
        if len(own) == 1:
            names.append(name)
        else:
            names += [f"right {name}", f"left {name}"]
        flat += [int(code) for code in own]
    return names, flat


def published_classes(recipe):
    """Returns what the labels of a segmentation are called, and which they are.

    Args:
        recipe: dict.

    Returns:
        list of str, background first, and a list of int, or None where each label is
        its name's place in the list.
    """
    sides = step_arguments(recipe, "sides")
    if sides is None:
        return list(recipe["class_names"]), None
    return sided_names(recipe["class_names"], sides["codes"])


def _plane(middle, across, right):
    """Which side of the plane through the voxels that are equally near to both."""
    if middle.sum() < 100:
        return right
    # How far from the atlas's midline that of the brain lies, as the two other axes
    # go: their order is that of the grid, of which one runs from left to right.
    steps = [np.abs(np.diff(across, axis=axis)).mean() for axis in range(3)]
    others = [axis for axis in range(3) if axis != int(np.argmax(steps))]
    place = np.argwhere(middle)[:, others].astype(np.float64)
    mean = place.mean(axis=0)
    terms = np.column_stack([np.ones(len(place)), place - mean])
    found, *_ = np.linalg.lstsq(terms, across[middle], rcond=None)
    axes = np.meshgrid(*map(np.arange, across.shape), indexing="ij", sparse=True)
    fitted = found[0] + sum(
        slope * (axes[axis] - centre)
        for slope, axis, centre in zip(found[1:], others, mean, strict=True)
    )
    return across > fitted
