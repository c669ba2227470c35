import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medzoo.errors import GeometryError, InputError
from medzoo.volume import Volume

OBLIQUE = np.array(
    [
        [0.0, -2.0, 0.0, 10.0],
        [1.5, 0.0, 0.0, -20.0],
        [0.0, 0.0, 3.0, 30.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)


def test_geometry_by_hand():
    volume = Volume(np.zeros((2, 3, 4)), OBLIQUE)

    assert volume.shape == (2, 3, 4)
    assert volume.num_channels == 1
    assert volume.spacing == (1.5, 2.0, 3.0)
    assert volume.origin == (10.0, -20.0, 30.0)
    assert volume.orientation == "ALS"
    np.testing.assert_array_equal(volume.direction, [[0, -1, 0], [1, 0, 0], [0, 0, 1]])


def test_channels():
    volume = Volume(np.zeros((2, 3, 4, 5)), np.eye(4))

    assert (volume.shape, volume.num_channels) == ((2, 3, 4), 5)


@pytest.mark.parametrize(
    ("diagonal", "expected"),
    [((1, 1, 1), "RAS"), ((-1, -1, 1), "LPS"), ((-1, 1, -1), "LAI")],
)
def test_orientation_of_flips(diagonal, expected):
    volume = Volume(np.zeros((1, 1, 1)), np.diag([*diagonal, 1]))

    assert volume.orientation == expected


def test_shear_is_kept():
    affine = np.eye(4)
    affine[0, 1] = 0.3

    volume = Volume(np.zeros((1, 1, 1)), affine)

    np.testing.assert_array_equal(volume.affine, affine)
    assert volume.direction[:, 0] @ volume.direction[:, 1] > 0.2


@given(st.integers(0, 2**32 - 1))
def test_parts_give_the_affine_back(seed):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = rotation * rng.uniform(0.01, 100, 3)
    affine[:3, 3] = rng.uniform(-500, 500, 3)

    volume = Volume(np.zeros((1, 1, 1)), affine)

    np.testing.assert_allclose(
        volume.direction * volume.spacing, affine[:3, :3], rtol=1e-12
    )
    # One letter of each pair, so that no axis is named twice.
    pairs = ["LR", "PA", "IS"]
    assert sorted(
        i for c in volume.orientation for i, pair in enumerate(pairs) if c in pair
    ) == [0, 1, 2]


def test_with_keeps_the_rest_and_changes_nothing_in_place():
    volume = Volume(np.zeros((2, 2, 2)), OBLIQUE, warnings=("one", "two"))

    more = volume.with_array(np.ones((3, 3, 3)))
    moved = more.with_affine(np.eye(4))

    assert more.warnings == ("one", "two")
    assert (more.shape, volume.shape) == ((3, 3, 3), (2, 2, 2))
    np.testing.assert_array_equal(more.affine, OBLIQUE)
    np.testing.assert_array_equal(moved.affine, np.eye(4))
    assert moved.warnings == ("one", "two")


def test_is_not_changed_from_outside():
    affine = np.eye(4)
    volume = Volume(np.zeros((1, 1, 1)), affine)

    affine[0, 0] = 5

    assert volume.spacing == (1.0, 1.0, 1.0)
    with pytest.raises(AttributeError):
        volume.affine = affine
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0, 0] = 5


@pytest.mark.parametrize(
    "affine",
    [
        np.eye(3),
        np.full((4, 4), np.nan),
        np.diag([1, 1, 0, 1]),
        np.diag([1, 1, 1, 2]),
        np.diag([0.0005, 1, 1, 1]),
        np.diag([1, 1, 1001, 1]),
        np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        np.array([[1, 0, 0, -1e154], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    ],
    ids=[
        "3x3",
        "nan",
        "zero",
        "last row",
        "too small",
        "too large",
        "singular",
        "far away",
    ],
)
def test_refuses_impossible_affines(affine):
    with pytest.raises(GeometryError, match=r"Received: .*\. "):
        Volume(np.zeros((1, 1, 1)), affine)


@pytest.mark.parametrize("spacing", [0.001, 1000.0])
def test_accepts_the_ends_of_the_range(spacing):
    volume = Volume(np.zeros((1, 1, 1)), np.diag([spacing] * 3 + [1]))

    assert volume.spacing == (spacing,) * 3


@pytest.mark.parametrize("shape", [(2, 2), (2, 0, 2), (1, 1, 1, 1, 1)])
def test_refuses_other_shapes(shape):
    with pytest.raises(InputError, match="shape="):
        Volume(np.zeros(shape), np.eye(4))
