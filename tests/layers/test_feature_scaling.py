"""FeatureScaling: standardised groups, and distances that mean something."""

import keras
import numpy as np
import pytest

from medzoo.layers import FeatureScaling


def rows(count=400, seed=0):
    """Six features that vary along two directions, and a seventh that never does."""
    generator = np.random.default_rng(seed)
    hidden = generator.normal(size=(count, 2))
    mixed = hidden @ generator.normal(size=(2, 6))
    mixed += 0.05 * generator.normal(size=(count, 6))
    return np.column_stack([5 + 3 * mixed, np.full(count, 2.0)])


@pytest.fixture
def layer():
    layer = FeatureScaling(num_directions=2)
    layer.fit(rows())
    return layer


def test_before_a_fit_it_is_the_identity():
    x = rows(5)
    np.testing.assert_allclose(FeatureScaling()(x), x, rtol=1e-6)


def test_features_have_mean_zero_and_together_a_squared_norm_of_one(layer):
    scaled = keras.ops.convert_to_numpy(layer(rows()))

    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    assert (scaled**2).sum(1).mean() == pytest.approx(6 / 7, rel=1e-4)
    assert (scaled[:, 6] == 0).all()


def test_groups_have_the_shares_that_they_are_given():
    layer = FeatureScaling(2)
    layer.fit(rows(), groups=[(2, 0.8), (5, 0.2)])
    scaled = keras.ops.convert_to_numpy(layer(rows()))

    assert (scaled[:, :2] ** 2).sum(1).mean() == pytest.approx(0.8, rel=1e-4)
    assert (scaled[:, 2:] ** 2).sum(1).mean() == pytest.approx(0.2 * 4 / 5, rel=1e-4)
    with pytest.raises(ValueError, match="groups"):
        layer.fit(rows(), groups=[(3, 1.0)])


def test_a_group_together_keeps_what_varies_most():
    x = rows()
    layer = FeatureScaling(2)
    layer.fit(x, groups=[(2, 0.5), (5, 0.5, "together")])
    scaled = keras.ops.convert_to_numpy(layer(x))

    assert (scaled[:, :2] ** 2).sum(1).mean() == pytest.approx(0.5, rel=1e-4)
    assert (scaled[:, 2:] ** 2).sum(1).mean() == pytest.approx(0.5, rel=1e-4)
    relative = scaled[:, 2:6].std(0) / x[:, 2:6].std(0)
    np.testing.assert_allclose(relative, relative[0], rtol=1e-4)


def test_the_mean_square_of_distances_is_one(layer):
    assert (layer.distance(rows()) ** 2).mean() == pytest.approx(1.0, rel=1e-3)


def test_what_lies_across_or_far_along_is_distant(layer):
    x = rows()
    usual = np.quantile(layer.distance(x), 0.99)
    across, along = x[:1].copy(), x.mean(0)[None] + 8 * (x[:1] - x.mean(0))
    across[0, 0] += 5
    assert layer.distance(across)[0] > 3 * usual
    assert layer.distance(along)[0] > usual


def test_rows_count_by_their_weights():
    x = np.vstack([rows(50), rows(50) + 100])
    layer = FeatureScaling(2)
    layer.fit(x, weights=np.r_[np.ones(50), np.full(50, 1e-12)])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(layer.weights[0]), rows(50).mean(0), rtol=1e-4
    )


def test_saved_weights_keep_the_distance(tmp_path, layer):
    x = rows(20, seed=1)
    inputs = keras.Input((7,))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.layers[1].distance(x), layer.distance(x))
    assert again.layers[1].trainable_variables == []
