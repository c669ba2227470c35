"""Degradation against closed forms, and where the coarse voxels lie."""

import numpy as np
import pytest

from medzoo.data.feeds.degradation import (
    FWHM_OVER_SIGMA,
    degrade,
    degrade_volume,
    profile_matrix,
)
from medzoo.errors import InputError
from medzoo.spatial.factor_grid import coarser_affine, finer_affine
from medzoo.volume import Volume


def oblique_affine(flip=1.0):
    angle = 0.3
    turn = np.array(
        [
            [np.cos(angle), -np.sin(angle), 0],
            [np.sin(angle), np.cos(angle), 0],
            [0, 0, flip],
        ]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.8, 1.1, 2.5])
    affine[:3, 3] = -30, 12, 7
    return affine


@pytest.mark.parametrize("fwhm", [0.01, 0.7, 1.0, 1.3])
def test_a_constant_stays_constant_up_to_the_border(fwhm):
    coarse = degrade(np.full((13, 8, 10), 7.0), (4, 2, 3), fwhm)

    assert coarse.shape == (3, 4, 3)
    assert coarse.dtype == np.float32
    np.testing.assert_allclose(coarse, 7, rtol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_ramp_keeps_its_position_inside(factor):
    fine = np.arange(40, dtype="f4")[:, None, None] + np.zeros((40, 8, 8), "f4")

    coarse = degrade(fine, factor, 1.0)[:, 1, 1]

    centres = factor * np.arange(40 // factor) + (factor - 1) / 2
    # A profile one voxel wide reaches less than three voxels.
    np.testing.assert_allclose(coarse[3:-3], centres[3:-3], rtol=1e-5)


def test_the_profile_has_the_width_and_the_weights_that_it_says():
    row = profile_matrix(41, 1, 8.0)[20]

    assert row.sum() == pytest.approx(1, abs=1e-6)
    # Half of the height at half of the width from the middle.
    assert row[24] / row[20] == pytest.approx(0.5, rel=1e-5)
    assert row[16] / row[20] == pytest.approx(0.5, rel=1e-5)


def test_an_edge_is_blurred_as_the_integral_of_a_gaussian():
    from scipy.special import erf

    fine = np.zeros((64, 1, 1), "f4")
    fine[32:] = 1

    coarse = degrade(fine, (8, 1, 1), 1.0)[:, 0, 0]

    sigma = 8 / FWHM_OVER_SIGMA
    centres = 8 * np.arange(8) + 3.5
    expected = 0.5 * (1 + erf((centres - 31.5) / (sigma * np.sqrt(2))))
    np.testing.assert_allclose(coarse, expected, atol=2e-3)


def test_axes_have_their_own_factor_and_width_and_channels_pass_apart():
    rng = np.random.default_rng(0)
    fine = rng.random((8, 9, 10, 2)).astype("f4")

    coarse = degrade(fine, (2, 3, 1), (0.7, 1.3, 1.0))

    matrices = [
        profile_matrix(n, f, w) for n, f, w in ((8, 2, 0.7), (9, 3, 1.3), (10, 1, 1.0))
    ]
    expected = np.einsum("ax,by,cz,xyzk->abck", *matrices, fine)
    np.testing.assert_allclose(coarse, expected, rtol=1e-5)


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_outer_voxel_edges_stay_where_they_are(flip):
    fine = Volume(np.zeros((12, 8, 4), "f4"), oblique_affine(flip))

    coarse = degrade_volume(fine, (4, 2, 1))

    assert coarse.shape == (3, 4, 4)
    np.testing.assert_allclose(coarse.spacing, np.array(fine.spacing) * (4, 2, 1))
    for corner in np.ndindex(2, 2, 2):
        edges = [
            v.affine[:3, :3] @ (np.array(corner) * v.shape - 0.5) + v.affine[:3, 3]
            for v in (fine, coarse)
        ]
        np.testing.assert_allclose(*edges, atol=1e-9)


def test_finer_undoes_coarser():
    affine = oblique_affine()

    np.testing.assert_allclose(
        finer_affine(coarser_affine(affine, (4, 3, 2)), (4, 3, 2)), affine, atol=1e-12
    )


@pytest.mark.parametrize(
    ("factor", "fwhm"), [(0, 1.0), ((2, 2), 1.0), (2.5, 1.0), (2, 0.0), (9, 1.0)]
)
def test_nonsense_is_refused(factor, fwhm):
    with pytest.raises(InputError, match="Received"):
        degrade(np.zeros((8, 8, 8)), factor, fwhm)
