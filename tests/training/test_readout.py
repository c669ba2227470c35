"""The readout: ridge regression, mixed with what the network answers."""

import numpy as np
import pytest

from medzoo.data.feeds.dataset import dataset
from medzoo.errors import RecipeError
from medzoo.training.fit import fit
from medzoo.training.network import single_network
from medzoo.training.readout import add_readout, block_means
from tests.training.conftest import single_network as of_one_network
from tests.training.conftest import without_augmentation


def test_block_means():
    volume = np.arange(4 * 4 * 2 * 1.0).reshape(4, 4, 2, 1)

    means = block_means(volume, 2)

    assert means.shape == (2, 2, 1, 1)
    assert means[0, 0, 0, 0] == volume[:2, :2].mean()
    assert means[1, 0, 0, 0] == volume[2:, :2].mean()


@pytest.fixture
def wide_recipe(recipe):
    recipe["training"]["epochs"] = 2
    return without_augmentation(of_one_network(recipe, readout_block=2))


def test_answer_is_the_mixture_of_both_parts(wide_recipe, study):
    data = dataset(study, wide_recipe, seed=5)
    network = single_network(wide_recipe)
    x = np.stack([data.preprocessor.normalize(data.prepared.get(4)["image"][None])[0]])
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


@pytest.mark.usefixtures("eagerly")
def test_fit_trains_both_parts_and_leaves_all_of_it_trainable(
    wide_recipe, study, tmp_path
):
    wide_recipe["training"]["readout"] = {"share": 0.5, "penalty": 0.1}

    model = fit(wide_recipe, dataset(study, wide_recipe), tmp_path)

    readout = model.get_layer("readout")
    assert np.abs(readout.get_weights()[0]).max() > 0
    assert len(readout.trainable_weights) == 2


@pytest.mark.usefixtures("eagerly")
def test_a_readout_to_start_from_is_kept(wide_recipe, study, tmp_path):
    wide_recipe["training"] |= {"readout": {"share": 0.5, "penalty": 0.1}}
    wide_recipe["training"] |= {"epochs": 1, "learning_rate": 1e-9}
    network = single_network(wide_recipe)
    layer = network.get_layer("readout")
    draws = np.random.default_rng(0)
    layer.set_weights([draws.normal(size=w.shape) for w in layer.get_weights()])
    start = tmp_path / "start.weights.h5"
    network.save_weights(start)

    model = fit(wide_recipe, dataset(study, wide_recipe), tmp_path, start=start)

    for name in ("readout", network.head_name):
        pair = (one.get_layer(name).get_weights() for one in (network, model))
        for own, found in zip(*pair, strict=True):
            np.testing.assert_allclose(found, own, atol=1e-4)


@pytest.mark.usefixtures("eagerly")
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


def test_readout_of_a_classification_gives_calibrated_logits(wide_recipe, study):
    data = dataset(study, wide_recipe)
    old = data.targets > np.median(data.targets)
    wide_recipe |= {"task": "classification", "class_names": ["young", "old"]}
    wide_recipe["architecture"]["arguments"] |= {
        "num_classes": 2,
        "output_scale": 1.0,
        "output_offset": 0.0,
    }
    data.targets = old.astype("int32")
    model = single_network(wide_recipe)

    add_readout(model, data, wide_recipe, share=1.0, penalty=0.01)

    images = np.stack(
        [
            data.preprocessor.normalize(data.prepared.get(i)["image"][None])[0]
            for i in range(len(old))
        ]
    )
    images = (images + images[:, ::-1]) / 2
    logits = np.asarray(model(images))
    assert (logits.argmax(1) == old).mean() > 0.9
    # Classes of equal weight: what speaks for one speaks against the other.
    np.testing.assert_allclose(logits.mean(1), logits.mean(), atol=1e-3)


def test_cases_that_are_drawn_more_often_count_more(wide_recipe, study):
    answers = []
    for heavy in (1.0, 50.0):
        data = dataset(study, wide_recipe)
        data.weights = np.ones(len(data.targets))
        data.weights[4] = heavy
        model = single_network(wide_recipe)
        add_readout(model, data, wide_recipe, share=1.0, penalty=1.0)
        x = data.preprocessor.normalize(data.prepared.get(4)["image"][None])
        answers.append(float(np.asarray(model((x + x[:, ::-1]) / 2))[0, 0]))
    truth = data.targets[4]
    assert abs(answers[1] - truth) < 0.5 * abs(answers[0] - truth)
