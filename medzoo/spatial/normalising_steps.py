"""Steps of a recipe that normalise a scan: bias field, noise, skull, deformation.

Each takes the state of a `SpatialChain` and changes its volume.
"""

from dataclasses import replace

import numpy as np

from medzoo.spatial.apply_transform import apply, cubes
from medzoo.spatial.atlas_brain import atlas_brain
from medzoo.spatial.n4 import ITERATIONS, SPACING, n4
from medzoo.spatial.noise import denoise
from medzoo.spatial.onto_standard import COARSE_ATLAS
from medzoo.spatial.registration import find
from medzoo.spatial.standard_space import standard_space
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume


def add_n4(state, spacing=SPACING, iterations=ITERATIONS):
    """Step "n4": each channel without its bias field."""
    options = {"spacing": spacing, "iterations": iterations}
    _each(state, lambda channel: n4(channel, **options))


def add_denoise(state, method="diffusion", sigma=None):
    """Step "denoise": each channel with less noise."""
    _each(state, lambda channel: denoise(channel, method=method, sigma=sigma))


def add_strip(state, space="mni152"):
    """Step "strip": 0 outside the brain that the standard space's mask finds.

    No network: a recipe must not depend on the weights of another model.
    """
    mask = atlas_brain(state.channel(state.present()[0]), space).array
    array = np.asarray(state.volume.array, np.float32)
    inside = mask if array.ndim == 3 else mask[..., None]
    state.volume = state.volume.with_array(np.where(inside, array, 0))


def deform(state, space, spacing):
    """Step "register" with "deformable": the volume in a standard space.

    Args:
        state: of the chain; its volume is drawn in the space, its `warp` is the way.
        space: str, see `medzoo.spatial.space_names`.
        spacing: float, mm, of the grid.
    """
    # Judged as by the other kinds: the notes say whether it is a whole head.
    coarse = state.registered(COARSE_ATLAS)
    image = state.channel(state.present()[0])
    found = find(image, space, "deformable")
    state.notes += found.warnings
    grid = cubes(standard_space(space).grid, spacing)
    state.volume = apply(found, state.volume, grid=grid)
    to_source = Transform([state.to_source])
    before = to_source if state.warp is None else to_source.then(state.warp)
    state.warp = found.then(before)
    state.to_source = np.eye(4)
    # Where the atlas lies in the standard space: by how both lie to this head.
    to_space = np.linalg.inv(found.matrix) @ coarse.to_image
    state.found_again(COARSE_ATLAS, replace(coarse, to_image=to_space))


def _each(state, change):
    array = np.array(state.volume.array, np.float32)
    if array.ndim == 3:
        state.volume = change(state.volume.with_array(array))
        return
    for index in state.present():
        channel = Volume(array[..., index], state.volume.affine)
        array[..., index] = change(channel).array
    state.volume = state.volume.with_array(array)


NORMALISING = {"n4": add_n4, "denoise": add_denoise, "strip": add_strip}
