"""Displace3D and AddVolume."""

import json

import keras
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from medzoo.layers import AddVolume, Displace3D


def example():
    generator = np.random.default_rng(0)
    volumes = generator.normal(size=(2, 6, 7, 5, 2)).astype("float32")
    displacement = generator.uniform(-3, 3, (2, 6, 7, 5, 3)).astype("float32")
    return volumes, displacement


def test_displacement_samples_linearly_and_goes_on_beyond_the_border():
    volumes, displacement = example()

    out = np.asarray(Displace3D()([volumes, displacement]))

    where = np.indices((6, 7, 5))[None] + np.moveaxis(displacement, -1, 1)
    for case in range(2):
        for channel in range(2):
            expected = map_coordinates(
                volumes[case, ..., channel], where[case], order=1, mode="nearest"
            )
            np.testing.assert_allclose(out[case, ..., channel], expected, atol=1e-5)


def test_displacement_teaches_volumes_and_displacements():
    import tensorflow as tf

    x = [tf.Variable(value) for value in example()]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(Displace3D()(x)))
    gradients = tape.gradient(loss, x)

    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in gradients)


def test_displacement_refuses_other_sizes():
    volumes = keras.Input((6, 7, 5, 2))
    with pytest.raises(ValueError, match="three channels"):
        Displace3D()([volumes, keras.Input((6, 7, 5, 2))])
    with pytest.raises(ValueError, match="Received: shapes="):
        Displace3D()([volumes, keras.Input((6, 7, 4, 3))])


def test_added_volume_has_a_weight_a_voxel_and_is_saved(tmp_path):
    inputs = keras.Input((4, 3, 2, 2))
    model = keras.Model(inputs, AddVolume()(inputs))
    model.set_weights([np.arange(48, dtype="float32").reshape(4, 3, 2, 2)])
    x = example()[0][:, :4, :3, :2]

    np.testing.assert_array_equal(model(x), x + model.get_weights()[0])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
    with pytest.raises(ValueError, match="fixed sizes"):
        AddVolume()(keras.Input((4, None, 2, 2)))


@pytest.mark.parametrize("layer", [Displace3D(name="a"), AddVolume(name="b")])
def test_configuration_round_trip(layer):
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    assert saved["registered_name"] == f"medzoo>{type(layer).__name__}"
    copy = keras.saving.deserialize_keras_object(saved)
    assert copy.get_config() == layer.get_config()
