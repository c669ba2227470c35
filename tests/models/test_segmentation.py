"""What is peculiar to networks that give classes of voxels."""

import keras
import numpy as np
import pytest

from medzoo.models import FCN3D, DeepMedic3D, Ensemble3D, ResidualUNet3D
from medzoo.models.from_recipe import with_new_head

RNG = np.random.default_rng(0)
SMALL = {
    "num_classes": 3,
    "filters": (3, 4, 6),
    "strides": ((1, 1, 1), (1, 2, 2), (2, 2, 1)),
}
NETWORKS = pytest.mark.parametrize("network", [ResidualUNet3D, FCN3D])


def batch(*shape):
    return RNG.normal(size=shape).astype("f4")


def cross_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


OTHER_STRIDES = ((2, 1, 3), (2, 2, 2), (1, 3, 1))


@NETWORKS
@pytest.mark.parametrize(
    ("upsampling", "strides"),
    [
        ("linear", SMALL["strides"]),
        *[(kind, OTHER_STRIDES) for kind in ("linear", "transposed", "nearest")],
        *[
            pytest.param(kind, SMALL["strides"], marks=pytest.mark.extended)
            for kind in ("transposed", "nearest")
        ],
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_output_has_the_size_of_any_input(network, upsampling, strides):
    model = network(**{**SMALL, "strides": strides}, upsampling=upsampling)

    assert model.output_shape == (None, None, None, None, 3)
    for sizes in [(8, 12, 12), (5, 7, 9), (1, 1, 1), (2, 13, 4)]:
        found = model.predict_on_batch(batch(2, *sizes, 1))
        assert found.shape == (2, *sizes, 3)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


@NETWORKS
def test_fixed_sizes_give_fixed_sizes(network):
    model = network(**SMALL, input_shape=(5, 6, 7, 2))

    assert model.output_shape == (None, 5, 6, 7, 3)
    assert model(batch(1, 5, 6, 7, 2)).shape == (1, 5, 6, 7, 3)


@NETWORKS
def test_size_that_fits_is_seen_as_the_padded_one(network):
    model = network(**SMALL, normalization="instance")
    # 6 x 5 voxels along the last axes, which are padded to 8 x 6 with zeros.
    x = batch(1, 4, 6, 5, 1)
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 1), (0, 0)])

    np.testing.assert_allclose(
        model(x), np.array(model(padded))[:, :, 1:7, :5], atol=1e-5
    )


@NETWORKS
def test_it_learns_a_threshold(network):
    keras.utils.set_random_seed(0)
    x = batch(4, 8, 8, 8, 1)
    y = (x > 0).astype("i4")
    model = network(num_classes=2, filters=(3, 4), strides=((1, 1, 1), (1, 2, 2)))
    model.compile(keras.optimizers.Adam(0.02), cross_entropy(), metrics=["accuracy"])

    history = model.fit(x, y, batch_size=2, epochs=15, verbose=0).history

    assert history["accuracy"][-1] > 0.75 > history["accuracy"][0]


def test_activation_reaches_every_unit():
    model = ResidualUNet3D(**SMALL)

    places = [la for la in model.layers if la.name.endswith("_activation")]
    assert len(places) == 8
    for layer in places:
        assert isinstance(layer, keras.layers.LeakyReLU)
        assert layer.negative_slope == np.float32(0.1)


def test_units_of_the_decoder():
    def units(**changes):
        model = ResidualUNet3D(**SMALL, num_units=3, **changes)
        names = {la.name for la in model.layers}
        return {n for n in names if n.startswith("decoder") and n.endswith("_add")}

    assert len(units()) == 6
    assert units(symmetric=False) == {"decoder0_unit1_add", "decoder1_unit1_add"}


def test_a_sum_is_a_concatenation_seen_voxel_by_voxel():
    whole = ResidualUNet3D(**SMALL)
    model = ResidualUNet3D(**SMALL, joining=["summed", "concatenated"])
    again = ResidualUNet3D.from_config(model.get_config())
    assert again.count_params() == model.count_params() < whole.count_params()
    for layer in whole.layers:
        if layer.weights and not layer.name.startswith("decoder0_unit1"):
            model.get_layer(layer.name).set_weights(layer.get_weights())
    unit = "decoder0_unit1"
    skipped = whole.get_layer("decoder0_concat").input[0].shape[-1]
    parts = {"fine": slice(None, skipped), "coarse": slice(skipped, None)}
    centre = {"fine": slice(None), "coarse": slice(1, 2)}
    for kind, kept in (("1", centre), ("shortcut", dict.fromkeys(parts, slice(1, 2)))):
        kernel = np.zeros_like(whole.get_layer(f"{unit}_{kind}_conv").kernel)
        for part, channels in parts.items():
            own = model.get_layer(f"{unit}_{kind}_{part}_conv")
            place = (kept[part],) * 3
            kernel[(*place, channels)] = np.asarray(own.kernel)
        whole.get_layer(f"{unit}_{kind}_conv").set_weights([kernel])
    for name in ("2_conv", "2_norm"):
        weights = model.get_layer(f"{unit}_{name}").get_weights()
        whole.get_layer(f"{unit}_{name}").set_weights(weights)

    x = batch(1, 6, 8, 8, 1)
    np.testing.assert_allclose(model(x), whole(x), atol=1e-5)


