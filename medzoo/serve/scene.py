"""Scene: what the 3-D viewer of the page draws, as two NIfTI files."""

from pathlib import Path
from typing import Any

import numpy as np

from medzoo.io.image_files import write
from medzoo.reporting.display import HEAT_ZERO, reduced
from medzoo.serve.result_files import OVERLAYS, SCAN
from medzoo.volume import Volume

# A browser holds four bytes a voxel for each of the two, on the graphics card.
MOST_VOXELS = 32e6


def write_scene(display: Any, folder: Path) -> list[str]:
    """Writes scan and overlay of a result, 256 levels a voxel.

    Args:
        display: `medzoo.reporting.display.Display` at full size.
        folder: Where they go.

    Returns:
        Names of the files: the scan, and one for each layer over it.
    """
    small = reduced(display, MOST_VOXELS)
    names = {"image": SCAN, **OVERLAYS}
    for layer, array in small.layers.items():
        if layer == "heat":
            # A sign of its own: the viewer has one scale of colours for each.
            array = array.astype(np.int16) - HEAT_ZERO
        volume = Volume(np.ascontiguousarray(array), small.affine)
        write(volume, folder / names[layer])
    return [names[layer] for layer in small.layers]
