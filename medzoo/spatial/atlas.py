"""The small atlases that registration aligns a head to."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.errors import InputError
from medzoo.spatial.grid import Grid

FOLDER = Path(__file__).parent / "atlases"

# Other contrasts of the T1 average: what its intensities become. In FLAIR fluid is
# dark and grey matter a little brighter than white.
CONTRASTS = {"t1": None, "flair": ((0.0, 0.3, 0.62, 1.0), (0.0, 0.15, 1.0, 0.85))}


@dataclass(frozen=True)
class Atlas:
    """An average brain and the probability of brain, on one grid.

    Args:
        name: str.
        brain: `(x, y, z)` float32, average T1 without skull, white matter about 1; in
            another contrast, tissue about 1.
        probability: `(x, y, z)` float32 in [0, 1], share of subjects with brain there.
        grid: `Grid`, world about that of MNI152.
    """

    name: str
    brain: np.ndarray
    probability: np.ndarray
    grid: Grid

    @property
    def centre(self) -> Any:
        """Centre of mass of the brain, world mm, `(3,)`."""
        index = np.argwhere(self.probability > 0.5).mean(axis=0)
        return self.grid.affine[:3, :3] @ index + self.grid.affine[:3, 3]


def atlas_names() -> list[str]:
    """Returns the names of the atlases that medzoo carries."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


@lru_cache(maxsize=4)
def atlas(name: str, contrast: str = "t1") -> Atlas:
    """Returns an `Atlas` by name.

    Args:
        name: str, see `atlas_names`.
        contrast: str, "t1", or "flair" for the average made to look like one.

    Raises:
        InputError: for a name or a contrast that medzoo does not carry.
    """
    if contrast not in CONTRASTS:
        raise InputError(
            f"There is no such contrast of an atlas. Received: contrast={contrast!r}. "
            f"Use one of {sorted(CONTRASTS)}."
        )
    if name not in atlas_names():
        raise InputError(
            f"There is no such atlas. Received: atlas={name!r}. "
            f"Use one of {atlas_names()}."
        )
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as parts:
        # Stored as bytes: 1/200 for the brain's intensity, 1/250 for probability.
        brain = parts["brain"].astype(np.float32) / 200
        probability = parts["probability"].astype(np.float32) / 250
        grid = Grid(brain.shape, parts["affine"].astype(np.float64))
    curve = CONTRASTS[contrast]
    if curve is not None:
        brain = np.asarray(np.interp(brain, *curve), np.float32)
    return Atlas(name, brain, probability, grid)
