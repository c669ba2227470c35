"""A recipe's spatial steps in sequence, and their inverse."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from medzoo.errors import RecipeError
from medzoo.spatial.atlas import CONTRASTS
from medzoo.spatial.atlas import atlas as _atlas
from medzoo.spatial.background import (
    STANDARDISED,
    about_background,
    each_channel,
    from_background,
    is_standardised_inside,
    masked,
    without_wild_voxels,
)
from medzoo.spatial.bias_field import correct_bias_field
from medzoo.spatial.blurred import resample_blurred
from medzoo.spatial.brain_box import (
    DEEP_WHITE_MATTER,
    brain_box,
    crop_to_box,
    scale_to_white_matter,
)
from medzoo.spatial.channel_agreement import agreement_doubts, overlap_doubts
from medzoo.spatial.channel_contrast import contrast_doubts
from medzoo.spatial.coordinates import add_coordinates
from medzoo.spatial.crop_pad import crop_pad
from medzoo.spatial.doubt import IMAGE, Doubt
from medzoo.spatial.grid import Grid
from medzoo.spatial.header_rounding import without_rounding
from medzoo.spatial.normalising_steps import NORMALISING, deform
from medzoo.spatial.orient import orient
from medzoo.spatial.plausibility import (
    head_doubts,
    kind_doubts,
    missing_doubts,
    slice_doubts,
)
from medzoo.spatial.register import rigid_part
from medzoo.spatial.resample import resample, resample_to
from medzoo.spatial.shared_registration import register_once
from medzoo.spatial.tissue_contrast import limit_contrast
from medzoo.spatial.transform import Transform
from medzoo.spatial.undo import Undo
from medzoo.volume import Volume

TRANSFORMS = ("affine", "rigid", "deformable")
# mm, of the grid that a deformed head is drawn on where the step does not say.
DEFORMED_SPACING = 2.0
# Steps that take intensities from the background on.
FROM_BACKGROUND = ("mask", "scale_to_white_matter")


class SpatialChain:
    """Applies spatial steps to a Volume and records how to undo them.

    Args:
        steps: list of dict `{"step": name, "arguments": {...}}`, plain JSON. Steps:
            "orient" (orientation), "resample" (spacing, tolerance: the share by which
            an axis may differ and is left alone; finer: a smaller one for axes that
            are finer, which cost time), "crop_pad" (size),
            "crop_to_brain" (atlas, probability, margin in mm),
            "scale_to_white_matter" (atlas, own: whether the head's own white matter
            is looked for, of T1s),
            "register" (atlas, transform: "affine", or "rigid", which keeps the
            head's own size, or "deformable": then atlas names a standard space, as
            "mni152", and the step draws the image there, at `spacing` mm),
            "sample" (shape, spacing, centre, blur: width at half maximum of a
            Gaussian before it, mm), "mask" (atlas, probability),
            "n4" (spacing, iterations),
            "denoise" (method, sigma), "strip" (space),
            "correct_bias" (shrink, iterations, control_points), "limit_contrast"
            (atlas, probability, lowest, highest, grey: "mode" or "median"),
            "add_coordinates" (atlas, mirrored), the last step: where each voxel lies
            in the atlas, as three more channels;
            "check_head" (atlas), for recipes that no other step registers.
        channels: names of the Volume's channels, as "t1", by which the scan is
            judged (see `medzoo.spatial.plausibility`; doubts become notes of the
            `Undo`), or None: then it is not judged.

    Raises:
        RecipeError: for an unknown step.
    """

    def __init__(self, steps: Any, channels: Any = None) -> None:
        self.channels = channels
        self.steps = [(s["step"], dict(s.get("arguments", {}))) for s in steps]
        for name, _ in self.steps:
            if name not in _STEPS:
                raise RecipeError(
                    "A spatial step must be a known one. "
                    f"Received: step={name!r}. Use one of {sorted(_STEPS)}."
                )

    def __call__(self, volume: Any) -> Any:
        """Returns the Volume after all steps, and an `Undo`."""
        source = Grid.of(volume)
        if any(name == "register" for name, _ in self.steps):
            volume = without_rounding(volume)
        raised = any(name in FROM_BACKGROUND for name, _ in self.steps)
        state = _State(volume, self.channels, raised=raised)
        for name, arguments in self.steps:
            _STEPS[name](state, **arguments)
        to_source, grid, warp = state.to_source, Grid.of(state.volume), None
        if state.warp is not None:
            warp = Transform([to_source]).then(state.warp)
            to_source = warp.matrix
        notes, to_atlas = state.notes, state.to_atlas()
        return state.volume, Undo(source, to_source, grid, notes, to_atlas, warp)


class _State:
    """The Volume on its way, and how its world lies to that of the input."""

    def __init__(self, volume, channels, *, raised):
        self.volume = volume
        self.channels = channels
        self.to_source = np.eye(4)
        # Where a step deformed the image: world after it -> world of the input.
        self.warp = None
        self.notes = []
        self._strange = False
        self._found = {}
        if channels is not None:
            for index in self.present():
                self.notes += kind_doubts(self.channel(index).array, channels[index])
            # What is no scan is no head either: one doubt is enough.
            self._strange = bool(self.notes)
            self.notes += slice_doubts(volume.spacing, channels[self.present()[0]])
        # After the doubts, which are about what was given.
        self._clean(raised)

    def _clean(self, raised):
        """Limits wild voxels; raises intensities so that the background is 0."""
        for index in self.present():
            array = self.channel(index).array
            name = "scan" if self.channels is None else f"{self.channels[index]} image"
            cleaned, count = without_wild_voxels(array)
            if count:
                self.notes.append(
                    f"{count} voxels of the {name} lie far beyond all others and were "
                    "limited"
                )
            if is_standardised_inside(cleaned):
                text = (
                    f"the {name} has mean 0 inside the brain and 0 outside, as after "
                    f"standardisation: {STANDARDISED[raised]}"
                )
                self.notes.append(Doubt(text, IMAGE))
            if raised:
                cleaned = from_background(cleaned)
            if cleaned is not array:
                self._replace(index, cleaned)

    def _replace(self, index, array):
        if self.volume.array.ndim == 4:
            whole = np.array(self.volume.array, np.float32)
            whole[..., index] = array
            array = whole
        self.volume = self.volume.with_array(array)

    def present(self):
        """Indices of the channels that are not 0 everywhere; the first if none is."""
        array = self.volume.array
        if self.volume.num_channels == 1:
            return [0]
        return [c for c in range(array.shape[3]) if array[..., c].any()] or [0]

    def channel(self, index):
        """Returns a Volume of one channel, `(x, y, z)`."""
        array = self.volume.array
        return self.volume.with_array(array if array.ndim == 3 else array[..., index])

    def registered(self, atlas):
        """Returns the `Registration` of the first channel that is there, found once."""
        if atlas not in self._found:
            index = self.present()[0]
            image = self.channel(index)
            image = image.with_array(from_background(image.array))
            kind = None if self.channels is None else self.channels[index]
            contrast = kind if kind in CONTRASTS else "t1"
            self._found[atlas] = register_once(image, atlas, contrast)
            if self.channels is not None and not self._strange:
                name = self.channels[index]
                self.notes += head_doubts(image, self._found[atlas], atlas, name)
                self.notes += self._doubts_of_others(atlas, image)
        return self._found[atlas]

    def to_atlas(self):
        """Returns voxel -> atlas world, mm, `(4, 4)`, or None if nothing is known."""
        for found in self._found.values():
            return np.linalg.inv(found.to_image) @ self.volume.affine
        return None

    def _doubts_of_others(self, atlas, first):
        """Each further channel against its kind, and against the first one."""
        notes, found = [], self._found[atlas]
        first_name = self.channels[self.present()[0]]
        for index in self.present()[1:]:
            name, image = self.channels[index], self.channel(index)
            doubts = agreement_doubts(first, image, found, atlas, (first_name, name))
            # Whose folds agree lie in one place, however dark one of them is.
            if doubts != []:
                doubts = overlap_doubts(first.array, image.array, name) or doubts or []
            # Of somebody else, or elsewhere, it says nothing of this brain.
            notes += doubts or missing_doubts(image, found, atlas, name)
            notes += contrast_doubts(image, found, atlas, name)
        return notes

    def move(self, world):
        """Gives the volume another world, `(4, 4)` old mm -> new mm."""
        self.to_source = self.to_source @ np.linalg.inv(world)
        self.volume = self.volume.with_affine(world @ self.volume.affine)
        self.forget()

    def forget(self):
        """What was found in the old world is not true in the new one."""
        self._found = {}

    def found_again(self, atlas, registration):
        """Knows of one atlas alone how it lies to the volume in its new world."""
        self._found = {atlas: registration}


def _orient(state, orientation):
    state.volume = orient(state.volume, orientation)


def _resample(state, spacing, tolerance=0.0, finer=None):
    wanted = np.broadcast_to(np.asarray(spacing, np.float64), 3)
    own = np.asarray(state.volume.spacing)
    # Headers hold float32: 0.95 mm there is a little less or more.
    excess = np.round(own / wanted - 1, 4)
    # An axis that is nearly right is left alone: no interpolation, nothing to undo.
    least = -(tolerance if finer is None else finer)
    wanted = np.where((least <= excess) & (excess <= tolerance), own, wanted)
    if not np.array_equal(wanted, own):
        state.volume = resample(state.volume, wanted)


def _crop_pad(state, size, centre=None):
    draw = partial(crop_pad, size=size, centre=centre)
    state.volume = about_background(state.volume, draw)


def _crop_to_brain(state, atlas, probability, margin):
    found = state.registered(atlas)
    size = {"probability": probability, "margin": margin}
    box = brain_box(Grid.of(state.volume), found.to_image, _atlas(atlas), **size)
    state.volume = crop_to_box(state.volume, box)


def _scale_to_white_matter(state, atlas, own=False):
    to_image = state.registered(atlas).to_image
    state.volume = scale_to_white_matter(state.volume, to_image, _atlas(atlas), own=own)


def _register(state, atlas, transform="affine", spacing=DEFORMED_SPACING):
    if transform not in TRANSFORMS:
        raise RecipeError(
            f"A head is registered by one of {TRANSFORMS}. "
            f"Received: transform={transform!r}."
        )
    if transform == "deformable":
        deform(state, atlas, spacing)
        return
    to_image = state.registered(atlas).to_image
    if transform == "rigid":
        to_image = rigid_part(to_image, _atlas(atlas).centre)
    found = state.registered(atlas)
    # Only the world changes: the one interpolation is left to the "sample" step.
    world = np.linalg.inv(to_image)
    state.move(world)
    state.found_again(atlas, replace(found, to_image=world @ found.to_image))


def _add_coordinates(state, atlas, mirrored=True):
    to_image = state.registered(atlas).to_image
    state.volume = add_coordinates(
        state.volume, to_image, _atlas(atlas), mirrored=mirrored
    )


def _check_head(state, atlas):
    state.registered(atlas)


def _sample(state, shape, spacing, centre, blur=None):
    grid = Grid.centred(shape, spacing, centre)
    draw = partial(resample_to, grid=grid)
    if blur is not None:
        draw = partial(resample_blurred, grid=grid, fwhm=blur)
    state.volume = about_background(state.volume, draw)


def _mask(state, atlas, probability):
    mask = _brain_mask(atlas, probability, Grid.of(state.volume))
    state.volume = each_channel(state.volume, partial(masked, mask=mask))


def _correct_bias(state, **arguments):
    change = partial(correct_bias_field, **arguments)
    state.volume = each_channel(state.volume, change)


def _limit_contrast(state, atlas, probability, lowest, highest, grey="mode"):
    grid = Grid.of(state.volume)
    state.volume = limit_contrast(
        state.volume,
        _brain_mask(atlas, probability, grid),
        _white_matter_mask(atlas, grid),
        lowest=lowest,
        highest=highest,
        grey=grey,
    )


def _brain_mask(name, probability, grid):
    source = _atlas(name)
    volume = Volume(source.probability, source.grid.affine)
    return resample_to(volume, grid).array > probability


def _white_matter_mask(name, grid):
    source = _atlas(name)
    volume = Volume(source.brain, source.grid.affine)
    return resample_to(volume, grid).array > DEEP_WHITE_MATTER


_STEPS: dict[str, Callable[..., None]] = {
    "orient": _orient,
    "resample": _resample,
    "crop_pad": _crop_pad,
    "crop_to_brain": _crop_to_brain,
    "scale_to_white_matter": _scale_to_white_matter,
    "register": _register,
    "sample": _sample,
    "mask": _mask,
    "correct_bias": _correct_bias,
    "limit_contrast": _limit_contrast,
    "add_coordinates": _add_coordinates,
    "check_head": _check_head,
    **NORMALISING,
}
