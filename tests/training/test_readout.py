"""The readout: ridge regression, mixed with what the network answers."""

import numpy as np
import pytest

from medzoo.data.dataset import dataset
from medzoo.errors import RecipeError
from medzoo.training.fit import fit, single_network
from medzoo.training.readout import add_readout, block_means, ridge_regression


def test_ridge_regression_solves_the_penalised_normal_equations():
    generator = np.random.default_rng(0)
    samples = generator.normal(size=(30, 6)) + 5
    targets = samples @ np.arange(6.0) + generator.normal(size=30)

    weights, constant = ridge_regression(samples, targets, 0.2)

    centred = samples - samples.mean(0)
    penalty = 0.2 * (centred**2).sum() / 30
    system = centred.T @ centred + penalty * np.eye(6)
    expected = np.linalg.solve(system, centred.T @ (targets - targets.mean()))
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert np.mean(samples @ weights + constant) == pytest.approx(targets.mean())


def test_ridge_regression_of_equal_samples_is_the_mean():
    weights, constant = ridge_regression(np.ones((4, 3)), [1, 2, 3, 4], 0.1)

    np.testing.assert_array_equal(weights, 0)
    assert constant == 2.5


def test_block_means():
    volume = np.arange(4 * 4 * 2 * 1.0).reshape(4, 4, 2, 1)

    means = block_means(volume, 2)

    assert means.shape == (2, 2, 1, 1)
    assert means[0, 0, 0, 0] == volume[:2, :2].mean()
    assert means[1, 0, 0, 0] == volume[2:, :2].mean()


@pytest.fixture
def wide_recipe(recipe):
    recipe["architecture"] = recipe["architecture"]["arguments"]["member"]
    recipe["architecture"]["arguments"]["readout_block"] = 2
    return recipe


def test_answer_is_the_mixture_of_both_parts(wide_recipe, study):
    data = dataset(study, wide_recipe, seed=5)
    network = single_network(wide_recipe)
    x = np.stack([data.preprocessor.normalize(data.prepared.get(4)[None])[0]])
    x = (x + x[:, ::-1]) / 2  # as the mirrored mean sees it
    alone = np.asarray(network(x))[0, 0]
    mixed = {}
    for share in (1.0, 0.25):
        model = single_network(wide_recipe)
        model.set_weights(network.get_weights())
        add_readout(model, data, wide_recipe, share=share, penalty=0.01)
        mixed[share] = np.asarray(model(x))[0, 0]

    assert mixed[0.25] == pytest.approx(0.75 * alone + 0.25 * mixed[1.0], abs=1e-3)
    # By itself it knows the case that it was fitted to; the mean age would not do.
    assert mixed[1.0] == pytest.approx(data.targets[4], abs=6)
    assert abs(data.targets[4] - data.targets.mean()) > 6


def test_fit_trains_both_parts_and_leaves_all_of_it_trainable(
    wide_recipe, study, tmp_path
):
    wide_recipe["training"]["readout"] = {"share": 0.5, "penalty": 0.1}

    model = fit(wide_recipe, dataset(study, wide_recipe), tmp_path)

    readout = model.get_layer("readout")
    assert np.abs(readout.get_weights()[0]).max() > 0
    assert len(readout.trainable_weights) == 2


def test_deep_part_is_trained_as_if_there_were_no_readout(wide_recipe, study, tmp_path):
    plain = fit(
        wide_recipe | {"architecture": without_readout(wide_recipe)},
        dataset(study, wide_recipe),
        tmp_path / "plain",
    )
    wide_recipe["training"]["readout"] = {"share": 0.0, "penalty": 0.1}

    wide = fit(wide_recipe, dataset(study, wide_recipe), tmp_path / "wide")

    for layer in plain.layers:
        for one, other in zip(
            layer.get_weights(), wide.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_allclose(one, other, atol=1e-4)


def without_readout(recipe):
    architecture = recipe["architecture"]
    arguments = {**architecture["arguments"], "readout_block": None}
    return {**architecture, "arguments": arguments}


def test_readout_of_a_network_without_one_is_refused(recipe, study):
    recipe["architecture"] = recipe["architecture"]["arguments"]["member"]
    data = dataset(study, recipe)

    with pytest.raises(RecipeError, match="readout_block=None"):
        add_readout(single_network(recipe), data, recipe, share=0.5, penalty=0.1)
