"""Rigid registration between channels of one case, whatever their contrasts."""

from dataclasses import dataclass

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.grid import Grid
from medzoo.spatial.register import check_field, matrix_of
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume

# From coarse to fine: how often a grid is thinned, and by how much it is smoothed, mm.
SHRINK = (2, 1)
SMOOTH = (3.0, 1.0)
SPACING = 2.0
SAMPLES = 30_000
BINS = 32
ITERATIONS = 25
# The descent ends where the metric has changed by less than this share over so many
# iterations. Heads that lie on each other are at its end after a few.
CONVERGED, WINDOW = 1e-5, 10
# Below this channels count as aligned: nothing is gained by touching them.
LEAST_MM = 0.3
LEAST_DEGREES = 0.3
# Likewise where both have one grid: somebody has registered them, and what is found on
# top of that is as much the error of this registration as of theirs.
LEAST_MM_ON_ONE_GRID = 2.0
LEAST_DEGREES_ON_ONE_GRID = 2.0
# A head in a head coil moves by less than this between two scans of a session.
MOST_MM = 40.0
MOST_DEGREES = 35.0
# Heads that lie on each other share at least this part of the smaller one.
LEAST_SHARED = 0.6


@dataclass(frozen=True)
class Motion:
    """Rigid transform of a channel relative to the reference.

    Attributes:
        matrix: `(4, 4)` float64, reference world -> channel world, mm.
        mm: float, by how much the middle of the head moved.
        degrees: float, by how much it turned.
    """

    matrix: np.ndarray
    mm: float
    degrees: float

    def is_small(self, one_grid):
        """Whether the channels count as aligned.

        Args:
            one_grid: bool, whether they have the same shape and affine.
        """
        mm = LEAST_MM_ON_ONE_GRID if one_grid else LEAST_MM
        degrees = LEAST_DEGREES_ON_ONE_GRID if one_grid else LEAST_DEGREES
        return self.mm < mm and self.degrees < degrees

    def undone(self, volume):
        """Returns the channel where the reference has the head; nothing is resampled.

        Args:
            volume: Volume.
        """
        return volume.with_affine(np.linalg.inv(self.matrix) @ volume.affine)


def aligned(volumes, channels):
    """Aligns the channels of a case with the first one.

    Args:
        volumes: dict of channel -> Volume.
        channels: list of str, the recipe's order. The reference is the first T1 that is
            there, else the first channel.

    Returns:
        dict of channel -> Volume in the reference's place; a channel that moved by more
        than noise has a warning with the amount. Of channels on one grid, which have
        been registered before, less than 2 mm and 2 degrees count as noise. Nothing is
        resampled.

    Raises:
        InputError: for channels that do not show the same head.
        GeometryError: for a field of view that no scanner has.
    """
    names = [name for name in channels if name in volumes]
    if len(names) > 1:
        for name in names:
            check_field(name, volumes[name])
    reference = next((name for name in names if name == "t1"), names[0])
    found = dict(volumes)
    for name in names:
        if name == reference:
            continue
        motion = motion_between(volumes[reference], volumes[name], name)
        if motion.is_small(_on_one_grid(volumes[reference], volumes[name])):
            continue
        note = (
            f"Channel {name} was brought onto {reference}: the head had moved by "
            f"{motion.mm:.1f} mm and {motion.degrees:.1f} degrees."
        )
        moved = motion.undone(volumes[name])
        warnings = (*moved.warnings, note)
        found[name] = Volume(moved.array, moved.affine, warnings=warnings)
    return found


