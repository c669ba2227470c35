"""DepthToSpace3D and MarkChannels."""

import keras
import numpy as np
import pytest

from medzoo.layers import DepthToSpace3D, MarkChannels


def test_depth_to_space_puts_each_channel_in_its_voxel():
    x = np.arange(2 * 3 * 2 * 2 * 24, dtype="float32").reshape(2, 3, 2, 2, 24)
    out = np.asarray(DepthToSpace3D((2, 3, 2))(x))
    assert out.shape == (2, 6, 6, 4, 2)
    for i, j, k, c in [(0, 0, 0, 0), (1, 2, 1, 1), (0, 1, 1, 0), (1, 0, 0, 1)]:
        channel = ((i * 3 + j) * 2 + k) * 2 + c
        np.testing.assert_array_equal(out[:, i::2, j::3, k::2, c], x[..., channel])


def test_depth_to_space_is_a_transposed_convolution():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1, 3, 4, 2, 5)).astype("float32")
    kernel = generator.normal(size=(2, 2, 2, 3, 5)).astype("float32")
    transposed = keras.layers.Conv3DTranspose(3, 2, strides=2, use_bias=False)
    transposed.build(x.shape)
    transposed.set_weights([kernel])
    small = np.einsum("nxyzi,abcoi->nxyzabco", x, kernel).reshape(1, 3, 4, 2, 24)
    np.testing.assert_allclose(
        DepthToSpace3D(2)(small), transposed(x), rtol=1e-4, atol=1e-5
    )


def test_depth_to_space_refuses_channels_that_do_not_divide():
    with pytest.raises(ValueError, match="strides"):
        DepthToSpace3D(2)(np.zeros((1, 2, 2, 2, 9), "float32"))
    inputs = keras.Input((None, None, None, 16))
    assert DepthToSpace3D(2)(inputs).shape == (None, None, None, None, 2)


def test_marks_tell_which_channels_a_volume_has():
    x = np.zeros((2, 4, 4, 4, 3), "float32")
    x[0, 1, 2, 3, 1] = -2
    x[1, ..., 0] = 1
    out = np.asarray(MarkChannels()(x))
    np.testing.assert_array_equal(out[..., :3], x)
    np.testing.assert_array_equal(out[0, 0, 0, 0, 3:], [0, 1, 0])
    np.testing.assert_array_equal(out[1, ..., 3:].min((0, 1, 2)), [1, 0, 0])
    assert (np.ptp(out[..., 3:], axis=(1, 2, 3)) == 0).all()
