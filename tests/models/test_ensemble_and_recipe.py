import json

import keras
import numpy as np
import pytest

from medzoo.errors import RecipeError
from medzoo.models import Ensemble3D, ResNet3D
from medzoo.models.from_recipe import CLASSES, build_model, copy_body, with_new_head

X = np.random.default_rng(0).normal(size=(2, 8, 8, 8, 1)).astype("f4")


def member(arguments):
    return {"class": "ResNet3D", "arguments": arguments}


@pytest.fixture
def ensemble_recipe(recipe):
    arguments = {"member": recipe["architecture"], "num_members": 2}
    return {**recipe, "architecture": {"class": "Ensemble3D", "arguments": arguments}}


@pytest.mark.parametrize("num_members", [1, 3])
def test_ensemble_is_the_mean_of_its_members(small, num_members):
    model = Ensemble3D(member(small), num_members)

    answers = np.stack([np.array(m(X)) for m in model.members])

    assert len(model.members) == num_members
    np.testing.assert_allclose(model(X), answers.mean(0), rtol=1e-6)
    if num_members > 1:
        assert answers.std(0).min() > 0


def test_ensemble_saves_and_loads_exactly(small, recipe, tmp_path):
    model = Ensemble3D(member(small), 2, recipe=recipe)
    model.save(tmp_path / "a.keras")

    loaded = keras.models.load_model(tmp_path / "a.keras")

    assert type(loaded) is Ensemble3D
    assert loaded.recipe == recipe
    assert [m.name for m in loaded.members] == ["member_1", "member_2"]
    np.testing.assert_array_equal(loaded(X), model(X))
    assert json.loads(json.dumps(model.get_config())) == loaded.get_config()


def test_ensemble_passes_its_precision_on(small):
    model = Ensemble3D(member(small), 2, dtype="mixed_bfloat16")

    convolution = model.members[1].get_layer("stem_conv")
    assert convolution.dtype_policy.name == "mixed_bfloat16"
    assert keras.backend.standardize_dtype(model(X).dtype) == "float32"


@pytest.mark.parametrize(
    ("wrong", "num_members"), [({"class": "Lambda"}, 2), ({}, 2), (None, 0)]
)
def test_ensemble_refuses(small, wrong, num_members):
    with pytest.raises(ValueError, match=r"Received: member=.*num_members="):
        Ensemble3D(member(small) if wrong is None else wrong, num_members)


def test_every_class_of_the_allow_list_is_a_public_model():
    from medzoo import models

    assert set(CLASSES) == set(models.__all__)


def test_build_model_carries_name_and_recipe(recipe):
    model = build_model(recipe)

    assert type(model) is ResNet3D
    assert model.name == "an_age"
    assert model.recipe == recipe
    assert model.output_shape == (None, 1)


def test_build_model_takes_overrides(recipe, ensemble_recipe):
    model = build_model(recipe, dropout_rate=0.3, name="other", dtype="mixed_bfloat16")

    assert model.name == "other"
    assert model.get_config()["dropout_rate"] == 0.3
    assert model.get_config()["dtype"] == "mixed_bfloat16"
    both = build_model(ensemble_recipe, dropout_rate=0.3)
    assert [m.get_config()["dropout_rate"] for m in both.members] == [0.3, 0.3]
    # The recipe that was passed stays as it was.
    assert "dropout_rate" not in recipe["architecture"]["arguments"]


def test_build_model_refuses_unknown_arguments(recipe):
    with pytest.raises(ValueError, match=r"Received: overrides=\['depth'\]"):
        build_model(recipe, depth=3)


@pytest.mark.parametrize("kind", ["recipe", "ensemble_recipe"])
def test_new_head_keeps_the_trained_body(request, kind):
    model = build_model(request.getfixturevalue(kind))
    fresh = with_new_head(model, 3)

    assert fresh.output_shape == (None, 3)
    for one, two in zip(bodies(model), bodies(fresh), strict=True):
        assert one.get_layer("head").kernel.shape[-1] == 1
        assert two.get_layer("head").kernel.shape[-1] == 3
        kept = [la for la in one.layers if la.weights and la.name != "head"]
        assert len(kept) >= 6
        for layer in kept:
            for a, b in zip(
                layer.get_weights(),
                two.get_layer(layer.name).get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)
        features = [
            keras.Model(m.inputs, m.get_layer("features").output) for m in (one, two)
        ]
        np.testing.assert_array_equal(features[0]([X]), features[1]([X]))


def bodies(model):
    return model.members if isinstance(model, Ensemble3D) else (model,)


def test_a_network_without_a_recipe_has_no_preprocessor(small):
    with pytest.raises(RecipeError):
        ResNet3D(**small).preprocessor  # noqa: B018


def test_copy_body_leaves_the_head(recipe):
    source, target = build_model(recipe), build_model(recipe)
    head = target.get_layer("head").get_weights()

    copy_body(source, target)

    np.testing.assert_array_equal(target.get_layer("head").kernel, head[0])
    np.testing.assert_array_equal(
        target.get_layer("stem_conv").kernel, source.get_layer("stem_conv").kernel
    )
