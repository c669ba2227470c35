"""The steps of `medzoo preprocess`, as they are written and as they are done."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from medzoo.errors import WARNINGS_LOCK, InputError, MedzooWarning
from medzoo.preprocessing.brain_mask import METHODS as BRAIN_METHODS
from medzoo.preprocessing.brain_mask import brain_mask, volume_ml
from medzoo.preprocessing.intensities import ct_window, rescale, white_stripe, zscore
from medzoo.spatial.apply_transform import apply, cubes
from medzoo.spatial.background import background_level, from_background
from medzoo.spatial.deface import deface, face_mask
from medzoo.spatial.n4 import bias_field, field_range
from medzoo.spatial.noise import METHODS as NOISE_METHODS
from medzoo.spatial.noise import denoise, noise_level
from medzoo.spatial.registration import KINDS, register
from medzoo.spatial.resample import resample
from medzoo.spatial.standard_space import SPACES
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: str.
        options: tuple of str, what stands after "=", apart by ":".
    """

    name: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name + ("=" + ":".join(self.options) if self.options else "")


@dataclass
class Normalised:
    """A scan on its way through the steps.

    Attributes:
        volume: Volume, as it is now.
        mask: Volume bool on its grid, the brain, or None before "strip".
        transform: `Transform` to the scan as given, or None before "register".
        has_standard_size: Whether that brought the head to the size of the standard
            space, too; a rigid one does not.
        quality: dict of step -> dict of str -> number.
        warnings: list of str.
        contrast: str, of the scan.
    """

    volume: Volume
    mask: Volume | None = None
    transform: Transform | None = None
    has_standard_size: bool = True
    quality: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)
    contrast: str = "t1"


def parse_steps(text: str) -> tuple[Step, ...]:
    """Reads steps, as "strip,n4,denoise,register=mni:affine".

    Args:
        text: str; see `STEPS` for the names and what they may be told.

    Raises:
        InputError: for an unknown step or option, a step twice, or none.
    """
    steps = tuple(_step(part.strip()) for part in text.split(",") if part.strip())
    names = [step.name for step in steps]
    if not steps or len(set(names)) < len(names):
        raise InputError(
            "Steps are names with commas between, each once. "
            f"Received: {text!r}. Choose from {', '.join(STEPS)}."
        )
    return steps


def _step(text):
    name, equals, rest = text.partition("=")
    if name not in STEPS:
        raise InputError(
            f"There is no such step. Received: {name!r}. "
            f"Choose from {', '.join(STEPS)}."
        )
    options = tuple(rest.split(":")) if equals else ()
    allowed = STEPS[name].options
    if len(options) > len(allowed) or any(
        option not in known for option, known in zip(options, allowed, strict=False)
    ):
        known = ":".join("|".join(part) for part in allowed) or "nothing"
        raise InputError(
            f"The step {name} takes {known}. Received: {text!r}. Correct it."
        )
    return Step(name, options)


def normalise(
    volume: Volume,
    steps: tuple[Step, ...] | str,
    *,
    spacing: float | None = None,
    contrast: str = "t1",
) -> Normalised:
    """Takes a scan through steps, in the order given.

    Args:
        volume: Volume of one channel.
        steps: tuple of `Step`, or the text that `parse_steps` reads.
        spacing: float, mm, of the result; None for the scan's own, and for its mean in
            the standard space.
        contrast: str, of the scan, as "t1".

    Returns:
        `Normalised`; what functions warned of is in its `warnings` alone.

    Raises:
        MedzooError: what a step refuses.
    """
    if isinstance(steps, str):
        steps = parse_steps(steps)
    state = Normalised(volume, contrast=contrast)
    # Filters of warnings are those of all threads.
    with WARNINGS_LOCK, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", MedzooWarning)
        for step in steps:
            STEPS[step.name].run(state, spacing, *step.options)
        if spacing is not None and state.transform is None:
            _resample(state, spacing)
    found = (w for w in told if issubclass(w.category, MedzooWarning))
    state.warnings += dict.fromkeys(str(w.message) for w in found)
    return state


def _resample(state, spacing):
    state.volume = resample(state.volume, spacing)
    if state.mask is not None:
        share = state.mask.with_array(state.mask.array.astype(np.float32))
        share = resample(share, spacing)
        state.mask = share.with_array(share.array > 0.5)


def _n4(state, spacing):
    before = state.volume
    field_found = bias_field(before, state.mask)
    inside = state.mask
    if inside is None:
        inside = before.with_array(before.array > before.array.mean())
    raised = np.asarray(from_background(before.array), np.float32)
    state.volume = before.with_array(raised / field_found.array)
    found = field_range(field_found, inside)
    state.quality["n4"] = {"field_range": found}
    if found > MOST_FIELD:
        _warn(
            "A bias field is rarely as strong, so that the correction may be wrong: "
            f"look at the picture. Received: a range of {100 * found:.0f} %."
        )


def _denoise(state, spacing, method="diffusion"):
    before = noise_level(state.volume)
    bright = _brightness(state)
    state.volume = denoise(state.volume, method=method)
    after = noise_level(state.volume)
    told = {"noise_before": before / bright, "noise_after": after / bright}
    state.quality["denoise"] = told
    if told["noise_after"] >= told["noise_before"] > 0:
        _warn(
            "The noise of the scan was not reduced. Received: "
            f"{100 * told['noise_before']:.1f} % before, "
            f"{100 * told['noise_after']:.1f} % after. Look at the picture."
        )
    elif told["noise_before"] > MOST_NOISE:
        _warn(
            "A scan is rarely as noisy, so that fine anatomy may be lost: look at the "
            f"picture. Received: noise={100 * told['noise_before']:.0f} % of tissue."
        )


