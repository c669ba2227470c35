"""Layers that change the size of a volume inside a network."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from medzoo.layers import (
    CropLike3D,
    CropToMultiple3D,
    LinearUpsample3D,
    PadChannels,
    PadToMultiple3D,
)

RNG = np.random.default_rng(0)
FACTORS = [(1, 2, 2), (2, 2, 2), (3, 3, 3), (4, 1, 2), (1, 1, 1), (5, 3, 8)]
LAYERS = [
    PadChannels(5),
    LinearUpsample3D((1, 2, 3)),
    PadToMultiple3D((4, 3, 1), margin=(0, 1, 2), mode="symmetric"),
    CropToMultiple3D((2, 3, 1), offset=1),
]


def batch(*shape):
    return RNG.normal(size=shape).astype("f4")


def numpy_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def interpolated(x, axis, stride):
    """Linear interpolation at half-pixel centres by NumPy, clamped at the edges."""
    n = x.shape[axis]
    at = (np.arange(n * stride) + 0.5) / stride - 0.5
    return np.apply_along_axis(lambda v: np.interp(at, np.arange(n), v), axis, x)


def upsampled(x, strides):
    for axis, stride in enumerate(strides, start=1):
        x = interpolated(x, axis, stride)
    return x


@pytest.mark.parametrize("strides", FACTORS)
@pytest.mark.parametrize("sizes", [(4, 3, 5), (1, 2, 1)])
def test_upsample_is_the_trilinear_resize_up_to_the_border(strides, sizes):
    x = batch(2, *sizes, 3)

    found = LinearUpsample3D(strides)(x)

    np.testing.assert_allclose(found, upsampled(x, strides), atol=1e-5)


def test_upsample_by_two_has_the_weights_three_and_one():
    x = np.array([0.0, 4.0, 8.0], "f4").reshape(1, 3, 1, 1, 1)

    found = numpy_of(LinearUpsample3D((2, 1, 1))(x)).ravel()

    np.testing.assert_array_equal(found, [0, 1, 3, 5, 7, 8])


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(*[st.integers(1, 4)] * 3),
    st.tuples(*[st.integers(1, 5)] * 3),
    st.floats(-1e3, 1e3, width=32),
)
def test_upsample_keeps_a_constant(strides, sizes, value):
    found = LinearUpsample3D(strides)(np.full((1, *sizes, 2), value, "f4"))

    # Processors may take parts of the smallest numbers for 0.
    np.testing.assert_allclose(found, np.float32(value), rtol=1e-5, atol=1e-36)


def test_upsample_keeps_a_ramp_inside():
    x = np.arange(300, dtype="f4").reshape(1, 1, 1, 300, 1)

    found = numpy_of(LinearUpsample3D((1, 1, 3))(x)).ravel()

    np.testing.assert_allclose(found[1:-1], np.arange(898) / 3, atol=1e-4)


def test_gradient_of_the_upsampling_is_its_transpose():
    x, y = tf.constant(batch(1, 3, 4, 2, 2)), batch(1, 6, 4, 6, 2)
    layer = LinearUpsample3D((2, 1, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        product = tf.reduce_sum(layer(x) * y)

    gradient = numpy_of(tape.gradient(product, x))

    other = batch(1, 3, 4, 2, 2)
    expected = (upsampled(other, (2, 1, 3)) * y).sum()
    np.testing.assert_allclose((gradient * other).sum(), expected, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_upsample_in_any_float_type(dtype):
    x = batch(1, 3, 3, 3, 1)
    layer = LinearUpsample3D(2, dtype=dtype)

    found = layer(keras.ops.cast(x, dtype))

    assert keras.backend.standardize_dtype(found.dtype) == dtype
    np.testing.assert_allclose(
        numpy_of(keras.ops.cast(found, "float32")),
        upsampled(x, (2, 2, 2)),
        atol={"float32": 1e-6, "float16": 3e-3, "bfloat16": 3e-2}[dtype],
    )


@pytest.mark.parametrize("layer", LAYERS, ids=lambda la: type(la).__name__)
def test_sizes_known_at_run_time_alone(layer):
    x = batch(2, 5, 4, 7, 2)
    unknown = tf.TensorSpec([None, None, None, None, 2])
    compiled = tf.function(layer, input_signature=[unknown])

    found = compiled(x)

    np.testing.assert_allclose(found, layer(x), atol=1e-6)
    assert tuple(found.shape) == layer.compute_output_shape((2, 5, 4, 7, 2))
    model = keras.Sequential([keras.Input((None, None, None, 2)), layer])
    assert model.output_shape[1:4] == (None, None, None)
    np.testing.assert_allclose(model.predict(x, verbose=0), found, atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda la: type(la).__name__)
def test_config_round_trip(layer):
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert saved["registered_name"] == f"medzoo>{type(layer).__name__}"
    assert copy.get_config() == layer.get_config()
    x = batch(1, 5, 4, 7, 2)
    np.testing.assert_array_equal(copy(x), layer(x))


@pytest.mark.parametrize("mode", ["constant", "symmetric", "reflect"])
def test_pad_as_numpy_does(mode):
    x = batch(1, 5, 6, 7, 2)

    found = PadToMultiple3D((4, 3, 5), margin=(1, 0, 0), mode=mode)(x)

    pads = [(0, 0), (2, 3), (0, 0), (1, 2), (0, 0)]
    np.testing.assert_array_equal(found, np.pad(x, pads, mode=mode))


def test_pad_before_a_convolution_in_a_compiled_graph():
    inputs = keras.Input((5, 6, 7, 2))
    x = PadToMultiple3D((2, 4, 2))(inputs)
    x = keras.layers.Conv3D(3, 3, padding="same", use_bias=False)(x)
    model = keras.Model(inputs, x)
    volumes = batch(2, 5, 6, 7, 2)

    found = model.predict(volumes, verbose=0)

    assert found.shape == (2, 6, 8, 8, 3)
    np.testing.assert_allclose(found, model(volumes), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 3), st.tuples(*[st.integers(1, 4)] * 3))
def test_crop_undoes_the_padding(sizes, multiple):
    x = batch(1, *sizes, 2)
    padded = PadToMultiple3D(multiple)(x)

    assert all(n % m == 0 for n, m in zip(padded.shape[1:4], multiple, strict=True))
    np.testing.assert_array_equal(CropLike3D()([padded, x]), x)


def test_what_fits_is_returned_untouched():
    x = tf.constant(batch(1, 4, 6, 8, 1))

    assert PadToMultiple3D((4, 3, 2))(x) is x
    assert CropLike3D()([x, x]) is x
    assert CropToMultiple3D((3, 2, 8), offset=(1, 0, 0))(x) is x


def test_crop_like_at_run_time_and_in_a_model():
    layer = CropLike3D()
    unknown = tf.TensorSpec([None, None, None, None, 1])
    compiled = tf.function(
        lambda a, b: layer([a, b]), input_signature=[unknown, unknown]
    )
    x, reference = batch(1, 6, 7, 8, 1), batch(1, 3, 7, 5, 1)

    np.testing.assert_array_equal(compiled(x, reference), x[:, 1:4, :, 1:6])
    inputs = [keras.Input((None, None, None, 1)), keras.Input((3, None, 5, 2))]
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, 3, None, 5, 1)


def test_crop_to_multiple_keeps_the_centre():
    x = np.arange(12, dtype="f4").reshape(1, 12, 1, 1, 1)

    found = numpy_of(CropToMultiple3D((3, 1, 1), offset=(1, 0, 0))(x)).ravel()

    np.testing.assert_array_equal(found, np.arange(1, 11))


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (lambda: LinearUpsample3D(0), "strides=0"),
        (lambda: LinearUpsample3D(np.float32(2)), "strides=2.0"),
        (lambda: LinearUpsample3D((2, 2)), r"strides=\(2, 2\)"),
        (lambda: LinearUpsample3D((2, 2, 0.5)), r"strides=\(2, 2, 0.5\)"),
        (lambda: PadToMultiple3D(2, margin=-1), "margin=-1"),
        (lambda: PadToMultiple3D(2, mode="edge"), "mode='edge'"),
        (lambda: PadToMultiple3D(7, mode="reflect")(batch(1, 1, 4, 4, 1)), "1 voxels"),
        (lambda: CropToMultiple3D(3, offset=2)(batch(1, 4, 8, 8, 1)), "sizes="),
        (lambda: CropLike3D()([batch(1, 2, 2, 2, 1), batch(1, 3, 2, 2, 1)]), "sizes="),
    ],
)
def test_refuses(make, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        make()


@pytest.mark.parametrize("layer", LAYERS[1:], ids=lambda la: type(la).__name__)
def test_refuses_another_rank(layer):
    with pytest.raises(ValueError, match="expected ndim=5, found ndim=4"):
        layer(batch(4, 4, 4, 1))
