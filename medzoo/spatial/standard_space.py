"""The standard space that medzoo carries: the average of IXI heads in MNI coordinates.

Built by `docs/build_standard_space.py` from 53 heads of the IXI set (Hammersmith
Hospital, 3 T; brain-development.org), which is CC BY-SA 3.0, and so is the file.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.grid import Grid
from medzoo.volume import Volume

FOLDER = Path(__file__).parent / "standard"
# What it is called -> the file. The average lies in the shape and the coordinates of
# MNI152 (ICBM 2009a), so that both names mean one place.
SPACES = {"mni152": "ixi_mni_2mm", "mni": "ixi_mni_2mm", "ixi": "ixi_mni_2mm"}
LICENCE = "CC-BY-SA-3.0"
# The name of these coordinates among the spaces that BIDS knows.
BIDS_NAME = "MNI152NLin2009aSym"


@dataclass(frozen=True)
class StandardSpace:
    """An average head and what lies where in it.

    Attributes:
        name: str, of the file.
        head: Volume float32, average T1 of whole heads, white matter about 1.
        probability: Volume float32 in [0, 1], share of heads with brain there
            (ventricles with it, the fluid around it without).
        tissue: Volume uint8, classes of the MRBrainS13 protocol as the models have
            them: 1 cortical grey matter, 2 basal ganglia, 3 white matter, 5 fluid
            around the brain, 6 ventricles, 7 cerebellum, 8 brainstem.
        regions: Volume uint8, codes of MUSE, as of `brain_regions_unet`.
    """

    name: str
    head: Volume
    probability: Volume
    tissue: Volume
    regions: Volume

    @property
    def grid(self) -> Grid:
        """Its grid, 2 mm, RAS."""
        return Grid.of(self.head)

    @property
    def mask(self) -> Volume:
        """Volume bool, the brain of most heads with the fluid in its sulci."""
        return self.head.with_array(self.tissue.array > 0)

    @property
    def brain(self) -> Volume:
        """Volume float32, the average head within the mask."""
        return self.head.with_array(np.where(self.mask.array, self.head.array, 0))


def space_names() -> list[str]:
    """Returns the names that `standard_space` takes."""
    return sorted(SPACES)


@lru_cache(maxsize=2)
def standard_space(name: str = "mni152") -> StandardSpace:
    """Returns the standard space that medzoo carries.

    Args:
        name: str, see `space_names`; all are one place.

    Raises:
        InputError: for another name.
    """
    if name not in SPACES:
        raise InputError(
            f"There is no such standard space. Received: {name!r}. "
            f"Use one of {space_names()}, or pass a Volume to register to."
        )
    with np.load(FOLDER / f"{SPACES[name]}.npz", allow_pickle=False) as parts:
        affine = parts["affine"].astype(np.float64)
        # Stored as bytes: 1/150 for the head's intensity, 1/250 for probability.
        head = parts["head"].astype(np.float32) / 150
        probability = parts["probability"].astype(np.float32) / 250
        tissue, regions = parts["tissue"], parts["regions"]
    volumes = (Volume(a, affine) for a in (head, probability, tissue, regions))
    return StandardSpace(SPACES[name], *volumes)
