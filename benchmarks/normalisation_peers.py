"""Peers of `benchmarks/normalisation.py`, of the extra bench: ANTsPy and deepbet."""

from functools import cache

import numpy as np

from medzoo.spatial.grid import Grid
from medzoo.spatial.resample import resample_to
from medzoo.volume import Volume


def ants_registration(fixed, moving, name):
    """Registers by ANTsPy with its own defaults.

    Args:
        fixed: Volume.
        moving: Volume.
        name: str, "Affine", "SyN" or another of its `type_of_transform`.

    Returns:
        callable that draws a label map of the moving image on the fixed one's grid.
    """
    import ants

    target = as_ants(fixed)
    found = ants.registration(target, as_ants(moving), name)["fwdtransforms"]

    def drawn(labels):
        image = ants.apply_transforms(
            target, as_ants(labels), found, interpolator="genericLabel"
        )
        return np.rint(image.numpy())

    return drawn


def as_ants(volume):
    """A Volume as an image of ANTsPy, which counts in LPS."""
    import ants

    lps = np.diag([-1, -1, 1, 1]) @ volume.affine
    return ants.from_numpy(
        np.asarray(volume.array, np.float32),
        origin=lps[:3, 3].tolist(),
        spacing=list(volume.spacing),
        direction=lps[:3, :3] / volume.spacing,
    )


def deepbet_mask(scan):
    """Returns deepbet's brain mask on the grid of a scan, without files."""
    import nibabel

    image = nibabel.Nifti1Image(np.asarray(scan.array), scan.affine)
    _, found, _ = deepbet().run(image)
    # It gives the axes of its input or RAS ones, by its version: the affine knows.
    mask = Volume(np.asarray(found.dataobj, np.uint8), found.affine)
    return resample_to(mask, Grid.of(scan), interpolation="nearest").array


@cache
def deepbet():
    """Its networks, loaded once as ours are."""
    from deepbet.bet import BrainExtraction

    return BrainExtraction(no_gpu=True)
