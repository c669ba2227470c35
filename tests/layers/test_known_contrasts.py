"""KnownContrasts: distance from the scanners that it was fitted to."""

import keras
import numpy as np
import pytest

from medzoo.layers import KnownContrasts


def volumes(scanner, count=60, seed=0):
    """Volumes of two channels whose levels are the scanner's, and differ by person."""
    generator = np.random.default_rng([seed, scanner])
    people = generator.normal(0, 0.1, (count, 1, 2, 2, 2))
    people = people.repeat(4, 1).repeat(2, 2).repeat(2, 3)
    return people + scanner + generator.normal(0, 0.05, (count, 4, 4, 4, 2))


@pytest.fixture
def layer():
    layer = KnownContrasts(num_contrasts=3)
    both = np.concatenate([volumes(0), volumes(1)])
    layer(both[:1].astype("float32"))
    layer.fit(layer.describe(both), ["a"] * 60 + ["b"] * 60)
    return layer


def test_volumes_pass_unchanged(layer):
    x = volumes(0, 3).astype("float32")
    np.testing.assert_array_equal(layer(x), x)


def test_new_people_of_known_scanners_are_at_distance_one(layer):
    for scanner in (0, 1):
        found = layer.distance(layer.describe(volumes(scanner, 200, seed=1)))
        assert np.sqrt((found**2).mean()) == pytest.approx(1, abs=0.2)


def test_another_scanner_is_far_even_between_two_known_ones(layer):
    for level in (0.5, 2.0, -1.0):
        found = layer.distance(layer.describe(volumes(0) + level))
        assert found.min() > 2


def test_a_head_and_its_mirror_image_are_equally_far(layer):
    x = volumes(0, 5) + 0.3
    near, mirrored = (layer.distance(layer.describe(v)) for v in (x, x[:, ::-1]))
    np.testing.assert_allclose(near, mirrored)


def test_zones_tell_where_the_contrast_differs():
    x = volumes(0, 5)
    parts = KnownContrasts(zones=(1, 2, 2)).describe(x).reshape(5, 2, 2, 2)
    np.testing.assert_allclose(parts[:, 0, 1], x[:, :, :2, 2:].mean((1, 2, 3)))


def test_nothing_is_known_before_a_fit():
    layer = KnownContrasts()
    x = volumes(0, 2).astype("float32")
    layer(x)
    assert np.isinf(layer.distance(layer.describe(x))).all()


def test_what_does_not_vary_does_not_break_it():
    layer = KnownContrasts()
    x = np.ones((6, 4, 4, 4, 2), "float32")
    layer(x)
    layer.fit(layer.describe(x), [0] * 6)
    assert layer.distance(layer.describe(x)).max() < 1e-3
    assert layer.distance(layer.describe(1.5 * x)).min() > 100


def test_weights_hold_all_that_was_fitted(layer, tmp_path):
    inputs = keras.Input((4, 4, 4, 2))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras").layers[-1]
    features = layer.describe(volumes(0, 4) + 0.2)
    np.testing.assert_allclose(again.distance(features), layer.distance(features))


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: KnownContrasts(zones=(1, 3, 1)).build((1, 4, 4, 4, 2)), "divide"),
        (lambda: KnownContrasts().build((1, None, 4, 4, 2)), "divide"),
        (lambda: KnownContrasts(1).fit(np.zeros((2, 8)), ["a", "b"]), "At most 1"),
    ],
)
def test_refusals(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()
