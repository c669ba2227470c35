import numpy as np
import pytest

from medzoo.spatial import SpatialChain
from medzoo.spatial.header_rounding import without_rounding
from tests.conftest import make_head

STEPS = [
    {"step": "register", "arguments": {"atlas": "ixi_t1_4mm"}},
    {
        "step": "sample",
        "arguments": {"shape": [40, 48, 40], "spacing": 4.0, "centre": [0, -18, 6]},
    },
]


@pytest.fixture(scope="module")
def head():
    return make_head((2.0, 2.2, 2.4), "PIR", noise=2.0)


def converted(volume):
    """As a NIfTI has it whose third axis was told in single precision."""
    affine = volume.affine.copy()
    affine[:3, 2] += (2e-6, -3e-6, 3e-6)
    affine[:3, 3] += (1e-6, 2e-4, 0.0)
    return volume.with_affine(affine)


def test_a_rounded_header_lies_as_the_exact_one(head):
    exact, rounded = without_rounding(head), without_rounding(converted(head))

    assert np.abs(exact.affine - head.affine).max() < 1e-9
    assert np.abs(exact.affine[:3, :3] - rounded.affine[:3, :3]).max() == 0


def test_turned_heads_move_by_hundredths_of_a_millimetre_at_most():
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", (11.3, -7.7, 23.1), degrees=True).as_matrix()
    head = make_head((0.9765625, 0.9765625, 1.2), rotation=turn)
    found = without_rounding(head)

    corners = np.array(np.meshgrid(*[(0, n - 1) for n in head.shape])).reshape(3, -1)
    corners = np.vstack([corners, np.ones(8)])
    distance = np.linalg.norm(((found.affine - head.affine) @ corners)[:3], axis=0)
    assert 0 < distance.max() < 0.05


def test_a_network_sees_the_same_of_both(head):
    chain = SpatialChain(STEPS)

    one, undo = chain(head)
    other, _ = chain(converted(head))

    assert np.abs(one.array - other.array).max() < 1e-5 * one.array.max()
    np.testing.assert_array_equal(undo.source.affine, head.affine)
