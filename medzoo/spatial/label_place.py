"""Alignment of a label map with its image, checked before training."""

import numpy as np

from medzoo.spatial.background import samples_of

# Voxels looked at.
NUM_SAMPLES = 100_000
# Share of labelled voxels that lie in the field of view, and on something in it.
LEAST_INSIDE, USUAL_INSIDE = 0.5, 0.95
LEAST_ON_OBJECT, USUAL_ON_OBJECT = 0.5, 0.75
# Of the 90th percentile of what is not background: darker is nothing.
EMPTY = 0.1
# A map without background says nothing about where the object is.
LEAST_BACKGROUND = 0.05
# By how much better a map laid another way must explain the image to be reported.
MUCH_BETTER, CLEARLY = 1.2, 0.03
AXES = ("first", "second", "third")
# How far a map is moved to see whether it fits better there, mm.
MOVES_MM = (12.0, 24.0, 48.0)
# Corners may differ so far, mm, by rounding in a header.
SAME_CORNER_MM = 0.5


def label_doubts(image, labels):
    """Compares the positions of a label map and its image.

    Args:
        image: Volume, `(x, y, z)` or with channels, of which the first that is not
            empty counts.
        labels: Volume, `(x, y, z)`, whole numbers, 0 is background.

    Returns:
        A sentence why they cannot belong together, or None; and a list of str, what is
        odd. Takes 0.2 s.
    """
    array = _first_channel(image.array)
    index, values = _samples(labels.array)
    labelled = values > 0
    if not labelled.any():
        return None, []
    found, inside = _values_at(array, image.affine, labels.affine, index)
    share_inside = float(inside[labelled].mean())
    if share_inside < LEAST_INSIDE:
        return f"{1 - share_inside:.0%} of the labelled voxels lie outside it", []
    odd = _odd_grids(image, labels)
    if share_inside < USUAL_INSIDE:
        odd.append(f"{1 - share_inside:.0%} of the labelled voxels lie outside it")
    if labelled.mean() <= 1 - LEAST_BACKGROUND:
        share = float((found[labelled] > _threshold(array)).mean())
        if share < LEAST_ON_OBJECT:
            return f"{1 - share:.0%} of the labelled voxels lie where it is empty", []
        if share < USUAL_ON_OBJECT:
            odd.append(f"{1 - share:.0%} of the labelled voxels lie where it is empty")
    better = _better_laid(array, image.affine, labels, index, values)
    return None, odd if better is None else [*odd, better]


def _odd_grids(image, labels):
    """The same numbers of voxels in another place, or the same place and fewer."""
    same_shape = tuple(image.shape) == tuple(labels.shape)
    corner = np.array([*(np.array(labels.shape) - 1), 1.0])
    apart = np.abs((image.affine - labels.affine) @ corner).max()
    apart = max(apart, np.abs(image.affine[:3, 3] - labels.affine[:3, 3]).max())
    same_affine = np.abs(image.affine - labels.affine).max() < 1e-3
    if same_shape and apart > SAME_CORNER_MM:
        return [f"it has the image's shape, but lies up to {apart:.0f} mm from it"]
    if same_affine and not same_shape:
        return [
            f"it has the image's affine, but the shape {tuple(labels.shape)} instead "
            f"of {tuple(image.shape)}: it may have been cropped"
        ]
    return []


def _first_channel(array):
    if array.ndim == 3:
        return array
    filled = [c for c in range(array.shape[3]) if array[..., c].any()]
    return array[..., filled[0] if filled else 0]


def _samples(labels):
    """Indices `(n, 3)` and values of evenly spread voxels, labelled ones above all."""
    flat = labels.reshape(-1)
    some = np.arange(0, flat.size, max(1, flat.size // NUM_SAMPLES))
    index = np.stack(np.unravel_index(some, labels.shape), 1)
    values = flat[some]
    if (values > 0).sum() < NUM_SAMPLES // 100:
        # Lesions are too small to be met by chance.
        own = np.argwhere(labels > 0)
        own = own[:: max(1, len(own) // NUM_SAMPLES)]
        index = np.concatenate([index[values <= 0], own])
        values = labels[tuple(index.T)]
    return index, np.asarray(values)


def _values_at(array, affine, labels_affine, index):
    to_image = np.linalg.inv(affine) @ labels_affine
    place = np.rint(index @ to_image[:3, :3].T + to_image[:3, 3]).astype(np.int64)
    inside = ((place >= 0) & (place < array.shape)).all(axis=1)
    found = np.full(len(index), -np.inf, np.float32)
    found[inside] = array[tuple(place[inside].T)]
    return found, inside


def _threshold(array):
    values = samples_of(array)
    background = float(np.percentile(values, 1))
    above = values[values > background]
    if not above.size:
        return background
    return background + EMPTY * (float(np.percentile(above, 90)) - background)


def _better_laid(array, affine, labels, index, values):
    """How the map must be laid to explain intensities clearly better, or None."""
    chosen = values > 0
    index = index[chosen]
    kinds, groups = np.unique(values[chosen], return_inverse=True)
    if len(kinds) < 2:
        return None
    own = _explained(array, affine, labels.affine, index, groups)
    found = {
        laying: _explained(array, affine, labels.affine, laid, groups)
        for laying, laid in _ways_to_lay(labels, index)
    }
    best = max(found, key=found.get)
    if found[best] > MUCH_BETTER * own and found[best] > own + CLEARLY:
        return f"it fits better when it is {best}"
    return None


def _ways_to_lay(labels, index):
    """Yields sentences, and voxels as they are after a mistake is undone."""
    shape = labels.shape
    for axis, name in enumerate(AXES):
        mirrored = index.copy()
        mirrored[:, axis] = shape[axis] - 1 - index[:, axis]
        yield f"mirrored along its {name} axis", mirrored
        for distance in MOVES_MM:
            for sign in (-1, 1):
                step = round(sign * distance / labels.spacing[axis])
                moved = index.copy()
                moved[:, axis] += step
                yield f"moved by {step} voxels along its {name} axis", moved
        for other in range(axis):
            swapped = index.copy()
            swapped[:, [other, axis]] = index[:, [axis, other]]
            laying = f"transposed: its {AXES[other]} and {name} axis exchanged"
            yield laying, swapped


def _explained(array, affine, labels_affine, index, groups):
    """Share of the variance of intensities that groups of voxels explain."""
    found, inside = _values_at(array, affine, labels_affine, index)
    # What is moved out of the image must not leave only what fits.
    if inside.mean() < USUAL_INSIDE:
        return 0.0
    found, groups = found[inside], groups[inside]
    if len(found) < 100:
        return 0.0
    count = np.bincount(groups)
    here = count > 0
    mean = np.bincount(groups, found)[here] / count[here]
    total = float(found.var())
    between = float((count[here] * (mean - found.mean()) ** 2).sum() / count.sum())
    return between / total if total > 0 else 0.0