def motion_between(reference, channel, name):
    """Estimates the head motion between two scans by mutual information.

    Args:
        reference: Volume.
        channel: Volume of another contrast.
        name: str, of the channel, for messages.

    Returns:
        `Motion`.

    Raises:
        InputError: if the heads do not lie on each other after it, or a head would have
            moved farther than a head can: the headers are faulty, or it is another
            person.
    """
    fixed, moving = _prepared(reference), _prepared(channel)
    centre = _middle(reference)
    matrix = _register(fixed, moving, centre)
    moved = matrix[:3, :3] @ centre + matrix[:3, 3] - centre
    mm = float(np.linalg.norm(moved))
    turn = (np.trace(matrix[:3, :3]) - 1) / 2
    degrees = float(np.degrees(np.arccos(np.clip(turn, -1, 1))))
    found = Motion(matrix, mm, degrees)
    shared = _shared(reference, channel, matrix)
    if mm > MOST_MM or degrees > MOST_DEGREES or shared < LEAST_SHARED:
        raise InputError(
            f"Channel {name} must show the same head position as the first channel. "
            f"Received: a motion of {mm:.0f} mm and {degrees:.0f} degrees, after which "
            f"heads share {100 * shared:.0f} %. Check that both are of one session, or "
            "pass aligned channels with --aligned."
        )
    return found


def _on_one_grid(one, other):
    return one.shape == other.shape and np.allclose(one.affine, other.affine, atol=1e-3)


def _prepared(volume):
    """An ITK image in world space, with levels from 0 to 1 by percentiles."""
    import SimpleITK as sitk

    array = np.asarray(volume.array, np.float32).reshape(volume.shape)
    volume = resample_to(volume.with_array(array), Grid.of(volume).around(SPACING))
    array = volume.array
    low, high = np.percentile(array[::2, ::2, ::2], (1, 99.5))
    if not high > low:
        raise InputError(
            "Channels must have contrast to be registered. Received: a "
            "constant image. Pass --aligned, or check the file."
        )
    array = np.clip((array - low) / (high - low), 0, 1)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0)))
    spacing = np.linalg.norm(volume.affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    # ITK's world is ours here: left and right have the same sign in both images.
    image.SetDirection((volume.affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    return image


def _register(fixed, moving, centre):
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    # A fixed number of threads: the order of sums decides the last digits.
    method.SetNumberOfThreads(2)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    size = np.prod(fixed.GetSize())
    method.SetMetricSamplingPercentagePerLevel(
        [min(1.0, SAMPLES * shrink**3 / size) for shrink in SHRINK], 7
    )
    method.SetInterpolator(sitk.sitkLinear)
    # Heads are nearly round: steepest descent creeps along their turns.
    method.SetOptimizerAsConjugateGradientLineSearch(
        1.0, ITERATIONS, CONVERGED, WINDOW, 0.0, 5.0, 0.01, 8
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(SHRINK)
    method.SetSmoothingSigmasPerLevel(SMOOTH)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre.tolist())
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:  # all samples lie outside the other image
        raise InputError(
            "Channels of a case must overlap. Received: two that do not. Check that "
            "both are of one session."
        ) from None
    return matrix_of(transform)


def _head(volume):
    """Which voxels are head: above a quarter of what is bright."""
    array = np.asarray(volume.array, np.float32).reshape(volume.shape)
    thin = array[::2, ::2, ::2]
    positive = thin[thin > np.percentile(thin, 5)]
    level = 0.25 * np.percentile(positive if positive.size else thin, 95)
    return volume.with_array((array > level).astype(np.float32))


def _middle(volume):
    index = 2 * np.argwhere(_head(volume).array[::2, ::2, ::2])
    places = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    return np.median(places, axis=0) if len(places) else volume.affine[:3, 3]


def _shared(reference, channel, motion):
    """The part of the smaller head, where both are seen, that is head in both."""
    moved = channel.with_affine(np.linalg.inv(motion) @ channel.affine)
    field = moved.with_array(np.ones(moved.shape, np.float32))
    grid = Grid.of(reference).around(4.0)
    images = (_head(reference), _head(moved), field)
    here, there, seen = (resample_to(image, grid).array > 0.5 for image in images)
    least = min((here & seen).sum(), there.sum())
    return float((here & there).sum() / least) if least else 0.0
