"""A recipe's spatial steps, one after the other, and the way back."""

import numpy as np

from medzoo.errors import RecipeError
from medzoo.spatial.atlas import atlas
from medzoo.spatial.bias_field import correct_bias_field
from medzoo.spatial.crop_pad import crop_pad
from medzoo.spatial.grid import Grid
from medzoo.spatial.orient import orient
from medzoo.spatial.register import register
from medzoo.spatial.resample import resample, resample_to
from medzoo.spatial.tissue_contrast import limit_contrast
from medzoo.volume import Volume

# Below this correlation with the average brain the image is hardly a T1 of a head.
DOUBTFUL_CORRELATION = 0.5
# An average brain is this bright only where most heads have white matter.
DEEP_WHITE_MATTER = 0.93
# Adult brains measured: 0.83 to 1.03 times the atlas.
PLAUSIBLE_SCALE = (0.7, 1.3)


class Undo:
    """The way back from the network's grid into the space of the input.

    Args:
        source: `Grid` of the input.
        to_source: `(4, 4)` float64, world of the network's grid -> world of the input.
        grid: `Grid` that the network saw.
        notes: tuple of str, what the steps found worth a warning.
    """

    def __init__(self, source, to_source, grid, notes=()):
        self.source = source
        self.to_source = to_source
        self.grid = grid
        self.notes = tuple(notes)

    def __call__(self, array, *, interpolation="nearest", background=0.0):
        """Brings an array on the network's grid back onto the grid of the input.

        Args:
            array: `(x, y, z)` or `(x, y, z, channel)`, on the network's grid.
            interpolation: "nearest" for label maps, "linear" for images.
            background: float, the value outside what the network saw.

        Returns:
            Volume on the input's grid, in its world space. Steps that did not
            interpolate are undone without loss.
        """
        volume = Volume(array, self.to_source @ self.grid.affine)
        return resample_to(
            volume, self.source, interpolation=interpolation, background=background
        )


class SpatialChain:
    """Applies spatial steps to a Volume and records how to undo them.

    Args:
        steps: list of dict `{"step": name, "arguments": {...}}`, plain JSON. Steps:
            "orient" (orientation), "resample" (spacing), "crop_pad" (size),
            "register" (atlas), "sample" (shape, spacing, centre), "mask" (atlas,
            probability), "correct_bias" (shrink, iterations, control_points),
            "limit_contrast" (atlas, probability, lowest, highest).

    Raises:
        RecipeError: for an unknown step.
    """

    def __init__(self, steps):
        self.steps = [(s["step"], dict(s.get("arguments", {}))) for s in steps]
        for name, _ in self.steps:
            if name not in _STEPS:
                raise RecipeError(
                    "A spatial step must be a known one. "
                    f"Received: step={name!r}. Use one of {sorted(_STEPS)}."
                )

    def __call__(self, volume):
        """Returns the Volume after all steps, and an `Undo`."""
        source = Grid.of(volume)
        state = _State(volume)
        for name, arguments in self.steps:
            _STEPS[name](state, **arguments)
        grid = Grid.of(state.volume)
        return state.volume, Undo(source, state.to_source, grid, state.notes)


class _State:
    """The Volume on its way, and how its world lies to that of the input."""

    def __init__(self, volume):
        self.volume = volume
        self.to_source = np.eye(4)
        self.notes = []


def _orient(state, orientation):
    state.volume = orient(state.volume, orientation)


def _resample(state, spacing):
    state.volume = resample(state.volume, spacing)


def _crop_pad(state, size, centre=None):
    state.volume = crop_pad(state.volume, size, centre=centre)


def _register(state, atlas):
    found = register(state.volume, atlas)
    if found.correlation < DOUBTFUL_CORRELATION:
        state.notes.append(
            f"the image resembles a T1 of a head little (correlation "
            f"{found.correlation:.2f} with the average brain): do not trust the result"
        )
    elif not PLAUSIBLE_SCALE[0] < found.scale < PLAUSIBLE_SCALE[1]:
        state.notes.append(
            f"the brain is {found.scale:.2f} times as long as the average one: the "
            "voxel size in the header may be wrong"
        )
    # Only the world changes: the one interpolation is left to the "sample" step.
    to_atlas = np.linalg.inv(found.to_image)
    state.to_source = state.to_source @ found.to_image
    state.volume = state.volume.with_affine(to_atlas @ state.volume.affine)


def _sample(state, shape, spacing, centre):
    state.volume = resample_to(state.volume, Grid.centred(shape, spacing, centre))


def _mask(state, atlas, probability):
    mask = _brain_mask(atlas, probability, Grid.of(state.volume))
    array = np.asarray(state.volume.array, np.float32)
    inside = array[mask]
    # From the darkest voxel inside: also a scan that was standardised has dark
    # background then.
    array = np.where(mask, array - inside.min() if inside.size else array, 0)
    state.volume = state.volume.with_array(array)


def _correct_bias(state, **arguments):
    state.volume = correct_bias_field(state.volume, **arguments)


def _limit_contrast(state, atlas, probability, lowest, highest):
    grid = Grid.of(state.volume)
    state.volume = limit_contrast(
        state.volume,
        _brain_mask(atlas, probability, grid),
        _white_matter_mask(atlas, grid),
        lowest=lowest,
        highest=highest,
    )


def _brain_mask(name, probability, grid):
    source = atlas(name)
    volume = Volume(source.probability, source.grid.affine)
    return resample_to(volume, grid).array > probability


def _white_matter_mask(name, grid):
    source = atlas(name)
    volume = Volume(source.brain, source.grid.affine)
    return resample_to(volume, grid).array > DEEP_WHITE_MATTER


_STEPS = {
    "orient": _orient,
    "resample": _resample,
    "crop_pad": _crop_pad,
    "register": _register,
    "sample": _sample,
    "mask": _mask,
    "correct_bias": _correct_bias,
    "limit_contrast": _limit_contrast,
}
