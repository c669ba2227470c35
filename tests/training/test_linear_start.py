"""Principal components in closed form, and an autoencoder that starts as them."""

import keras
import numpy as np
import pytest

from medzoo.errors import InputError, RecipeError
from medzoo.models import ConvolutionalAutoencoder3D
from medzoo.training.linear_start import (
    blocks_of,
    principal_components,
    start_linearly,
)

ARGUMENTS = {
    "input_shape": (6, 5, 7, 2),
    "latent_dim": 5,
    "filters": (3, 4),
    "strides": ((2, 2, 2), (2, 2, 2)),
    "normalization": "none",
    "use_bias": True,
    "block_size": (2, 4, 4),
    # All numbers of a block: nothing is lost.
    "linear_filters": 64,
    "deformation": True,
}


def samples(count=12, seed=0):
    """Volumes of three patterns and a little noise."""
    generator = np.random.default_rng(seed)
    patterns = np.random.default_rng(9).normal(size=(3, 6, 5, 7, 2))
    strengths = generator.normal(size=(count, 3)) * (4, 2, 1) + (1, 0, 0)
    noise = 0.05 * generator.normal(size=(count, 6, 5, 7, 2))
    return (np.tensordot(strengths, patterns, 1) + noise).astype("float32")


def test_components_are_those_of_a_singular_value_decomposition():
    x = samples().reshape(12, -1)

    found = principal_components(x, 3)

    _, values, directions = np.linalg.svd(x - x.mean(0), full_matrices=False)
    np.testing.assert_allclose(found.deviations, values[:3] / np.sqrt(12), rtol=1e-4)
    np.testing.assert_allclose(
        np.abs(np.sum(found.vectors.T * directions[:3], 1)), np.ones(3), atol=1e-3
    )
    np.testing.assert_allclose(found.mean, x.mean(0), atol=1e-5)


def test_samples_are_reconstructed_by_as_many_components_as_they_span():
    x = samples(6).reshape(6, -1)

    found = principal_components(x, 50)

    assert found.vectors.shape[1] == 5
    np.testing.assert_allclose(found.reconstruct(x), x, atol=1e-3)


def test_one_sample_has_no_components():
    with pytest.raises(InputError, match="Received: 1"):
        principal_components(np.zeros((1, 9), "float32"), 2)


def test_network_starts_as_the_components_of_its_data():
    keras.utils.set_random_seed(0)
    model = ConvolutionalAutoencoder3D(**ARGUMENTS)
    x, unseen = samples(), samples(4, seed=1)
    start_linearly(model, x)

    found = model.predict(unseen, verbose=0)

    components = principal_components(x.reshape(12, -1), 5)
    wanted = components.reconstruct(unseen.reshape(4, -1)).reshape(unseen.shape)
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    codes = model.encoder.predict(x, verbose=0)
    assert np.mean(codes.var(0)) == pytest.approx(1, rel=1e-3)


def test_what_adds_nothing_at_the_start_still_learns():
    keras.utils.set_random_seed(0)
    model = ConvolutionalAutoencoder3D(**ARGUMENTS)
    x = samples()
    start_linearly(model, x)
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    start = {w.path: np.array(w) for w in model.weights}

    model.fit(x, x, epochs=2, verbose=0)

    for path in ("latent/kernel", "head/kernel", "displacement/kernel"):
        weight = next(w for w in model.weights if w.path.endswith(path))
        assert not start[weight.path].any(), path
        assert np.array(weight).any(), path


def test_blocks_hold_each_voxel_once():
    volume = np.arange(6 * 5 * 7 * 2, dtype="float32").reshape(1, 6, 5, 7, 2) + 1

    cut = blocks_of(volume, (2, 4, 4))

    assert cut.shape == (1, 3 * 2 * 2, 64)
    assert sorted(cut[cut > 0]) == sorted(volume.ravel())
    assert {1.0, 2.0} <= set(cut[0, 0])


def test_network_without_a_linear_path_is_refused():
    plain = {k: v for k, v in ARGUMENTS.items() if k != "linear_filters"}
    with pytest.raises(RecipeError, match="linear_filters=None"):
        start_linearly(ConvolutionalAutoencoder3D(**plain), samples())
