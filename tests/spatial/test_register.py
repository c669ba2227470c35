"""Laws of registration. The phantom is no brain: how well it fits proves nothing."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from medzoo.errors import GeometryError, InputError, RecipeError, ResourceError
from medzoo.spatial import (
    SpatialChain,
    atlas,
    atlas_names,
    orient,
    register,
    resample,
)
from medzoo.spatial.align import aligned
from medzoo.spatial.register import rigid_part
from medzoo.spatial.registration import find
from medzoo.volume import Volume

ATLAS = atlas_names()[0]
STEPS = [
    {"step": "register", "arguments": {"atlas": ATLAS}},
    {
        "step": "sample",
        "arguments": {"shape": [40, 48, 40], "spacing": 4.0, "centre": [0, -18, 8]},
    },
]


@pytest.fixture(scope="module")
def head(head_phantom):
    return head_phantom(4.0, field=(160, 204, 192), noise=3.0)


@pytest.fixture(scope="module")
def placed(head):
    return SpatialChain(STEPS)(head)


def test_position_and_axis_order_of_the_file_do_not_matter(head, placed):
    affine = head.affine.copy()
    affine[:3, 3] += (30, -20, 40)
    moved = orient(head.with_affine(affine), "PIL")

    array = SpatialChain(STEPS)(moved)[0].array

    expected = placed[0].array
    np.testing.assert_allclose(array, expected, atol=1e-3 * expected.max())
    assert expected.std() > 20


def test_undo_brings_the_array_back_onto_the_head(head, placed):
    volume, undo = placed

    back = undo(volume.array, interpolation="linear")

    np.testing.assert_array_equal(back.affine, head.affine)
    assert back.shape == head.shape
    seen = back.array > 0
    assert seen.mean() > 0.3
    assert np.corrcoef(back.array[seen], head.array[seen])[0, 1] > 0.9


def test_rigid_part_is_the_rotation_about_the_centre():
    turn, stretch = Rotation.from_euler("xyz", [10, -20, 5], degrees=True), np.eye(4)
    stretch[:3, :3] = np.diag([1.3, 0.9, 1.1])
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = turn.as_matrix(), (7, -8, 9)
    centre = np.array([1.0, -18, 6])

    found = rigid_part(world @ stretch, centre)

    np.testing.assert_allclose(found[:3, :3], turn.as_matrix(), atol=1e-12)
    where = (world @ stretch) @ [*centre, 1]
    np.testing.assert_allclose(found @ [*centre, 1], where, atol=1e-12)


def test_rigid_registration_keeps_the_size_of_a_head(head):
    larger = head.with_affine(np.diag([1.12, 1.12, 1.12, 1]) @ head.affine)
    rigid = {**STEPS[0]["arguments"], "transform": "rigid"}
    sizes = {}
    for name, first in (
        ("affine", STEPS[0]),
        ("rigid", {**STEPS[0], "arguments": rigid}),
    ):
        one, _ = SpatialChain([first, STEPS[1]])(head)
        other, undo = SpatialChain([first, STEPS[1]])(larger)
        level = 0.3 * one.array.max()
        sizes[name] = (other.array > level).sum() / (one.array > level).sum()

    assert sizes["affine"] == pytest.approx(1, abs=0.1)
    assert sizes["rigid"] == pytest.approx(1.12**3, abs=0.1)
    assert np.linalg.det(undo.to_source[:3, :3]) == pytest.approx(1)


def test_refuses_an_unknown_transform(head):
    step = {"step": "register", "arguments": {"atlas": ATLAS, "transform": "bent"}}
    with pytest.raises(RecipeError, match="transform='bent'"):
        SpatialChain([step])(head)


@pytest.mark.parametrize("value", [0, 5])
def test_refuses_a_constant_image(value):
    array = np.full((20, 20, 20), value, "f4")

    with pytest.raises(InputError, match="Received: a constant image"):
        register(Volume(array, np.diag([8, 8, 8, 1.0])), ATLAS)


def test_atlas_is_a_brain_on_a_grid():
    found = atlas(ATLAS)

    assert found.brain.shape == found.probability.shape == found.grid.shape
    assert 0 <= found.probability.min() < 0.01 < 0.99 < found.probability.max() <= 1
    assert found.brain.max() < 2
    # Its world is about that of MNI152: the origin lies inside.
    assert np.abs(found.centre).max() < 40


@pytest.mark.parametrize("name", ["no_such", "../atlases/x", ""])
def test_refuses_an_unknown_atlas(name):
    with pytest.raises(InputError, match="Received: atlas="):
        atlas(name)


def displacement_error(found, true):
    """Mean distance in mm, over the brain, of where two maps take the atlas."""
    source = atlas(ATLAS)
    index = np.argwhere(source.probability > 0.5)[::20]
    points = index @ source.grid.affine[:3, :3].T + source.grid.affine[:3, 3]
    moved = [points @ m[:3, :3].T + m[:3, 3] for m in (found, true)]
    return np.linalg.norm(moved[0] - moved[1], axis=1).mean()


def test_flair_is_registered_by_the_contrast_of_a_flair():
    source = atlas(ATLAS)
    # Not the curve of the atlas: grey matter stands out more.
    levels = np.interp(source.brain, (0, 0.3, 0.65, 1), (0, 0.1, 1.0, 0.7))
    true = np.eye(4)
    true[:3, :3] = (
        0.95 * Rotation.from_euler("xyz", [8, -5, 6], degrees=True).as_matrix()
    )
    true[:3, 3] = (6, -10, 4)
    scan = Volume(levels.astype("f4"), true @ source.grid.affine)

    found = register(scan, ATLAS, contrast="flair")

    assert displacement_error(found.to_image, true) < 1.5
    assert found.scale == pytest.approx(0.95, abs=0.02)
    assert found.correlation > register(scan, ATLAS).correlation + 0.1


def test_chain_registers_a_channel_by_its_own_contrast():
    source = atlas(ATLAS)
    levels = np.interp(source.brain, (0, 0.3, 0.65, 1), (0, 0.1, 1.0, 0.7))
    scan = Volume(levels.astype("f4"), source.grid.affine)
    other, own = (SpatialChain(STEPS[:1], [n])(scan)[0] for n in ("pd", "flair"))
    errors = [
        displacement_error(
            np.linalg.inv(v.affine @ np.linalg.inv(scan.affine)), np.eye(4)
        )
        for v in (other, own)
    ]
    assert errors[1] < 1.0 < errors[0]


def test_unknown_contrast_is_refused():
    with pytest.raises(InputError, match="contrast='ct'"):
        atlas(ATLAS, "ct")


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((60, 60, 3), 2.0),
        ((2, 2, 2), 2.0),
        ((60, 60, 45), 0.002),
        ((60, 60, 45), 12.0 * 2),
        ((60, 60, 45), 45.0),
        ((60, 60, 45), 999.0),
    ],
)
def test_fields_of_view_of_no_head_are_refused_before_any_work(shape, spacing):
    volume = Volume(np.ones(shape, np.float32), np.diag([*[spacing] * 3, 1.0]))
    with pytest.raises(GeometryError, match="Received: shape="):
        register(volume, "ixi_t1_4mm")


def test_axes_that_hardly_cross_are_refused():
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 1] = 20.0
    volume = Volume(np.ones((60, 60, 60), np.float32), affine)
    with pytest.raises(GeometryError, match="axes that cross"):
        register(volume, "ixi_t1_4mm")


def test_no_grid_asks_for_absurd_memory(head_phantom):
    with pytest.raises(ResourceError, match="voxels"):
        resample(head_phantom(spacing=4.0), 0.05)


@pytest.mark.parametrize(
    "affine",
    [
        np.diag([4.0, 4.0, 400.0, 1.0]),
        np.diag([0.05, 30.0, 999.0, 1.0]),
        np.array([[4.0, 20, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1]]),
    ],
    ids=["long", "mixed", "sheared"],
)
def test_a_field_of_view_that_no_scanner_has_is_refused_at_once(affine, head_phantom):
    head = head_phantom(spacing=6.0)
    strange = Volume(np.asarray(head.array, np.float32), affine)
    for moving, fixed in ((strange, head), (head, strange)):
        with pytest.raises(GeometryError, match=r"field of view.*Received: `(mov|fix)"):
            find(moving, fixed, "rigid")
    with pytest.raises(GeometryError, match=r"field of view.*Received: `flair`"):
        aligned({"t1": head, "flair": strange}, ["t1", "flair"])
    assert list(aligned({"flair": strange}, ["t1", "flair"])) == ["flair"]
