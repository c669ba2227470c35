"""Super-resolution: a scan with more and smaller voxels in the same place."""

from math import prod

import numpy as np

from medzoo.errors import InputError, RecipeError, ResourceError
from medzoo.inference.engine import engine_of
from medzoo.inference.postprocess import step_arguments
from medzoo.inference.sliding_window import sliding_window
from medzoo.inference.spread import spread_scale
from medzoo.inference.task import Task
from medzoo.spatial.background import from_background, is_standardised_inside
from medzoo.spatial.factor_grid import factor_of, finer_affine
from medzoo.spatial.foreground import foreground_scale
from medzoo.volume import Volume

# Coarse voxels along each axis of a window, the largest first that memory allows.
WINDOWS = (64, 48, 32)
OVERLAP = 0.25
MOST_BYTES = 4_000_000_000
# What the interpreter, Keras and the features of one window take.
FIXED_BYTES = 1_000_000_000
# Blended outputs of a window's length are held twice while they are finished.
SLAB_COPIES = 2


class SuperResolution(Task):
    """A scan with `factor` times as many voxels along each axis of the network.

    Works on the grid of the input: axes are only reordered and mirrored, as the
    recipe's spatial steps say, and put back after. The outer voxel edges stay.
    """

    gives_images = True

    def place(self, scan):
        """Brings a scan onto the network's grid; refuses what does not fit memory."""
        window_for(scan.shape, self._factor, 1 + self._has_spread)
        x, undo = super().place(scan)
        axes_between(scan.affine, x.affine, self.recipe["name"])
        return x, undo

    def network(self, x):
        """Returns the fine image and its standard deviation or None, as `x` lies."""
        found = super_resolve(
            self.model,
            x.array,
            self.recipe,
            engine=self.settings.engine_of(self.model),
            progress=self.settings.progress,
            spread=self._has_spread,
        )
        return found if self._has_spread else (found, None)

    def postprocess(self, y):
        """Leaves the images as they are: intensities are those of the scan."""
        return y

    def restore(self, found, undo):
        """Puts axes back in the order and direction of the input."""
        source = undo.source.affine
        order, mirrored = axes_between(source, undo.grid.affine, self.recipe["name"])
        factor = [self._factor[axis] for axis in np.argsort(order)]
        affine = finer_affine(source, factor)
        image, spread = (
            None if array is None else Volume(_as_given(array, order, mirrored), affine)
            for array in found
        )
        return {"image": image, "uncertainty": spread}

    @property
    def _factor(self):
        return factor_of(self.recipe)

    @property
    def _has_spread(self):
        return self.settings.uncertainty == "tta"


def super_resolve(model, array, recipe, *, engine=None, progress=None, spread=False):
    """Makes an array with `factor` times as many voxels along each axis.

    Args:
        model: Keras model, `(n, x, y, z, 1)` -> `(n, x fx, y fy, z fz, 1)`.
        array: `(x, y, z, 1)` float array, as the network's axes run.
        recipe: dict, the recipe's content. Its postprocessing may have the step
            "mirror" (axis): the mean with the mirrored scan's output.
        engine: callable from a batch to the output, as `engine_of(model)` gives, which
            None stands for.
        progress: callable `(done, total)` or None.
        spread: bool, whether to give the usual error of each voxel too: how far
            outputs for the scan mirrored along each axis differ, times the scale of
            the recipe's step "spread".

    Returns:
        `(x fx, y fy, z fz)` float32 array in the intensity unit of the input, nowhere
        below 0 where the input is not, and 0 outside the mask of one that was
        standardised within it. With `spread` a pair of it and an array of
        standard deviations.

    Raises:
        InputError: if the output is not finite.
        ResourceError: if the result would take more memory than allowed.
    """
    factor, shape = factor_of(recipe), array.shape[:3]
    window = window_for(shape, factor, 1 + spread)
    given = array
    if is_standardised_inside(given[..., 0]):
        array = from_background(given[..., 0])[..., None]
    background, height = foreground_scale(array)
    scaled = (array - np.float32(background)) / np.float32(height)
    mirror = step_arguments(recipe, "mirror")
    fine = _FineVolume(shape, factor, 1 + spread)
    run = engine or engine_of(model)
    found = output_and_spread if spread else output_alone
    sliding_window(
        lambda batch: fine.to_channels(found(run, batch, mirror)),
        scaled,
        window_size=window,
        overlap=OVERLAP,
        finish=fine.add,
        progress=progress,
    )
    image = fine.arrays[0]
    image *= np.float32(height)
    image += np.float32(background)
    if array is not given:
        _standardise(image, given[..., 0], array[..., 0], factor)
    elif array.min() >= 0:
        np.maximum(image, 0, out=image)
    if not spread:
        return image
    fine.arrays[1] *= np.float32(height * spread_scale(recipe))
    return image, fine.arrays[1]


