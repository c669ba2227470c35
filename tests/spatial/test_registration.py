"""Registration: a head that was moved or bent on purpose is found again."""

from importlib import import_module

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from medzoo.errors import GeometryError, InputError, MedzooWarning
from medzoo.preprocess import Preprocessor
from medzoo.spatial import normalising_steps
from medzoo.spatial.apply_transform import apply
from medzoo.spatial.chain import SpatialChain
from medzoo.spatial.deface import (
    ANY_BRAIN,
    MARGIN_MM,
    NO_GUARANTEE,
    deface,
    face_mask,
)
from medzoo.spatial.grid import Grid
from medzoo.spatial.registration import find, register
from medzoo.spatial.standard_space import standard_space
from medzoo.spatial.transform import Transform
from medzoo.volume import Volume

MOVED = np.array(
    [[1.05, -0.1, 0.05, 12], [0.1, 0.96, 0.0, -9], [0, 0.04, 1.02, 7], [0, 0, 0, 1]]
)


@pytest.fixture(scope="module")
def space():
    return standard_space("mni152")


@pytest.fixture(scope="module")
def brain_points(space):
    index = np.argwhere(space.mask.array)[::997]
    return index @ space.grid.affine[:3, :3].T + space.grid.affine[:3, 3]


@pytest.fixture
def coarse(monkeypatch):
    """The descents to the coarse atlas that were made."""
    module, made = import_module("medzoo.spatial.register"), []
    descend = module._descend

    def counted(*arguments):
        made.append(arguments)
        return descend(*arguments)

    monkeypatch.setattr(module, "_descend", counted)
    return made


def bent(space):
    """The average head with the middle of its brain pushed about, and the way."""
    shape = np.array(space.head.shape)
    axes = [np.sin(np.pi * np.arange(n) / (n - 1)) ** 2 for n in shape]
    bell = axes[0][:, None, None] * axes[1][:, None] * axes[2]
    wave = np.cos(np.arange(shape[1]) / 9.0)[None, :, None]
    field = np.stack([5 * bell * wave, 7 * bell, -5 * bell * wave], -1)
    way = Transform([Volume(field.astype(np.float32), space.grid.affine)])
    return apply(way, space.head, grid=space.grid), way


def test_the_space_is_that_of_mni(space):
    assert space.head.shape == (91, 109, 91)
    assert space.grid.affine[:3, 3].tolist() == [-90, -126, -72]
    ml = space.mask.array.sum() * 8 / 1000
    assert 1500 < ml < 2100
    white = space.head.array[space.tissue.array == 3]
    assert np.median(white) == pytest.approx(1.0, abs=0.1)
    assert set(np.unique(space.tissue.array)) <= {0, 1, 2, 3, 5, 6, 7, 8}
    # The anterior commissure is the origin: deep in the brain.
    assert space.mask.array[45, 63, 36]
    left = space.tissue.array[:45], space.tissue.array[:45:-1]
    assert (left[0] == left[1]).mean() > 0.9


@pytest.fixture(scope="module")
def affine(space):
    """How the moved head was found to lie."""
    return register(space.head.with_affine(MOVED @ space.head.affine), "mni152")


def test_an_affine_motion_is_found(affine, brain_points):
    found = affine
    expected = brain_points @ MOVED[:3, :3].T + MOVED[:3, 3]
    error = np.linalg.norm(found.points(brain_points) - expected, axis=1)
    assert error.mean() < 1.0
    assert found.quality["correlation"] > 0.98
    assert found.quality["overlap"] > 0.95
    scale = np.cbrt(np.linalg.det(MOVED[:3, :3]))
    assert found.quality["scale"] == pytest.approx(scale, abs=0.015)


def test_a_rigid_one_keeps_the_size(space, affine, monkeypatch):
    moving = space.head.with_affine(MOVED @ space.head.affine)
    # It begins as an affine one.
    module = import_module("medzoo.spatial.onto_standard")
    monkeypatch.setattr(module, "_affine", lambda *_: affine.matrix)
    found = find(moving, "mni152", "rigid")
    linear = found.matrix[:3, :3]
    np.testing.assert_allclose(linear @ linear.T, np.eye(3), atol=1e-6)
    assert found.quality["scale"] == pytest.approx(1)


def dice(first, second, code):
    pair = first == code, second == code
    return 2 * (pair[0] & pair[1]).sum() / sum(p.sum() for p in pair)


@pytest.mark.extended
def test_a_bent_head_is_straightened_and_labels_come_back(space):
    moving, way = bent(space)
    found = find(moving, "mni152", "deformable")
    assert found.quality["smallest_jacobian"] > 0
    assert found.warnings == ()
    labels = apply(way, space.tissue, labels=True, grid=space.grid)
    gains = []
    for transform in (found, Transform(found.parts[1:])):
        drawn = apply(transform, labels, labels=True, grid=space.grid).array
        gains.append(np.mean([dice(drawn, space.tissue.array, c) for c in (1, 3, 6)]))
    assert gains[0] > gains[1] + 0.08
    there = apply(found, labels, labels=True, spacing=1.0)
    back = apply(found.inverse(Grid.of(labels)), there, labels=True)
    for code in (1, 3, 6):
        assert dice(back.array, labels.array, code) > 0.95


