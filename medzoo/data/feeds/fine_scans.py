"""FineScans: the scans that fine patches are cut from, oriented and scaled."""

import numpy as np

from medzoo.data.cases.cohort import SOURCE
from medzoo.data.feeds.degradation import degrade
from medzoo.data.store.prepared_cases import IMAGE, Preparation
from medzoo.errors import InputError
from medzoo.preprocess import Preprocessor
from medzoo.spatial.factor_grid import factor_of
from medzoo.spatial.foreground import foreground_scale

BRIGHT = "bright"
# Fine intensities above this share of the foreground's height belong to the head.
HEAD_LEVEL = 0.2


class FineScans(Preparation):
    """Scales scans by their foreground.

    It gives `image` `(x, y, z)` float16, 0 in the background and about 1 in the head
    (half the memory of float32, and finer than scans are digitised); and `bright`
    `(n, 3)` int16, indices of voxels of the head.

    Args:
        recipe: dict, the recipe's content.
    """

    def __init__(self, recipe):
        self.factor = factor_of(recipe)
        self._facts = [recipe["preprocessing"], recipe["channels"], list(self.factor)]
        self._preprocessor = Preprocessor(recipe["preprocessing"], recipe["channels"])

    def facts(self, case, way=0):
        """The preprocessing, the channels and the factor."""
        return self._facts

    def __call__(self, case, way=0):
        """Reads and prepares a scan.

        Raises:
            InputError: for a scan without a whole coarse voxel.
        """
        placed, _ = self._preprocessor.place(self._preprocessor.gather(case.images))
        array = placed.array[..., 0]
        if min(n // f for n, f in zip(array.shape, self.factor, strict=True)) < 1:
            raise InputError(
                "A scan must have at least one coarse voxel. Received: "
                f"shape={array.shape}, factor={self.factor}."
            )
        # Of the coarse image: that is all that a prediction will have.
        background, height = foreground_scale(degrade(array, self.factor))
        array = ((array - background) / height).astype(np.float16)
        # Every second voxel: enough to draw centres from, an eighth of the memory.
        bright = 2 * np.argwhere(array[::2, ::2, ::2] > HEAD_LEVEL)
        return {IMAGE: array, BRIGHT: bright.astype(np.int16)}


def sources_of(cases):
    """Returns the kind of each scan, as the table's column `source` names it."""
    return [case.columns.get(SOURCE, "") for case in cases]
