import json

import keras
import numpy as np
import pytest

from medzoo.models import ResNet3D

RNG = np.random.default_rng(0)


def trainable(model):
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def fixed(model):
    return sum(int(np.prod(w.shape)) for w in model.non_trainable_weights)


def batch(*shape):
    return RNG.normal(size=shape).astype("f4")


def test_default_has_the_predecessors_number_of_parameters():
    model = ResNet3D(head_bias=False)

    assert trainable(model) == 1_270_352
    assert trainable(ResNet3D()) == 1_270_352 + 2


@pytest.mark.parametrize(("num_classes", "count"), [(1, 9_840_080), (2, 9_840_336)])
def test_large_variant_has_the_predecessors_number_of_parameters(num_classes, count):
    model = ResNet3D(
        num_classes=num_classes,
        filters=(16, 32, 64, 128, 256),
        strides=((1, 1, 1), *[(2, 2, 2)] * 4),
        num_units=2,
        head_bias=False,
    )

    assert trainable(model) == count
    assert fixed(model) == 3_872


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 5, 16), (1, 1, 1), (7, 3, 2)])
def test_any_size_gives_one_vector_a_volume(small, shape):
    small["input_shape"] = [None, None, None, 1]
    model = ResNet3D(**{**small, "num_classes": 3})

    found = model(batch(2, *shape, 1))

    assert found.shape == (2, 3)
    assert model.output_shape == (None, 3)
    assert np.isfinite(found).all()


def test_output_is_scaled_and_shifted_into_the_unit(small):
    model = ResNet3D(**small)
    plain = ResNet3D(**{**small, "output_scale": 1.0, "output_offset": 0.0})
    plain.set_weights(model.get_weights())
    x = batch(2, 8, 8, 8, 1)

    np.testing.assert_allclose(model(x), 47 + 10 * np.array(plain(x)), rtol=1e-6)


def test_batch_equals_one_by_one(small):
    model = ResNet3D(**small)
    x = batch(3, 8, 8, 8, 1)

    one_by_one = np.concatenate([model(x[i : i + 1]) for i in range(3)])

    np.testing.assert_allclose(model(x), one_by_one, rtol=1e-5)


def test_save_and_load_are_exact_and_keep_the_recipe(small, recipe, tmp_path):
    model = ResNet3D(**small, dropout_rate=0.1, recipe=recipe, name="mine")
    model.compile("adam", "mae")
    x = batch(2, 8, 8, 8, 1)
    model.fit(x, np.array([30.0, 60.0]), verbose=0)
    model.save(tmp_path / "a.keras")

    loaded = keras.models.load_model(tmp_path / "a.keras")

    assert type(loaded) is ResNet3D
    assert loaded.name == "mine"
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.recipe == recipe
    assert loaded.get_config() == model.get_config()
    for one, two in zip(loaded.weights, model.weights, strict=True):
        assert one.path == two.path
        np.testing.assert_array_equal(one, two)


def test_weights_go_through_a_weights_file(small, tmp_path):
    model, other = ResNet3D(**small), ResNet3D(**small, recipe={"name": "other"})
    model.save_weights(tmp_path / "a.weights.h5")

    other.load_weights(tmp_path / "a.weights.h5")

    x = batch(1, 8, 8, 8, 1)
    np.testing.assert_array_equal(model(x), other(x))


def test_config_is_json_and_rebuilds_the_same_graph(small):
    model = ResNet3D(
        **small,
        activation=keras.layers.LeakyReLU(0.1),
        kernel_regularizer=keras.regularizers.L2(1e-4),
        dtype="mixed_bfloat16",
    )
    config = json.loads(json.dumps(model.get_config()))

    copy = ResNet3D.from_config(config)

    assert copy.get_config() == model.get_config()
    assert [layer.name for layer in copy.layers] == [la.name for la in model.layers]
    assert len(copy.losses) == len(model.losses) > 0
    copy.set_weights(model.get_weights())
    x = batch(1, 8, 8, 8, 1)
    np.testing.assert_array_equal(copy(x), model(x))
    assert keras.backend.standardize_dtype(model(x).dtype) == "float32"


def test_recipe_is_a_copy(small):
    recipe = {"name": "a", "list": [1]}
    model = ResNet3D(**small, recipe=recipe)
    recipe["list"].append(2)
    model.recipe["list"].append(3)

    assert model.recipe == {"name": "a", "list": [1]}
    assert ResNet3D(**small).recipe is None