def _standardise(image, given, raised, factor):
    """Brings a result back to the unit of a scan that was standardised, in place.

    Args:
        image: the result for `raised`.
        given: `(x, y, z)`, 0 outside a mask, of mean 0 inside.
        raised: `(x, y, z)`, what `from_background` made of it.
        factor: three ints.
    """
    inside = raised > 0
    # One number, but for voxels that it would have left below 0.
    shift = np.float32(np.median((raised - given)[inside]))
    for index in range(len(given)):
        slab = image[index * factor[0] : (index + 1) * factor[0]]
        fine = np.repeat(np.repeat(inside[index], factor[1], 0), factor[2], 1)
        slab -= shift
        slab[:, ~fine] = 0


def _as_given(array, order, mirrored):
    """A fine array with its axes in the order of the input."""
    array = np.flip(array, [a for a in range(3) if mirrored[a]])
    # Contiguous only where it is written; a copy here would double the memory.
    return array.transpose(*np.argsort(order))


def window_for(shape, factor, images=1):
    """Returns the window, in coarse voxels, with which a scan fits into memory.

    Args:
        shape: three ints, of the input.
        factor: three ints.
        images: int, fine volumes that are made.

    Raises:
        ResourceError: with the plan, if none does.
    """
    outputs = images * prod(factor)
    result = 4 * prod(shape) * outputs
    longest = int(np.argmax(shape))
    section = prod(n for axis, n in enumerate(shape) if axis != longest)
    for size in WINDOWS:
        length = min(size, shape[longest])
        slab = 4 * SLAB_COPIES * length * section * outputs
        if result + slab + FIXED_BYTES <= MOST_BYTES:
            return tuple(min(size, n) for n in shape)
    fine = tuple(n * f for n, f in zip(shape, factor, strict=True))
    raise ResourceError(
        f"A prediction must fit into {MOST_BYTES / 1e9:.1f} GB. Received: "
        f"shape={tuple(shape)}, which becomes {fine}: {result / 1e9:.1f} GB for the "
        f"result, {slab / 1e9:.1f} for windows, {FIXED_BYTES / 1e9:.1f} for the "
        "network. Crop the scan, or resample it to the coarser voxels that the model "
        "is made for."
    )


def axes_between(source, target, name):
    """Finds how the axes of one grid lie in those of another.

    Args:
        source: `(4, 4)` affine of the input.
        target: `(4, 4)` affine of the same voxels in another order.
        name: str, of the recipe, for the message.

    Returns:
        tuple of three ints, the source axis of each target axis, and tuple of three
        bools, whether that axis runs the other way.

    Raises:
        RecipeError: if the voxels are not the same ones.
    """
    between = (np.linalg.inv(source) @ target)[:3, :3]
    signs = np.rint(between)
    order = np.abs(signs).argmax(axis=0)
    permutes = sorted(order.tolist()) == [0, 1, 2] and np.abs(signs).sum() == 3
    if not permutes or not np.allclose(between, signs, atol=1e-4):
        raise RecipeError(
            "Super-resolution works on the voxels of the input: its spatial steps may "
            f"only reorder axes. Received: another grid by the recipe of {name}. "
            'Keep the step "orient" alone.'
        )
    mirrored = signs[order, range(3)] < 0
    return tuple(int(o) for o in order), tuple(bool(m) for m in mirrored)


