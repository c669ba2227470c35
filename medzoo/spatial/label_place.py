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
# A mirrored map must explain the image's intensities so much better to be mentioned.
MUCH_BETTER, CLEARLY = 1.2, 0.03
AXES = ("first", "second", "third")
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
        odd. Takes 0.1 s.
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
    mirrored = _better_mirrored(array, image.affine, labels, index, values)
    if mirrored is not None:
        odd.append(f"it fits better when it is mirrored along its {mirrored} axis")
    return None, odd


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


def _better_mirrored(array, affine, labels, index, values):
    """The axis along which the mirrored map explains intensities clearly better."""
    if len(np.unique(values)) < 3:
        return None
    own = _explained(array, affine, labels.affine, index, values)
    for axis, name in enumerate(AXES):
        mirrored = index.copy()
        mirrored[:, axis] = labels.shape[axis] - 1 - index[:, axis]
        share = _explained(array, affine, labels.affine, mirrored, values)
        if share > MUCH_BETTER * own and share > own + CLEARLY:
            return name
    return None


def _explained(array, affine, labels_affine, index, values):
    """Share of the variance of intensities that labels explain, where there are any."""
    found, inside = _values_at(array, affine, labels_affine, index)
    chosen = inside & (values > 0)
    if chosen.sum() < 100:
        return 0.0
    found, (_, groups) = found[chosen], np.unique(values[chosen], return_inverse=True)
    count = np.bincount(groups)
    mean = np.bincount(groups, found) / count
    total = float(found.var())
    between = float((count * (mean - found.mean()) ** 2).sum() / count.sum())
    return between / total if total > 0 else 0.0
