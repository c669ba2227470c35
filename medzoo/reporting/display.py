"""Volumes made small enough for a page: one grid, eight bits, compressed."""

import base64
import zlib
from dataclasses import dataclass, replace

import numpy as np

from medzoo.drawing.heat import strongest
from medzoo.drawing.pictures import area_weights, centres, grey_levels
from medzoo.drawing.slice_views import displayed, middle_and_window
from medzoo.spatial import Grid, orient, resample_to

# Of one case: with its pictures and the page around it, a report stays under 4 MB.
CASE_BYTES = 3_600_000
# Of all cases of a report together: what a browser opens without trouble.
REPORT_BYTES = 48_000_000
# Below this no viewer is worth its bytes: three slices have to do.
LEAST_BYTES = 60_000
# The first guess of what a voxel takes comes from every eighth slice.
SAMPLE = 8
# An axis longer than this is made shorter, whatever the bytes.
LONGEST_AXIS = 320
MAX_TRIES = 8
# Of a signed map in eight bits.
HEAT_ZERO, HEAT_LEVELS = 128, 127


@dataclass(frozen=True)
class Display:
    """What a viewer shows of a case, on one grid in RAS.

    Args:
        spacing: three floats, mm.
        full_shape: three ints, voxels before they were made fewer.
        middle: three ints, the voxel to start at.
        layers: dict of "image", "result", "labels" or "heat" -> `(x, y, z)` uint8. A
            heat of 128 is 0; 255 and 1 are the strongest.
        affine: `(4, 4)` array, voxel -> world, mm RAS+.
    """

    spacing: tuple
    full_shape: tuple
    middle: tuple
    layers: dict
    affine: np.ndarray

    @property
    def shape(self):
        """Three ints, voxels."""
        return self.layers["image"].shape

    @property
    def reduced(self):
        """bool: whether there are fewer voxels than the case has."""
        return tuple(self.shape) != tuple(self.full_shape)

    def encoded(self):
        """Returns dict of layer -> base64 of the zlib stream of its bytes, C order."""
        return {name: _packed(array) for name, array in self.layers.items()}


def case_budget(cases):
    """Returns how many bytes the viewer of each case may take; 0 for no viewer.

    Args:
        cases: int, number of cases in the report.
    """
    share = min(CASE_BYTES, REPORT_BYTES // max(cases, 1))
    return share if share >= LEAST_BYTES else 0


def make_display(scan, prediction):
    """Returns the `Display` of a case at full size.

    Args:
        scan: Volume, scalar, as it was given.
        prediction: `Prediction`; its image is shown beside the scan, its label map
            over it.
    """
    shown = displayed(scan)
    middle, window = middle_and_window(shown)
    shown = shown.with_array(grey_levels(shown.array, window))
    layers = {}
    if prediction.image is not None:
        result = displayed(prediction.image)
        grid = Grid.of(result)
        if grid.shape != tuple(shown.shape):
            shown = resample_to(shown, grid, interpolation="nearest")
            middle, _ = middle_and_window(shown)
        layers["result"] = grey_levels(result.array, window)
    layers["image"] = shown.array
    if prediction.labels is not None:
        labels = orient(prediction.classes(), "RAS").array
        layers["labels"] = np.minimum(labels, 255).astype(np.uint8)
    shape, affine = tuple(shown.shape), shown.affine
    return Display(shown.spacing, shape, middle, layers, affine)


def with_heat(display, signed, limit):
    """Lays a signed map over a `Display`, which then starts where it is strongest.

    Args:
        display: `Display` at full size, without a result beside the scan.
        signed: Volume on the scan's grid.
        limit: float, what the strongest colour stands for.
    """
    values = orient(signed, "RAS").array
    levels = np.rint(HEAT_LEVELS * np.clip(values / limit, -1, 1)) + HEAT_ZERO
    layers = {**display.layers, "heat": levels.astype(np.uint8)}
    return replace(display, layers=layers, middle=strongest(values))


def fit_display(display, budget):
    """Makes the voxels of a `Display` fewer until it fits.

    Args:
        display: `Display` at full size.
        budget: int, bytes.

    Returns:
        `Display`, and its layers as `Display.encoded` gives them; or None where it
        fits at no useful size.
    """
    sample = [array[::SAMPLE] for array in display.layers.values()]
    voxels = 0.95 * sample[0].size * budget / sum(map(len, map(_packed, sample)))
    for _ in range(MAX_TRIES):
        small = reduced(display, voxels)
        layers = small.encoded()
        size = sum(map(len, layers.values()))
        if size <= budget:
            return small, layers
        voxels = 0.95 * small.layers["image"].size * budget / size
    return None


def _packed(array):
    return base64.b64encode(zlib.compress(array.tobytes(), 6)).decode("ascii")


def reduced(display, voxels):
    """Makes the voxels of a `Display` fewer, as nearly cubes as they can be.

    Args:
        display: `Display` at full size.
        voxels: float, how many there are at most; no axis has more than 320.

    Returns:
        `Display`, the same one where it has no more.
    """
    shape, spacing = np.array(display.full_shape), np.array(display.spacing)
    size = spacing.min()
    while True:
        new = np.maximum(spacing, size)
        counts = np.maximum(np.floor(shape * spacing / new + 1e-6), 1).astype(int)
        if counts.max() <= LONGEST_AXIS and counts.prod() <= max(voxels, 1):
            break
        size *= 1.02
    if (counts == shape).all():
        return display
    layers = {
        name: _pick(array, counts) if name == "labels" else _average(array, counts)
        for name, array in display.layers.items()
    }
    middle = np.minimum((np.array(display.middle) + 0.5) * counts / shape, counts - 1)
    step = shape / counts
    # A new voxel's centre is that of those that it covers.
    into = np.diag([*step, 1.0])
    into[:3, 3] = (step - 1) / 2
    return Display(
        tuple(float(s) for s in spacing * step),
        display.full_shape,
        tuple(int(m) for m in middle),
        layers,
        display.affine @ into,
    )


def _average(array, counts):
    """Each new voxel is the mean of what it covers, axis by axis."""
    array = array.astype(np.float32)
    for axis, count in enumerate(counts):
        if count != array.shape[axis]:
            share = area_weights(array.shape[axis], count).astype(np.float32)
            array = np.moveaxis(np.tensordot(share, array, (1, axis)), 0, axis)
    return np.ascontiguousarray(np.rint(array).astype(np.uint8))


def _pick(array, counts):
    """The class at the centre of each new voxel."""
    places = [centres(n, count) for n, count in zip(array.shape, counts, strict=True)]
    return np.ascontiguousarray(array[np.ix_(*places)])