def test_skip_comes_first():
    model = ResidualUNet3D(**SMALL)

    concat = model.get_layer("decoder1_concat")
    assert [t.shape[-1] for t in concat.input] == [4, 6]


def test_prelu_has_one_slope_a_place():
    model = ResidualUNet3D(**SMALL, activation="prelu")

    slopes = [w for w in model.trainable_weights if "alpha" in w.path]
    assert [tuple(w.shape) for w in slopes] == [(1, 1, 1, 1)] * 8
    assert not any(np.array(w).any() for w in slopes)


def test_activation_layer_is_copied_to_every_place():
    layer = keras.layers.PReLU(alpha_initializer="ones", shared_axes=[1, 2, 3])
    model = ResidualUNet3D(**SMALL, activation=layer)

    slopes = [w for w in model.trainable_weights if "alpha" in w.path]
    assert len({id(w) for w in slopes}) == 8
    assert all((np.array(w) == 1).all() for w in slopes)
    assert not layer.built


def deep(**changes):
    return ResidualUNet3D(**SMALL, deep_supervision=True, **changes)


@pytest.fixture(scope="module")
def measured():
    """A network with deep supervision that is compiled and asked, but not trained."""
    return deep()


def test_deep_supervision_gives_a_list_at_full_size():
    model, plain = deep(), ResidualUNet3D(**SMALL)
    x = batch(2, 5, 6, 7, 1)
    for layer in plain.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())

    found = model(x)

    assert [tuple(y.shape) for y in found] == [(2, 5, 6, 7, 3)] * 2
    # The first output is what the network without the others gives.
    np.testing.assert_array_equal(found[0], plain(x))
    assert model.deep_supervision
    assert not plain.deep_supervision


def ways_to_fit():
    """Each target with each weight and each loss; the other half is extended."""
    for number, targets in enumerate(("one", "list", "data set")):
        for weights in (None, [1.0, 0.25]):
            for losses in ("one", "list"):
                first = (number % 2 == 0) == ((weights is None) == (losses == "one"))
                marks = () if first else pytest.mark.extended
                name = f"{losses}-{'equal' if weights is None else 'weights'}-{targets}"
                yield pytest.param(targets, weights, losses, marks=marks, id=name)


@pytest.mark.parametrize(("targets", "weights", "losses"), ways_to_fit())
def test_deep_supervision_in_fit(targets, weights, losses):
    model = deep()
    x, y = batch(2, 4, 4, 4, 1), RNG.integers(0, 3, (2, 4, 4, 4, 1))
    model.compile(
        keras.optimizers.SGD(0.0),
        loss=cross_entropy() if losses == "one" else [cross_entropy()] * 2,
        loss_weights=weights,
        metrics=["accuracy"],
        run_eagerly=True,
    )
    parts = [float(cross_entropy()(y, logits)) for logits in model(x)]
    accuracy = (np.argmax(model(x)[0], -1) == y[..., 0]).mean()
    y_given = [y, y] if targets == "list" else y

    if targets == "data set":
        import tensorflow as tf

        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(2)
        logs = model.evaluate(data, verbose=0, return_dict=True)
        model.fit(data, verbose=0)
    else:
        logs = model.evaluate(x, y_given, verbose=0, return_dict=True)
        model.fit(x, y_given, verbose=0)

    np.testing.assert_allclose(logs["loss"], np.dot(parts, weights or [1, 1]), 1e-5)
    np.testing.assert_allclose(logs["accuracy"], accuracy, 1e-5)
    assert logs["output_loss"] == pytest.approx(parts[0], rel=1e-5)
    assert logs["output_scale1_loss"] == pytest.approx(parts[1], rel=1e-5)


