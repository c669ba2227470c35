"""SuperResolutionDataset: patches of degraded scans and of the originals."""

import numpy as np

from medzoo.data.cases.cohort import SOURCE
from medzoo.data.cases.splits import named_split
from medzoo.data.feeds.degradation import degrade
from medzoo.data.feeds.fine_scans import BRIGHT, FineScans, sources_of
from medzoo.data.feeds.image_cases import image_cases
from medzoo.data.feeds.random_patches import RandomPatches, group_by
from medzoo.data.store.prepared_cases import IMAGE, PreparedCases
from medzoo.errors import RecipeError

# Coarse voxels around a patch that the slice profile may reach: six deviations of one
# that is 1.3 voxels wide.
MARGIN = 3

usable_cases = image_cases
split = named_split


def prepared_cases(cases, recipe, **keeping):
    """Returns `PreparedCases` of `FineScans`.

    Args:
        cases: list of `Case`; a column `source` names the kind of scan.
        recipe: dict, the recipe's content.
        **keeping: `mode` and `folder` of `PreparedCases`.
    """
    return PreparedCases(cases, FineScans(recipe), **keeping)


def batches(volumes, recipe, *, shuffle=True, **options):
    """Returns a `SuperResolutionDataset`; its patches are always drawn at random."""
    return SuperResolutionDataset(volumes, recipe, **options)


class SuperResolutionDataset(RandomPatches):
    """Batches of coarse patches and the fine ones that they were made of.

    A patch comes from a source, by the sources' rates; from one of its scans; and has
    its middle in the head, at any offset to the grid of coarse voxels. It is mirrored,
    its contrast bent, then degraded with a slice profile of a random width.

    The recipe's training section says the rest: `patch_size` (coarse voxels),
    `batch_size`, `steps_per_epoch`, and in `options`: `fwhm` (lowest, most frequent and
    highest width of the profile, a triangular distribution, in coarse voxels),
    `sources` (name -> rate, optional), `mirror_axes` (axes that may be mirrored) and
    `gamma` (the exponent lies within 1 / (1 + gamma) and 1 + gamma).

    Args:
        volumes: `PreparedCases` of `FineScans`.
        recipe: dict, the recipe's content.
        indices: sequence of int or None, the cases to use; None for all.
        seed: int.
        augment: bool; False mirrors and bends nothing, and the profile has its most
            frequent width.

    Raises:
        RecipeError: if patches are not described.
    """

    def __init__(
        self,
        volumes,
        recipe,
        *,
        indices=None,
        seed=0,
        batch_size=None,
        augment=True,
    ):
        super().__init__(volumes, recipe, seed=seed, batch_size=batch_size)
        options = recipe["training"].get("options", {})
        self.augment = augment
        self.factor = np.asarray(volumes.preparation.factor, int)
        self.fwhm = tuple(options.get("fwhm", (0.7, 1.0, 1.3)))
        self.mirror_axes = tuple(options.get("mirror_axes", ()))
        self.gamma = float(options.get("gamma", 0.0))
        chosen = range(len(volumes)) if indices is None else indices
        groups = group_by(sources_of(volumes.cases), chosen)
        rates = options.get("sources") or dict.fromkeys(groups, 1.0)
        self._rates = {n: rates[n] for n in groups if rates.get(n)}
        self._groups = {n: groups[n] for n in self._rates}
        if not self._rates:
            raise RecipeError(
                "Patches need scans of a source that has a rate. Received: "
                f"sources={sorted(groups)}, rates={rates}. Name them in the "
                f"table's column {SOURCE}."
            )

    def patch(self, number):
        """Returns the patch of a number in this epoch.

        Args:
            number: int.

        Returns:
            coarse `(*patch_size, 1)` and fine `(*patch_size * factor, 1)`, float32.
        """
        generator = self.generator_of(number)
        scan = self.volumes.get(self.draw_case(number, generator))
        region = self._region(scan[IMAGE], scan[BRIGHT], generator)
        width = self.fwhm[1]
        if self.augment:
            region = self._vary(region, generator)
            width = generator.triangular(*self.fwhm)
        coarse = degrade(region, self.factor, width)
        margin = MARGIN * self.factor
        fine = region[tuple(slice(m, -m) for m in margin)]
        return coarse[(slice(MARGIN, -MARGIN),) * 3][..., None], fine[..., None]

    def _region(self, array, bright, generator):
        """A fine patch about a voxel of the head, and MARGIN coarse voxels around."""
        size = self.patch_size * self.factor
        if len(bright):
            centre = bright[generator.integers(len(bright))].astype(int)
        else:
            centre = np.asarray(array.shape) // 2
        room = np.maximum(np.asarray(array.shape) - size, 0)
        start = np.clip(centre - size // 2, 0, room)
        first, last = start - MARGIN * self.factor, start + size + MARGIN * self.factor
        inside = tuple(
            slice(max(0, int(a)), int(b)) for a, b in zip(first, last, strict=True)
        )
        region = array[inside].astype(np.float32)
        # Beyond the border the outermost voxel goes on, as in `degrade`.
        after = np.maximum(last - array.shape, 0)
        around = list(zip(np.maximum(-first, 0), after, strict=True))
        return np.pad(region, around, mode="edge") if np.any(around) else region

    def _vary(self, region, generator):
        for axis in self.mirror_axes:
            if generator.random() < 0.5:
                region = np.flip(region, axis)
        if self.gamma:
            limit = np.log1p(self.gamma)
            exponent = np.exp(generator.uniform(-limit, limit))
            region = np.sign(region) * np.abs(region) ** exponent
        return region