def test_a_recipe_with_a_deformation_answers_in_the_scans_own_space(space, coarse):
    moving, way = bent(space)
    moving = moving.with_affine(MOVED @ moving.affine)
    steps = [
        {
            "step": "register",
            "arguments": {"atlas": "mni152", "transform": "deformable", "spacing": 2},
        },
        {
            "step": "sample",
            "arguments": {"shape": [80, 96, 80], "spacing": 2, "centre": [0, -18, 6]},
        },
    ]
    channels = [{"name": "t1", "required": True}]
    preprocessor = Preprocessor({"spatial": steps, "layers": []}, channels)
    x, undo = preprocessor(moving)
    # The deformation goes on from where the recipe's own check of the head ended.
    assert len(coarse) == 1
    assert x.shape == (1, 80, 96, 80, 1)
    labels = apply(way, space.tissue, labels=True, grid=space.grid)
    labels = labels.with_affine(MOVED @ labels.affine)
    seen = undo.place_labels(labels)
    white = x[0, ..., 0][seen.array == 3]
    assert np.median(white) == pytest.approx(1.0, abs=0.1)
    back = undo(seen.array, interpolation="vote")
    assert back.shape == moving.shape
    np.testing.assert_array_equal(back.affine, moving.affine)
    assert dice(back.array, labels.array, 3) > 0.88
    # Which side is which is known after a deformation too.
    assert undo.to_atlas is not None
    right = [(undo.to_atlas @ [39.5 + n, 50, 40, 1])[0] for n in (-25, 0, 25)]
    np.testing.assert_allclose(right, [-50, 0, 50], atol=6)


def test_a_head_that_is_deformed_is_judged_as_any_other(space, monkeypatch):
    still = Transform([np.eye(4)], grid=space.grid)
    monkeypatch.setattr(normalising_steps, "find", lambda *_: still)
    stretch = np.diag([1.0, 1.0, 1.6, 1.0])
    head = space.head.with_affine(stretch @ space.head.affine)
    notes = []
    for arguments in (
        {"atlas": "ixi_t1_4mm"},
        {"atlas": "mni152", "transform": "deformable"},
    ):
        step = {"step": "register", "arguments": arguments}
        notes.append(SpatialChain([step], ["t1"])(head)[1].notes)
    assert any("average" in note for note in notes[0])
    assert notes[1] == notes[0]


def test_two_contrasts_of_one_head_are_brought_together(space, brain_points):
    motion = np.eye(4)
    motion[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    motion[:3, 3] = 6, -4, 5
    array = np.where(space.head.array > 0.2, 1.6 - space.head.array, 0)
    moving = space.head.with_array(array).with_affine(motion @ space.head.affine)
    found = register(moving, space.head, "rigid")
    expected = brain_points @ motion[:3, :3].T + motion[:3, 3]
    error = np.linalg.norm(found.points(brain_points) - expected, axis=1)
    assert error.mean() < 1.0
    assert found.quality["correlation"] > 0.8


def test_what_is_no_head_is_warned_about():
    noise = np.random.default_rng(0).uniform(0, 100, (60, 60, 60))
    blob = Volume(noise.astype(np.float32), np.diag([3.0, 3.0, 3.0, 1.0]))
    with pytest.warns(MedzooWarning, match="probably failed"):
        register(blob, "mni152")


@pytest.mark.parametrize(
    ("fixed", "options", "text"),
    [
        ("talairach", {}, "no such standard space"),
        ("mni152", {"kind": "elastic"}, "`kind` must be"),
        ("mni152", {"contrast": "t2"}, "is a T1"),
        ("mni152", {"kind": "deformable", "contrast": "flair"}, "is a T1"),
        (3, {}, "`fixed` must be"),
    ],
)
def test_what_cannot_be_done_is_refused(head_phantom, fixed, options, text):
    with pytest.raises(InputError, match=text):
        register(head_phantom(8.0), fixed, **options)


def test_fields_of_view_without_a_head_and_other_masks_are_refused(head_phantom):
    small = Volume(np.random.default_rng(0).random((20, 20, 20)), np.eye(4))
    with pytest.raises(GeometryError, match="A head must fill"):
        register(small)
    head = head_phantom(8.0)
    with pytest.raises(GeometryError, match="mask must lie"):
        register(head, head, mask=small)
    with pytest.raises(InputError, match="own mask"):
        register(head, mask=head)
    with pytest.raises(InputError, match="one channel"):
        register(head.with_array(np.zeros((*head.shape, 2))))


def test_the_face_goes_and_the_brain_stays(space):
    head = space.head.with_affine(MOVED @ space.head.affine)
    way = Transform([MOVED])
    with pytest.warns(MedzooWarning, match="no guarantee"):
        found = deface(head, way)
    assert NO_GUARANTEE.startswith("Removing")
    face = face_mask(head, way).array
    assert not (face & space.mask.array).any()
    # The nose: in front, below the forehead.
    assert face[45, 105, 15]
    assert (found.array[face] == 0).all()
    np.testing.assert_array_equal(found.array[~face], head.array[~face])
    assert 0.02 < face.mean() < 0.3
    near = space.probability.array > ANY_BRAIN
    away = distance_transform_edt(~near, space.head.spacing)
    assert away[face].min() > MARGIN_MM


def test_no_single_voxel_decides_what_a_face_becomes(space):
    way = Transform([np.eye(4)])
    face = face_mask(space.head, way).array
    for darkest in (0, -57, -100):
        array = space.head.array * 500
        array[5, 5, 5] = darkest
        with pytest.warns(MedzooWarning, match="no guarantee"):
            found = deface(space.head.with_array(array), way)
        assert (found.array[face] == 0).all()
