"""What must be true of every model in zoo_models: one suite walks them all."""

import json

import keras
import numpy as np
import pytest

import medzoo
from medzoo.errors import InputError
from medzoo.models.base import VolumeModel
from medzoo.models.from_recipe import in_head
from medzoo.zoo.cards.pages import check_cards
from medzoo.zoo.checked_model import check_files
from medzoo.zoo.golden import golden_outputs, read_expected
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.registry import list_models, read_entry, zoo_folder
from medzoo.zoo.weights import scan_hdf5, verify_weights

NAMES = list_models()
ONE_OF_TASK = {medzoo.info(name)["task"]: name for name in NAMES}
# A training of each task; those of further models are left to `make test-all`.
TRAINED = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name in ONE_OF_TASK.values() else pytest.mark.extended
        )
        for name in NAMES
    ],
)

# One answer each of many copies: to trace them takes longer. Compiled ones, as users
# have them, are those of the training and of the golden outputs.
EAGERLY = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return medzoo.load(name)


def small_batch(model, count=6, seed=0):
    # The least that four halvings leave a voxel of.
    free = 16
    shape = [free if n is None else n for n in model.input_shape[1:]]
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype("float32")


def other_targets(model, x):
    """Targets that are not what the model answers, so that there is some to learn."""
    answer = np.asarray(model.predict_on_batch(x))
    task = model.recipe["task"]
    if task == "regression":
        return answer.mean() + 5.0 * np.ones((len(x), 1), "float32")
    if task == "classification":
        return np.zeros((len(x), 1), "int32")
    if task == "segmentation":
        return ((answer.argmax(-1) + 1) % answer.shape[-1]).astype("int32")
    return answer + 1.0


def test_weights_are_those_of_the_recipe_and_harmless(name):
    folder = zoo_folder() / name
    recipe = read_entry(folder)
    scan_hdf5(verify_weights(folder, recipe))
    assert recipe.weights["bytes"] <= 16 * 2**20


def test_parameter_count_is_the_card_s(name, model):
    folder = zoo_folder() / name
    recipe = read_entry(folder)
    assert read_metrics(folder, recipe)["parameters"] == model.count_params()
    assert check_files(folder, recipe).parameters == model.count_params()


def test_golden_outputs(name, model):
    expected = read_expected(zoo_folder() / name)
    np.testing.assert_allclose(golden_outputs(model), expected, atol=1e-3)


@EAGERLY
def test_saved_model_loads_with_recipe_and_equal_outputs(tmp_path, model):
    x = small_batch(model, 2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict_on_batch(x), model.predict_on_batch(x))
    assert isinstance(again, VolumeModel)
    assert again.recipe == model.recipe


@EAGERLY
def test_attach_brings_a_cloned_model_back(name, model):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    back = medzoo.attach(clone, name)
    x = small_batch(model, 2)
    np.testing.assert_allclose(
        back.predict_on_batch(x), model.predict_on_batch(x), atol=1e-4
    )
    assert back.recipe["name"] == name


def first_members(name, count):
    """The model, an ensemble with its first members alone: they have one topology."""
    ensemble = "num_members" in medzoo.info(name)["architecture"]["arguments"]
    return medzoo.load(name, **({"num_members": count} if ensemble else {}))


def places(weights):
    return [weight.path for weight in weights]