@pytest.mark.parametrize(
    ("normalization", "kind"),
    [
        ("batch", keras.layers.BatchNormalization),
        ("group", keras.layers.GroupNormalization),
        ("instance", keras.layers.GroupNormalization),
        ("none", type(None)),
    ],
)
def test_normalization(small, normalization, kind):
    model = ResNet3D(**small, normalization=normalization)

    found = [layer for layer in model.layers if "Normalization" in type(layer).__name__]
    assert {type(layer) for layer in found} == ({kind} - {type(None)})
    assert len(found) == (0 if normalization == "none" else 3)
    if normalization == "instance":
        assert [layer.groups for layer in found] == [4, 8, 8]
    if normalization == "group":
        assert [layer.groups for layer in found] == [4, 8, 8]


def test_dropout_acts_in_training_alone(small):
    model = ResNet3D(**small, dropout_rate=0.5, normalization="instance")
    x = batch(2, 8, 8, 8, 1)

    np.testing.assert_array_equal(model(x), model(x))
    assert not np.array_equal(model(x, training=True), model(x, training=True))
    assert {"head_dropout", "scale1_unit1_dropout"} <= {la.name for la in model.layers}


def test_biases_are_where_they_were_asked_for(small):
    def with_bias(**changes):
        model = ResNet3D(**{**small, **changes})
        layers = (keras.layers.Conv3D, keras.layers.Dense)
        found = [la for la in model.layers if isinstance(la, layers)]
        return {la.name for la in found if la.use_bias}, len(found)

    assert with_bias() == ({"head"}, 4)
    assert with_bias(head_bias=False) == (set(), 4)
    assert len(with_bias(use_bias=True)[0]) == 4


def test_kernel_of_a_strided_axis_is_twice_the_stride():
    model = ResNet3D(filters=(4, 8), strides=((1, 1, 1), (1, 2, 3)))

    assert model.get_layer("stem_conv").kernel_size == (3, 3, 3)
    assert model.get_layer("scale1_unit1_1_conv").kernel_size == (3, 4, 6)
    assert model.get_layer("scale1_unit1_2_conv").kernel_size == (3, 3, 3)


def test_narrowing_shortcut_is_a_convolution():
    model = ResNet3D(filters=(8, 4), strides=((1, 1, 1), (2, 2, 2)))

    assert model.get_layer("scale1_unit1_shortcut_conv").filters == 4
    assert model(batch(1, 4, 4, 4, 1)).shape == (1, 2)


def test_refuses_unknown_arguments(small):
    with pytest.raises(TypeError, match="Received: drop_out_rate, nmae"):
        ResNet3D(**small, drop_out_rate=0.5, nmae="a")


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"input_shape": (8, 8, 1)}, "input_shape="),
        ({"input_shape": (8, 8, 8, 8, 1)}, "input_shape="),
        ({"strides": [[1, 1, 1]]}, "filters="),
        ({"strides": [[1, 1, 1], [2, 2]]}, "filters="),
        ({"num_units": 0}, "num_units=0"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"normalization": "layer"}, "normalization='layer'"),
    ],
)
def test_refuses_arguments(small, changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        ResNet3D(**{**small, **changes})


def test_readout_is_a_linear_map_of_block_means():
    model = ResNet3D((4, 6, 4, 2), num_classes=1, readout_block=2, output_offset=40.0)
    plain = ResNet3D((4, 6, 4, 2), num_classes=1, output_offset=40.0)
    x = batch(3, 4, 6, 4, 2)
    assert trainable(model) == trainable(plain) + 2 * 3 * 2 * 2 + 1
    weights = RNG.normal(size=(24, 1)).astype("f4")
    before = np.array(model(x))

    model.get_layer("readout").set_weights([weights, np.array([0.5], "f4")])

    means = x.reshape(3, 2, 2, 3, 2, 2, 2, 2).mean((2, 4, 6)).reshape(3, 24)
    np.testing.assert_allclose(
        model(x), before + means @ weights / 24**0.5 + 0.5, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("shape", "block"), [((None, 8, 8, 1), 2), ((8, 8, 9, 1), 2), ((8, 8, 8, 1), 0)]
)
def test_readout_needs_a_fixed_shape_that_its_block_divides(shape, block):
    with pytest.raises(ValueError, match="Received: readout_block"):
        ResNet3D(shape, readout_block=block)
