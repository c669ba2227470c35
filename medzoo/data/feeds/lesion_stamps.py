"""LesionStamps: real lesions of other people, painted into a scan where they belong."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medzoo.errors import InputError

# The rim of a lesion, as a share of the blurred mask.
RIM = 0.5
SHARPNESS = 2.0
BLUR = 0.7  # voxels


@dataclass(frozen=True)
class StampSettings:
    """How stamps are used; a source's `stamps` has these keys.

    Args:
        source: str, the source of the case table whose label maps are masks of
            lesions, in the space of the atlas (MNI152).
        label: int, the class of lesions.
        tissue: list of int, classes that lesions may lie in.
        contrast: list of two floats a channel: what intensities of lesions gain (or,
            if negative, lose), as a share of the tissue's mean.
        rate: float, share of patches. Defaults to 0.5.
        masks: two ints, how many masks are laid over each other. Defaults to (1, 2).
        kept: two floats, the share of a mask's lesions that are used is drawn from
            them. Defaults to (0.3, 1).
        rotation: float, degrees; with `scale` (logarithm) and `shift` (mm) how far a
            mask is moved: standard deviations. Defaults to 3, 0.05 and 3.
    """

    source: str
    label: int
    tissue: tuple
    contrast: tuple
    rate: float = 0.5
    masks: tuple = (1, 2)
    kept: tuple = (0.3, 1.0)
    rotation: float = 3.0
    scale: float = 0.05
    shift: float = 3.0


class LesionStamps:
    """Paints lesions with the shape, size and place that real ones have.

    Masks lie in the space of an atlas, and so does every registered scan: a mask is
    moved a little, mirrored every other time, loses some of its lesions, and what
    falls into the tissue becomes lesion.

    Args:
        masks: list of `(array, affine)`: integer masks, and voxel -> atlas world, mm.
        settings: `StampSettings`.

    Raises:
        InputError: without any lesion in the masks.
    """

    def __init__(self, masks, settings):
        self.settings = settings
        self._masks = []
        for array, affine in masks:
            parts, count = ndimage.label(np.asarray(array) > 0)
            if count:
                to_voxel = np.linalg.inv(affine)
                self._masks.append((parts.astype(np.int32), count, to_voxel))
        if not self._masks:
            raise InputError(
                "Lesions are painted after masks of real ones. Received: "
                f"{len(masks)} masks of source {settings.source!r}, all empty."
            )

    def __call__(self, image, labels, to_atlas, generator):
        """Paints lesions into a patch.

        Args:
            image: `(x, y, z, channels)` float32; channels that are 0 everywhere stay.
            labels: `(x, y, z)` integers, classes.
            to_atlas: `(4, 4)` float, voxel of the patch -> atlas world, mm.
            generator: numpy random generator.

        Returns:
            image and labels with lesions; the arrays that were given stay as they are.
        """
        settings = self.settings
        share = np.zeros(labels.shape, np.float32)
        for _ in range(generator.integers(settings.masks[0], settings.masks[1] + 1)):
            share = np.maximum(share, self._stamp(labels.shape, to_atlas, generator))
        tissue = np.isin(labels, settings.tissue)
        if not (share > 0).any() or not tissue.any():
            return image, labels
        share = ndimage.gaussian_filter(share, BLUR)
        lesion = (share > RIM) & tissue
        soft = np.clip(RIM + SHARPNESS * (share - RIM), 0, 1) * tissue
        painted = image.copy()
        for channel, limits in enumerate(settings.contrast):
            own = painted[..., channel]
            level = float(np.abs(own[tissue]).mean())
            own += generator.uniform(*limits) * level * soft
        return painted, np.where(lesion, settings.label, labels)

    def _stamp(self, shape, to_atlas, generator):
        """A mask on the grid of a patch, some of its lesions left out."""
        parts, count, to_voxel = self._masks[generator.integers(len(self._masks))]
        kept = generator.random(count + 1) < generator.uniform(*self.settings.kept)
        kept[0] = False
        moved = to_voxel @ self._movement(generator) @ to_atlas
        # Only where the patch meets the mask.
        found = ndimage.affine_transform(
            parts,
            moved[:3, :3],
            moved[:3, 3],
            output_shape=shape,
            order=0,
            mode="constant",
        )
        return kept[found].astype(np.float32)

    def _movement(self, generator):
        """A small random movement of the atlas's world, mirrored every other time."""
        settings = self.settings
        angles = np.radians(generator.normal(0, settings.rotation, 3))
        turn = np.eye(3)
        for axis, angle in enumerate(angles):
            one = np.eye(3)
            i, j = [a for a in range(3) if a != axis]
            one[i, i] = one[j, j] = np.cos(angle)
            one[i, j], one[j, i] = -np.sin(angle), np.sin(angle)
            turn = turn @ one
        world = np.eye(4)
        world[:3, :3] = turn * np.exp(generator.normal(0, settings.scale, 3))
        world[:3, 3] = generator.normal(0, settings.shift, 3)
        if generator.random() < 0.5:
            world[0] *= -1
        return world