@EAGERLY
def test_it_is_saved_cut_and_frozen_as_any_keras_model(name, tmp_path):
    model = first_members(name, 2)
    x = small_batch(model, 1)
    answer = model.predict_on_batch(x)
    model.save(tmp_path / "m.h5", include_optimizer=False)
    again = keras.models.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(again.predict_on_batch(x), answer)
    assert again.recipe == model.recipe
    member = getattr(model, "members", [model])[0]
    for one in (model, member):
        whole = keras.Model(one.input, one.output)
        np.testing.assert_array_equal(
            whole.predict_on_batch(x), one.predict_on_batch(x)
        )
    # The output of a layer that is a model belongs to its own graph, as Keras has it.
    layers = [n for n in member.layers[1:] if not isinstance(n, keras.Model)]
    if layers:
        inner = keras.Model(member.input, layers[len(layers) // 2].output)
        assert np.isfinite(inner.predict_on_batch(x)).all()
    trainable = places(model.trainable_weights)
    medzoo.freeze(model, but=("head", "output", "decoder"))
    kept = places(model.trainable_weights)
    assert kept
    assert set(kept) < set(trainable)


def batch_normalizations(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


@TRAINED
def test_fit_lowers_the_loss_and_a_few_cases_spoil_no_model(name, tmp_path):
    keras.utils.set_random_seed(0)
    model = first_members(name, 2)
    layers = batch_normalizations(model)
    averages = [w.numpy() for layer in layers for w in layer.non_trainable_weights]
    x = small_batch(model, 4)
    y = other_targets(model, x)

    def loss():
        return model.evaluate(x, y, verbose=0, return_dict=True)["loss"]

    before = loss()
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    assert loss() < before
    if layers:
        # With averages that trail behind, the loss of the age model at prediction grows
        # to four times this, while that in training falls.
        model.optimizer.learning_rate = 3 * float(model.optimizer.learning_rate)
        model.fit(x, y, batch_size=2, epochs=12, verbose=0)
        assert loss() < before / 4
    after = [w.numpy() for layer in layers for w in layer.non_trainable_weights]
    for one, other in zip(averages, after, strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "tuned.keras")
    again = keras.models.load_model(tmp_path / "tuned.keras")
    np.testing.assert_array_equal(again.predict_on_batch(x), model.predict_on_batch(x))
    # So that a training goes on where it was.
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations) > 0
    pairs = zip(again.optimizer.variables, model.optimizer.variables, strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert places(again.trainable_weights) == places(model.trainable_weights)


def test_averages_are_measured_for_fresh_weights_and_on_request(name, model):
    if not batch_normalizations(model):
        pytest.skip("it has none")
    for options in ({"weights": False}, {"freeze_normalization": False}):
        free = medzoo.load(name, **options)
        assert all(layer.trainable for layer in batch_normalizations(free))


@EAGERLY
def test_fewer_members_are_the_first_ones(name, model):
    if model.recipe["architecture"]["class"] != "Ensemble3D":
        pytest.skip("it is no ensemble")
    x = small_batch(model, 2)
    one = medzoo.load(name, num_members=1)
    np.testing.assert_array_equal(
        one.predict_on_batch(x), model.members[0].predict_on_batch(x)
    )
    for count in (0, len(model.members) + 1, "two"):
        with pytest.raises(InputError, match="num_members="):
            medzoo.load(name, num_members=count)


@EAGERLY
def test_other_number_of_classes_keeps_the_trained_body(name, model):
    task = model.recipe["task"]
    if task in ("reconstruction", "super_resolution"):
        with pytest.raises(ValueError, match="classes"):
            medzoo.load(name, num_classes=3)
        return
    classifier = medzoo.load(name, num_classes=3, class_names=["a", "b", "c"])
    x = small_batch(model, 2)
    of_voxels = x.shape[1:4] if task == "segmentation" else ()
    assert classifier.predict_on_batch(x).shape == (2, *of_voxels, 3)
    bodies = []
    for network in (model, classifier):
        parts = getattr(network, "members", None) or (network,)
        bodies.append(
            [
                keras.ops.convert_to_numpy(w)
                for part in parts
                for layer in part.layers
                if not in_head(layer.name)
                for w in layer.weights
            ]
        )
    for one, other in zip(*bodies, strict=True):
        np.testing.assert_array_equal(one, other)
    kept = "segmentation" if task == "segmentation" else "classification"
    assert classifier.recipe["task"] == kept
    assert classifier.recipe["class_names"] == ["a", "b", "c"]


def test_files_that_every_model_has(name):
    folder = zoo_folder() / name
    for file in ("recipe.json", "train.py", "card.md", "metrics.json", "expected.json"):
        assert (folder / file).is_file(), file
    assert json.loads((folder / "recipe.json").read_text())["name"] == name


def test_cards_are_current():
    assert check_cards() == []
