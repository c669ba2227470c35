"""AnatomyReadout3D: a frozen body, features, and a readout that `fit` moves."""

import keras
import numpy as np
import pytest

from medzoo.models import AnatomyReadout3D, ResidualUNet3D
from medzoo.models.from_recipe import with_new_head

BODY = {
    "class": "ResidualUNet3D",
    "arguments": {
        "num_classes": 4,
        "filters": [4, 8],
        "strides": [[1, 1, 1], [2, 2, 2]],
    },
}
FEATURES = {
    "regions": [[1], [2, 3]],
    "whole": [1, 2, 3],
    "tissues": [[1], [2]],
    "maps": {"low": [0, -4, -4], "high": [4, 4, 4], "block": 4},
    "unit": 1.0,
}


def make(num_classes=1, **arguments):
    keras.utils.set_random_seed(0)
    given = {"output_scale": 16.0, "output_offset": 47.0, **arguments}
    return AnatomyReadout3D((8, 8, 8, 4), num_classes, BODY, FEATURES, **given)


def volumes(count=6, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(count, 8, 8, 8, 1))
    axis = np.arange(8) - 3.5
    axes = np.meshgrid(np.abs(axis), axis, axis, indexing="ij")
    places = np.broadcast_to(np.stack(axes, -1), (count, 8, 8, 8, 3))
    return np.concatenate([images, places], -1).astype("f4")


def test_a_fresh_readout_answers_with_the_offset():
    np.testing.assert_allclose(make()(volumes()), np.full((6, 1), 47.0))


def test_fit_moves_the_readout_and_leaves_the_body_alone():
    model = make()
    body = [w.copy() for w in model.get_layer("body").get_weights()]
    assert [w.path for w in model.trainable_variables] == ["head/kernel", "head/bias"]
    x, y = volumes(), np.full((6, 1), 60.0)
    model.compile(keras.optimizers.Adam(0.05), "mae")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
    for old, new in zip(body, model.get_layer("body").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_features_and_readout_together_are_the_model():
    model = make()
    count = len(model.weights)
    model.get_layer("scaling").fit(np.asarray(model.feature_network(volumes(20))))
    model.get_layer("head").set_weights([np.full((10, 1), 0.3), np.array([0.1])])
    features = np.asarray(model.feature_network(volumes()))
    assert features.shape == (6, 10)
    np.testing.assert_allclose(
        model.read_out(features), model(volumes()), rtol=1e-5, atol=1e-4
    )
    assert model.distance(features).shape == (6,)
    assert len(model.weights) == len({id(w) for w in model.weights}) == count


def test_saving_keeps_body_scaling_and_readout(tmp_path):
    model = make()
    model.get_layer("scaling").fit(np.asarray(model.feature_network(volumes(20))))
    model.get_layer("head").set_weights([np.full((10, 1), 0.3), np.array([0.1])])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(volumes()), model(volumes()))
    model.save_weights(tmp_path / "model.weights.h5")
    other = make()
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(volumes()), model(volumes()))


def test_a_new_head_keeps_the_body():
    model = with_new_head(make(), 3)
    assert model(volumes()).shape == (6, 3)
    np.testing.assert_array_equal(
        model.feature_network(volumes()), make().feature_network(volumes())
    )


def test_a_body_with_a_finer_head_is_asked_on_its_own_grid():
    keras.utils.set_random_seed(0)
    arguments = {
        "num_classes": 4,
        "filters": [4, 8],
        "strides": [[2, 2, 2], [2, 2, 2]],
        "head_upsampling": "sub_voxel",
        "head_kernel_size": 1,
    }
    network = ResidualUNet3D((8, 8, 8, 4), **arguments)
    body = {"class": "ResidualUNet3D", "arguments": arguments}
    model = AnatomyReadout3D((8, 8, 8, 4), 1, body, FEATURES)
    model.take_body(network)

    logits = np.asarray(network(volumes(2)))
    # Four classes of eight small voxels in each of the body's.
    means = logits.reshape(2, 4, 2, 4, 2, 4, 2, 4).mean((2, 4, 6))
    regions = keras.Model(model.input, model.get_layer("regions").output)
    np.testing.assert_allclose(regions(volumes(2)), means, atol=1e-5)
    assert not model.get_layer("regions").trainable


def test_refuses_a_size_that_strides_do_not_divide():
    with pytest.raises(ValueError, match="divide"):
        AnatomyReadout3D((8, 8, 9, 4), 1, BODY, FEATURES)


def test_refuses_a_body_that_cannot_segment():
    with pytest.raises(ValueError, match="ResNet3D"):
        AnatomyReadout3D((8, 8, 8, 1), 1, {"class": "ResNet3D"}, FEATURES)