@pytest.mark.parametrize(
    "metrics",
    [
        ["accuracy"],
        [["accuracy"], None],
        [["accuracy"], ["accuracy"]],
        {"output": ["accuracy"]},
        {"output": "accuracy"},
    ],
)
def test_deep_supervision_takes_what_keras_takes_for_several_outputs(metrics, measured):
    model = measured
    x, y = batch(1, 4, 4, 4, 1), RNG.integers(0, 3, (1, 4, 4, 4, 1))
    losses = {"output": cross_entropy(), "output_scale1": cross_entropy()}
    weights = {"output": 1.0, "output_scale1": 0.5}
    model.compile("sgd", losses, weights, metrics, run_eagerly=True)

    logs = model.evaluate(x, y, verbose=0, return_dict=True)

    parts = [float(cross_entropy()(y, logits)) for logits in model(x)]
    assert logs["loss"] == pytest.approx(parts[0] + 0.5 * parts[1], rel=1e-5)
    assert [name for name in logs if "accuracy" in name] == ["accuracy"]


def test_deep_supervision_takes_weights_of_voxels(measured):
    model = measured
    x, y = batch(1, 4, 4, 4, 1), RNG.integers(0, 3, (1, 4, 4, 4, 1))
    weight = RNG.uniform(size=(1, 4, 4, 4)).astype("f4")
    model.compile("sgd", cross_entropy(), run_eagerly=True)

    loss = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)

    expected = sum(float(cross_entropy()(y, logits, weight)) for logits in model(x))
    assert loss["loss"] == pytest.approx(expected, rel=1e-5)


def test_deep_supervision_stays_compiled_when_loaded(tmp_path):
    model = deep()
    x, y = batch(1, 4, 4, 4, 1), RNG.integers(0, 3, (1, 4, 4, 4, 1))
    model.compile("adam", cross_entropy(), loss_weights=[1, 0.5], run_eagerly=True)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "a.keras")

    loaded = keras.models.load_model(tmp_path / "a.keras")

    loaded.run_eagerly = True
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    loaded.fit(x, y, verbose=0)


def test_deep_supervision_with_two_scales_has_a_list_of_one():
    model = ResidualUNet3D(
        filters=(3, 4), strides=((1, 1, 1), (2, 2, 2)), deep_supervision=True
    )
    x = batch(1, 4, 4, 4, 1)
    model.compile("sgd", cross_entropy(), loss_weights=[2.0], run_eagerly=True)

    assert len(model(x)) == 1
    assert np.isfinite(model.evaluate(x, np.zeros_like(x, "i4"), verbose=0))


@pytest.mark.parametrize("network", [ResidualUNet3D, FCN3D, DeepMedic3D])
def test_new_head_keeps_the_trained_body(network):
    arguments = {"num_classes": 2, "filters": [3, 4, 4], "normalization": "group"}
    if network is DeepMedic3D:
        arguments |= {"residual_layers": [3], "padding": "same"}
    else:
        arguments |= {"strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]], "dropout_rate": 0.1}
    model = network(**arguments)

    fresh = with_new_head(model, 4)

    assert type(fresh) is network
    assert fresh.output_shape[-1] == 4
    assert fresh.get_config()["num_classes"] == 4
    assert fresh.get_config()["normalization"] == "group"
    kept = [la for la in model.layers if la.weights and not la.name.startswith("head")]
    assert len(kept) >= 6
    for layer in kept:
        for a, b in zip(
            layer.get_weights(), fresh.get_layer(layer.name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(a, b)
    assert fresh(batch(1, 5, 6, 7, 1)).shape == (1, 5, 6, 7, 4)


def test_ensemble_of_segmentation_networks():
    member = {"class": "ResidualUNet3D", "arguments": SMALL}
    model = Ensemble3D(member, 2)
    x = batch(1, 5, 6, 7, 1)

    one, two = (np.array(m(x)) for m in model.members)

    np.testing.assert_allclose(model(x), (one + two) / 2, atol=1e-6)
    member["arguments"] = {**SMALL, "deep_supervision": True}
    with pytest.raises(ValueError, match=r"Received: member=.*2 outputs"):
        Ensemble3D(member, 2)


@NETWORKS
@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"input_shape": (8, 8, 1)}, "input_shape="),
        ({"input_shape": (8, 8, 8, None)}, "input_shape="),
        ({"strides": ((1, 1, 1),)}, "filters="),
        ({"num_units": 0}, "num_units=0"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"num_classes": 2.5}, "num_classes=2.5"),
        ({"upsampling": "cubic"}, "upsampling='cubic'"),
        ({"normalization": "layer"}, "normalization='layer'"),
    ],
)
def test_refuses_arguments(network, changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        network(**{**SMALL, **changes})


@pytest.mark.parametrize("given", ["add", None, ["summed"], ["summed", "both"]])
def test_refuses_ways_of_joining(given):
    with pytest.raises(ValueError, match="one for each of 2 decoder scales"):
        ResidualUNet3D(**SMALL, joining=given)
