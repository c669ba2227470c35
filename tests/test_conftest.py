"""The phantom that other tests rely on."""

import os

import keras
import numpy as np
import pytest


def test_phantom_is_the_same_head_on_every_grid(head_phantom):
    from medzoo.spatial import orient

    reference = head_phantom(4.0)
    turned = orient(head_phantom(4.0, "PIL"), "RAS")
    assert turned.shape == reference.shape
    np.testing.assert_allclose(turned.affine, reference.affine, atol=1e-9)
    np.testing.assert_allclose(turned.array, reference.array, atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_no_flip_of_the_phantom_is_the_phantom(head_phantom, axis):
    array = head_phantom(4.0).array
    assert np.abs(np.flip(array, axis) - array).max() > 20


def test_phantom_has_the_asked_geometry_and_the_same_noise_each_time(head_phantom):
    volume = head_phantom((2, 3, 4), "LPS", shift=(10, 0, -5), noise=3.0)
    assert volume.spacing == pytest.approx((2, 3, 4))
    assert volume.orientation == "LPS"
    middle = volume.affine[:3] @ [*((np.array(volume.shape) - 1) / 2), 1]
    assert middle == pytest.approx([10, 0, -5])
    again = head_phantom((2, 3, 4), "LPS", shift=(10, 0, -5), noise=3.0)
    assert np.array_equal(volume.array, again.array)


def test_skull_stripped_phantom_is_zero_outside_the_brain(head_phantom):
    whole, stripped = head_phantom(4.0), head_phantom(4.0, skull=False)
    # The scalp is gone, and the white matter stays as bright as it was.
    assert (whole.array > 60).sum() > 1.3 * (stripped.array > 60).sum()
    assert stripped.array.max() == pytest.approx(160, abs=1)


def test_collecting_the_tests_leaves_the_backend_to_the_user():
    # Subprocesses, such as those of the notebooks, inherit it.
    assert os.environ.get("KERAS_BACKEND") in (None, keras.config.backend())