def _strip(state, spacing, method="network"):
    if state.contrast != "t1":
        raise InputError(
            f"The brain is found in T1s. Received: contrast={state.contrast}. Find it "
            "in a T1 of the same session, or leave out the step strip."
        )
    state.mask = brain_mask(state.volume, method=method)
    state.volume = _within(state.mask, state.volume)
    state.quality["strip"] = {"brain_ml": volume_ml(state.mask)}


def _register(state, spacing, space="mni152", kind="affine"):
    found = register(state.volume, space, kind, contrast=state.contrast)
    size = spacing or float(np.cbrt(np.prod(state.volume.spacing)))
    grid = cubes(found.grid, size)
    dark = background_level(state.volume.array)
    state.volume = apply(found, state.volume, grid=grid, background=dark)
    if state.mask is not None:
        share = state.mask.with_array(state.mask.array.astype(np.float32))
        state.mask = state.volume.with_array(apply(found, share, grid=grid).array > 0.5)
        state.volume = _within(state.mask, state.volume, dark)
    state.transform = Transform(found.parts, grid=grid, quality=found.quality)
    state.has_standard_size = kind != "rigid"
    state.quality["register"] = dict(found.quality)


def _within(mask, volume, dark=None):
    dark = background_level(volume.array) if dark is None else dark
    array = np.where(mask.array, volume.array, dark)
    return volume.with_array(array.astype(volume.array.dtype))


def _deface(state, spacing):
    # What is registered already lies in the standard space. A head that was only moved
    # has its own size, and the planes about the average face do not fit it.
    way = Transform([np.eye(4)])
    if state.transform is None or not state.has_standard_size:
        way = register(state.volume, "mni152", contrast=state.contrast)
    face = face_mask(state.volume, way)
    bright = state.volume.array > state.volume.array.mean()
    state.volume = deface(state.volume, way)
    voxel = float(np.prod(state.volume.spacing)) / 1000
    removed = float((face.array & bright).sum()) * voxel
    state.quality["deface"] = {"removed_ml": removed}
    if removed < LEAST_FACE_ML:
        _warn(
            "A face has more, so that the scan had none, or it was not found: look at "
            f"the picture. Received: {removed:.0f} ml removed."
        )


def _zscore(state, spacing):
    state.volume = zscore(state.volume, state.mask, region="above_mean")
    _judge_scale(state, "zscore")


def _white_stripe(state, spacing):
    if state.contrast != "t1":
        raise InputError(
            "White matter is the brightest tissue of T1s alone. Received: contrast="
            f"{state.contrast}. Take zscore or rescale."
        )
    state.volume = white_stripe(state.volume, state.mask)
    _judge_scale(state, "whitestripe")


def _rescale(state, spacing):
    state.volume = rescale(state.volume)
    _judge_scale(state, "rescale")


def _window(state, spacing, window="brain"):
    state.volume = ct_window(state.volume, window)
    _judge_scale(state, "window")


def _judge_scale(state, step):
    """Percentiles of the result, within the brain where that is known."""
    array = state.volume.array
    inside = array if state.mask is None else array[state.mask.array]
    low, high = np.percentile(inside, SCALE_ENDS) if inside.size else (0.0, 0.0)
    state.quality[step] = {"low": float(low), "high": float(high)}
    if not high > low:
        _warn(
            f"After the step {step} nearly all voxels are alike, so that nothing is "
            f"left to see. Received: {low:g} everywhere. Is the scan of that kind?"
        )


def _warn(text):
    warnings.warn(text, MedzooWarning, stacklevel=3)


def _brightness(state):
    array = np.asarray(state.volume.array, np.float32)
    inside = (
        array[array > array.mean()] if state.mask is None else (array[state.mask.array])
    )
    return float(np.median(inside)) if inside.size and np.median(inside) > 0 else 1.0


@dataclass(frozen=True)
class _Kind:
    run: Callable
    options: tuple = ()


# Of white matter: no coil makes one side of a brain so much brighter.
MOST_FIELD = 1.5
# Of the brightness of tissue: beyond it grey and white matter cannot be told apart.
MOST_NOISE = 0.25
# Nose, eyes and cheeks of a child have more.
LEAST_FACE_ML = 50.0
# Percentiles that tell the scale of a result.
SCALE_ENDS = (1, 99)
# As of `medzoo.layers.ClipIntensity`; names alone, for keras loads late.
WINDOWS = (
    "brain", "subdural", "stroke", "temporal_bone", "head_soft_tissue", "lung",
    "mediastinum", "abdomen", "soft_tissue", "liver", "spine", "bone",
)  # fmt: skip
# Step -> what does it, and what may stand after "=".
STEPS = {
    "n4": _Kind(_n4),
    "denoise": _Kind(_denoise, (NOISE_METHODS,)),
    "strip": _Kind(_strip, (BRAIN_METHODS,)),
    "register": _Kind(_register, (tuple(SPACES), KINDS)),
    "deface": _Kind(_deface),
    "zscore": _Kind(_zscore),
    "whitestripe": _Kind(_white_stripe),
    "rescale": _Kind(_rescale),
    "window": _Kind(_window, (WINDOWS,)),
}
