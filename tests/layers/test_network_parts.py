"""Parts that only networks use: kernels, scales, blocks."""

import json

import keras
import numpy as np
import pytest

from medzoo.layers import LinearUpsample3D, ScaleChannels
from medzoo.layers.convolution_blocks import BlockStyle, convolve, upsample
from medzoo.layers.linear_kernel import LinearKernel

RNG = np.random.default_rng(0)


def built(end, inputs):
    return keras.Model(inputs, end)


@pytest.mark.parametrize("strides", [(2, 2, 2), (1, 2, 4), (3, 1, 5)])
def test_transposed_upsampling_starts_as_linear_inside(strides):
    inputs = keras.Input((5, 6, 7, 3))
    model = built(upsample(inputs, strides, "transposed", BlockStyle(), "up"), inputs)
    x = RNG.normal(size=(2, 5, 6, 7, 3)).astype("f4")

    found, linear = model(x), LinearUpsample3D(strides)(x)

    assert found.shape == linear.shape
    inside = (slice(None), *[slice(s, -s) for s in strides])
    np.testing.assert_allclose(
        np.array(found)[inside], np.array(linear)[inside], atol=1e-5
    )
    assert model.count_params() == 9 * np.prod([2 * s if s > 1 else 1 for s in strides])


def test_kernel_by_hand():
    kernel = np.array(LinearKernel((2, 1, 1))((4, 1, 1, 2, 2)))

    np.testing.assert_array_equal(kernel[:, 0, 0, 0, 0], [0.25, 0.75, 0.75, 0.25])
    np.testing.assert_array_equal(kernel[:, 0, 0, 1, 0], np.zeros(4))
    odd = np.array(LinearKernel(3)((6, 6, 6, 1, 1)))[:, 2, 2, 0, 0]
    np.testing.assert_allclose(odd, np.array([1, 2, 3, 2, 1, 0]) / 3, rtol=1e-6)


def test_kernel_config_round_trip():
    saved = json.loads(
        json.dumps(keras.saving.serialize_keras_object(LinearKernel((1, 2, 3))))
    )

    copy = keras.saving.deserialize_keras_object(saved)

    assert copy.strides == (1, 2, 3)
    assert keras.backend.standardize_dtype(copy((1, 4, 6, 2, 2), "float16").dtype) == (
        "float16"
    )


@pytest.mark.parametrize("kind", ["linear", "transposed", "nearest"])
def test_upsampling_by_one_adds_no_layer(kind):
    inputs = keras.Input((4, 4, 4, 1))

    assert upsample(inputs, (1, 1, 1), kind, BlockStyle(), "up") is inputs


def test_nearest_repeats_voxels():
    inputs = keras.Input((2, 2, 2, 1))
    model = built(upsample(inputs, (1, 2, 3), "nearest", BlockStyle(), "up"), inputs)
    x = RNG.normal(size=(1, 2, 2, 2, 1)).astype("f4")

    np.testing.assert_array_equal(model(x), x.repeat(2, axis=2).repeat(3, axis=3))


def test_scale_channels():
    layer = ScaleChannels()
    x = RNG.normal(size=(2, 3, 3, 3, 2)).astype("f4")

    np.testing.assert_array_equal(layer(x), x)
    layer.set_weights([np.array([2.0, 3.0]), np.array([0.5, -1.0])])
    np.testing.assert_allclose(layer(x), x * [2, 3] + [0.5, -1], rtol=1e-5)
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert type(copy) is ScaleChannels
    assert layer.compute_output_shape((None, 4, 4, 4, 2)) == (None, 4, 4, 4, 2)


def test_style_in_float32_keeps_all_else():
    style = BlockStyle(normalization="group", dtype="mixed_bfloat16", use_bias=True)

    changed = style.in_float32()

    assert (changed.dtype, changed.normalization) == ("float32", "group")
    inputs = keras.Input((4, 4, 4, 1))
    end = convolve(inputs, 2, 3, 1, changed, "conv", padding="valid")
    assert end.dtype == "float32"
    assert end.shape == (None, 2, 2, 2, 2)
