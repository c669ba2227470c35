"""Registration of one scan to another."""

import numpy as np

from medzoo.errors import InputError, MedzooError
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.demons import demons
from medzoo.spatial.descent import descend
from medzoo.spatial.grid import Grid
from medzoo.spatial.histogram import matched
from medzoo.spatial.register import rigid_part
from medzoo.spatial.resample import resample_to
from medzoo.spatial.shared_registration import register_once
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

COARSE_ATLAS = "ixi_t1_4mm"
SPACING = 2.0
# Both lie as in the atlas: correlation with it, of a T1 without and with skull.
LEAST_HEAD = 0.6
SHRINK = (4, 2, 1)
BINS = 32


def onto_image(
    moving: Volume, fixed: Volume, kind: str, mask: Volume | None = None
) -> Transform:
    """Registers a scan; see `medzoo.spatial.registration.register`.

    Args:
        moving: Volume of one channel, its background 0.
        fixed: Volume, likewise.
        kind: "rigid", "affine" or "deformable".
        mask: Volume on the grid of `fixed`, or None.
    """
    here = resample_to(fixed, Grid.of(fixed).around(SPACING))
    there = resample_to(moving, Grid.of(moving).around(SPACING))
    here, there = (_limited(v, n) for v, n in ((here, "fixed"), (there, "moving")))
    inside = None
    if mask is not None:
        inside = resample_to(mask, Grid.of(here), interpolation="nearest").array > 0
    start = _start(moving, fixed, here, there)
    centre = Grid.of(here).corners().mean(axis=0)
    matrix, _ = descend(
        here,
        there,
        rigid_part(start, centre),
        kind="rigid",
        metric="information",
        mask=inside,
        shrink=SHRINK,
    )
    if kind != "rigid":
        matrix, _ = descend(here, there, matrix, metric="information", mask=inside)
    parts = [matrix]
    if kind == "deformable":
        drawn = matched(apply(Transform([matrix]), there, grid=Grid.of(here)), here)
        parts = [demons(here.array, drawn.array, here.affine), matrix]
    found = Transform(parts, grid=Grid.of(fixed))
    quality = _quality(found, there, here, inside)
    return Transform(parts, grid=found.grid, quality=quality)


def _limited(volume, name):
    """Levels from 0 to 1 by percentiles."""
    low, high = np.percentile(volume.array[::2, ::2, ::2], (1, 99.5))
    if not high > low:
        raise InputError(
            f"Images must have contrast to be registered. Received: `{name}` is "
            "constant. Check the file."
        )
    array = np.clip((volume.array - low) / (high - low), 0, 1)
    return volume.with_array(array.astype(np.float32))


def _start(moving, fixed, here, there):
    """By the atlas where both are heads, else the middle of what is bright."""
    try:
        found = [register_once(v, COARSE_ATLAS) for v in (fixed, moving)]
    except MedzooError:  # no field of view for a head
        found = []
    if found and min(f.correlation for f in found) > LEAST_HEAD:
        return found[1].to_image @ np.linalg.inv(found[0].to_image)
    start = np.eye(4)
    start[:3, 3] = _middle(there) - _middle(here)
    return start


def _middle(volume):
    index = np.argwhere(volume.array > volume.array.mean()).mean(axis=0)
    return volume.affine[:3, :3] @ index + volume.affine[:3, 3]


def _quality(found, there, here, inside):
    drawn = apply(found, there, grid=Grid.of(here)).array
    bright = [a > a.mean() for a in (drawn, here.array)]
    if inside is None:
        inside = bright[0] | bright[1]
    total = sum((b & inside).sum() for b in bright)
    both = (bright[0] & bright[1] & inside).sum()
    return {
        "correlation": _dependence(drawn[inside], here.array[inside]),
        "overlap": float(2 * both / total) if total else 0.0,
        "scale": float(np.cbrt(np.linalg.det(found.matrix[:3, :3]))),
        "smallest_jacobian": found.jacobian(),
    }


def _dependence(first, second):
    """How far one image determines the other, whatever the contrasts: 0 to 1.

    Source: Linfoot, "An informational measure of correlation" (1957).
    """
    if first.size < 2:
        return 0.0
    counts = np.histogram2d(first, second, BINS)[0]
    joint = counts / counts.sum()
    apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    filled = joint > 0
    information = (joint[filled] * np.log(joint[filled] / apart[filled])).sum()
    return float(np.sqrt(1 - np.exp(-2 * information)))
