"""Descent from a start that is nearly right."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.spatial import descent
from medzoo.spatial.descent import descend
from medzoo.volume import Volume


@pytest.fixture(scope="module")
def blobs():
    """A lopsided image, and the same 3 mm away."""
    x, y, z = np.meshgrid(*[np.arange(32.0)] * 3, indexing="ij")
    array = np.exp(-((x - 14) ** 2 + (y - 17) ** 2 / 3 + (z - 15) ** 2 / 2) / 30)
    array += 0.6 * np.exp(-((x - 20) ** 2 + (y - 11) ** 2 + (z - 18) ** 2) / 10)
    still = Volume(array.astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))
    away = np.eye(4)
    away[:3, 3] = 3, -2, 1
    return still, still.with_affine(away @ still.affine), away


def assert_moves_as(found, away):
    """The middle of the image goes where it should, to a third of a millimetre."""
    middle = np.array([30.0, 32, 32, 1])
    np.testing.assert_allclose(found @ middle, away @ middle, atol=0.3)


@pytest.mark.parametrize("metric", ["correlation", "information"])
def test_a_shift_is_found(blobs, metric):
    still, moved, away = blobs
    found, _ = descend(still, moved, np.eye(4), kind="rigid", metric=metric)
    assert_moves_as(found, away)


def test_a_first_step_that_leads_away_is_not_the_last(blobs, monkeypatch):
    still, moved, away = blobs
    monkeypatch.setattr(descent, "FIRST_STEPS", (1e5,))
    with pytest.raises(InputError, match="drift apart"):
        descend(still, moved, np.eye(4), kind="rigid", metric="information")
    monkeypatch.setattr(descent, "FIRST_STEPS", (1e5, 1.0))
    found, _ = descend(still, moved, np.eye(4), kind="rigid", metric="information")
    assert_moves_as(found, away)


@pytest.mark.parametrize("masked", [False, True])
def test_images_that_lie_apart_are_refused(blobs, masked):
    still, moved, _ = blobs
    start = np.eye(4)
    start[0, 3] = 500
    mask = still.array > 0.5 if masked else None
    with pytest.raises(InputError, match="must overlap"):
        descend(still, moved, start, kind="rigid", metric="information", mask=mask)