def output_of(run, batch, mirror=None):
    """Runs the network on windows, mirrored too if the recipe has the step.

    Args:
        run: callable, `(n, x, y, z, 1)` -> `(n, x fx, y fy, z fz, 1)`.
        batch: `(n, x, y, z, 1)` float32.
        mirror: dict `{"axis": int}` or None.

    Returns:
        `(n, x fx, y fy, z fz, 1)` float32 array.
    """
    found = run(batch)
    if mirror is None:
        return found
    # A head is symmetric: the mean over both sides errs less than either.
    axis = 1 + mirror["axis"]
    return (found + np.flip(run(np.flip(batch, axis)), axis)) / 2


def output_alone(run, batch, mirror=None):
    """As `output_of`, a tuple of one array."""
    return (output_of(run, batch, mirror),)


def output_and_spread(run, batch, mirror=None):
    """As `output_of`, and the standard deviation over the windows' mirror images.

    Returns:
        tuple of two `(n, x fx, y fy, z fz, 1)` float32 arrays.
    """
    outputs = [output_of(run, batch)]
    for axis in (1, 2, 3):
        found = output_of(run, np.flip(batch, axis))
        outputs.append(np.flip(found, axis))
    mean = outputs[0]
    if mirror is not None:
        mean = (mean + outputs[1 + mirror["axis"]]) / 2
    return mean, np.std(outputs, axis=0, dtype=np.float32)


class _FineVolume:
    """Takes blended windows in order and sets them into the fine array.

    The sliding window works on the coarse grid: there the fine voxels of a coarse one
    are its channels.
    """

    def __init__(self, shape, factor, count=1):
        self.factor = factor
        sizes = [n * f for n, f in zip(shape, factor, strict=True)]
        self.arrays = [np.empty(sizes, np.float32) for _ in range(count)]
        # As sliding_window: slabs come along the longest axis, which it puts first.
        self.axis = int(np.argmax(shape))
        self.done = 0

    def to_channels(self, parts):
        """Each `(n, x fx, y fy, z fz, 1)` -> `(n, x, y, z, count fx fy fz)`."""
        return np.concatenate([self._to_channels(part) for part in parts], -1)

    def _to_channels(self, fine):
        if not np.isfinite(fine).all():
            raise InputError(
                "The model output must not contain NaN or Inf. Received: an image "
                "that does. Check the intensities."
            )
        fx, fy, fz = self.factor
        n, x, y, z, _ = fine.shape
        parts = fine.reshape(n, x // fx, fx, y // fy, fy, z // fz, fz)
        parts = parts.transpose(0, 1, 3, 5, 2, 4, 6)
        return parts.reshape(*parts.shape[:4], fx * fy * fz)

    def add(self, slab):
        """Sets `(a, b, c, count fx fy fz)`, longest axis first; leaves nothing."""
        fx, fy, fz = self.factor
        slab = np.moveaxis(slab, 0, self.axis)
        x, y, z, _ = slab.shape
        parts = slab.reshape(x, y, z, len(self.arrays), fx, fy, fz)
        count = slab.shape[self.axis] * self.factor[self.axis]
        place = [slice(None)] * 3
        place[self.axis] = slice(self.done, self.done + count)
        for number, array in enumerate(self.arrays):
            fine = parts[:, :, :, number].transpose(0, 3, 1, 4, 2, 5)
            array[tuple(place)] = fine.reshape(x * fx, y * fy, z * fz)
        self.done += count
        return np.empty((*np.moveaxis(slab, self.axis, 0).shape[:3], 0), np.float32)
