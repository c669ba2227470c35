"""What is peculiar to generator, discriminator and their training."""

import keras
import numpy as np
import pytest

from medzoo.models import DCGAN3D, Discriminator3D, Generator3D
from medzoo.models.paired_optimizer import PairedOptimizer

GENERATOR = {
    "latent_dim": 4,
    "filters": (6, 1),
    "kernel_sizes": (3, 3),
    "strides": ((4, 4, 4), (1, 1, 1)),
}
DISCRIMINATOR = {
    "input_shape": (4, 4, 4, 1),
    "filters": (4, 6),
    "strides": ((2, 2, 2), (1, 1, 1)),
}
RNG = np.random.default_rng(0)
REAL = np.tanh(RNG.normal(0.8, 0.3, size=(8, 4, 4, 4, 1))).astype("f4")


def gan(**changes):
    return DCGAN3D(
        **{"generator": GENERATOR, "discriminator": DISCRIMINATOR, **changes}
    )


def values(model):
    return [np.array(w) for w in model.trainable_weights]


def moved(model, before):
    return [
        not np.array_equal(a, b) for a, b in zip(values(model), before, strict=True)
    ]


def test_generator_makes_volumes_in_range():
    model = Generator3D(**GENERATOR)

    made = model(10 * RNG.normal(size=(3, 4)))

    assert made.shape == (3, 4, 4, 4, 1)
    assert np.abs(made).max() <= 1
    assert not any("norm" in la.name for la in model.layers[-4:])


@pytest.mark.parametrize("upsampling", ["transposed", "linear", "nearest"])
def test_upsampling_of_the_generator(upsampling):
    model = Generator3D(
        **{**GENERATOR, "strides": ((4, 4, 4), (1, 2, 3))}, upsampling=upsampling
    )

    assert model.output_shape == (None, 4, 8, 12, 1)
    trained = any("_up" in w.path for w in model.trainable_weights)
    assert trained == (upsampling == "transposed")


def test_output_scale_is_the_identity_until_trained():
    model = Generator3D(**GENERATOR, output_activation="linear")
    noise = RNG.normal(size=(2, 4)).astype("f4")
    before = keras.Model(model.inputs, model.get_layer("head").output)

    np.testing.assert_array_equal(model(noise), before(noise))
    model.get_layer("head_scale").set_weights([np.array([2.0]), np.array([3.0])])
    np.testing.assert_allclose(model(noise), 2 * before(noise) + 3, rtol=1e-6)


def test_each_optimizer_moves_its_own_network():
    x = REAL
    for rates in [(0.1, 0.0), (0.0, 0.1)]:
        model = gan(seed=1)
        model.compile(*(keras.optimizers.SGD(rate) for rate in rates), run_eagerly=True)
        before = values(model.generator), values(model.discriminator)

        model.fit(x, verbose=0)

        assert all(moved(model.generator, before[0])) == (rates[0] > 0)
        assert any(moved(model.generator, before[0])) == (rates[0] > 0)
        assert all(moved(model.discriminator, before[1])) == (rates[1] > 0)
        assert any(moved(model.discriminator, before[1])) == (rates[1] > 0)


@pytest.mark.parametrize("kind", ["least_squares", "cross_entropy"])
def test_losses_are_those_of_the_papers(kind):
    model = gan(adversarial_loss=kind)
    logits = {
        "real": np.array([[0.5], [2.0]], "f4"),
        "made": np.array([[-1.0], [0.3]], "f4"),
        "judged": np.array([[-1.0], [0.3]], "f4"),
    }
    model.compile()

    total = float(model.compute_loss(y_pred=logits))

    def away(y, target):
        if kind == "least_squares":
            return np.mean((y - target) ** 2)
        p = 1 / (1 + np.exp(-y))
        return -np.mean(np.log(p if target else 1 - p))

    expected = (away(logits["real"], 1) + away(logits["made"], 0)) / 2
    assert float(model.discriminator_loss.result()) == pytest.approx(expected, rel=1e-5)
    expected += away(logits["judged"], 1)
    assert total == pytest.approx(expected, rel=1e-5)


def test_averages_of_batch_normalization_are_updated_by_real_and_made_volumes():
    model = gan(seed=0)
    model.compile(run_eagerly=True)
    before = [np.array(w) for w in model.non_trainable_weights]

    model.fit(REAL, batch_size=8, verbose=0)

    after = [np.array(w) for w in model.non_trainable_weights]
    assert len(after) == 2 + 4
    assert not any(np.array_equal(a, b) for a, b in zip(after, before, strict=True))
    # Of the first layer, once by each of the two kinds: 0.99 * (0.99 * m + ...) + ...
    normalization = model.discriminator.get_layer("stage1_norm")
    assert np.all(np.array(normalization.moving_variance) < 0.99**2 + 0.02)


def test_noise_differs_between_volumes_and_steps_and_follows_the_seed():
    one, two = gan(seed=3), gan(seed=3)
    two.set_weights(one.get_weights())

    first, second = np.array(one.generate(3)), np.array(one.generate(3))

    assert np.ptp(first, axis=0).min() > 0
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(two.generate(3), first)
    np.testing.assert_array_equal(one.generate(2, seed=5), two.generate(2, seed=5))


def test_it_learns_the_brightness_of_real_volumes():
    keras.utils.set_random_seed(0)
    model = gan(seed=0)
    model.compile(
        keras.optimizers.Adam(0.02, beta_1=0.5), keras.optimizers.Adam(0.02, beta_1=0.5)
    )
    before = np.mean(model.generate(16, seed=1))

    history = model.fit(REAL, batch_size=4, epochs=25, verbose=0).history

    assert {"discriminator_loss", "generator_loss", "loss"} <= set(history)
    after = np.mean(model.generate(16, seed=1))
    assert abs(after - REAL.mean()) < 0.5 * abs(before - REAL.mean())


def test_training_goes_on_after_loading(tmp_path):
    model = gan(seed=0)
    model.compile("adam", "sgd", run_eagerly=True)
    model.fit(REAL, verbose=0)
    model.save(tmp_path / "a.keras")

    loaded = keras.models.load_model(tmp_path / "a.keras")

    assert isinstance(loaded.optimizer, PairedOptimizer)
    assert type(loaded.optimizer.second) is keras.optimizers.SGD
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations) == 1
    loaded.fit(REAL, verbose=0)
    assert int(loaded.optimizer.iterations) == 2


def test_networks_of_ones_own(tmp_path):
    generator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(8), keras.layers.Reshape((2, 2, 2, 1))]
    )
    judge = Discriminator3D((2, 2, 2, 1), (3,), ((1, 1, 1),))
    model = DCGAN3D(generator, judge)
    model.compile(run_eagerly=True)
    model.fit(np.zeros((4, 2, 2, 2, 1)), verbose=0)

    assert model.generator is generator
    assert model.generate(5).shape == (5, 2, 2, 2, 1)
    model.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(loaded.generate(2, seed=1), model.generate(2, seed=1))


def test_learning_rates_are_scaled_alike():
    model = gan()
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(4e-3))

    model.optimizer.learning_rate = 5e-4

    assert float(model.optimizer.first.learning_rate) == pytest.approx(5e-4)
    assert float(model.optimizer.second.learning_rate) == pytest.approx(2e-3)


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (lambda: gan(adversarial_loss="hinge"), "adversarial_loss='hinge'"),
        (lambda: DCGAN3D(GENERATOR), "generator.output_shape="),
        (lambda: Generator3D(**{**GENERATOR, "kernel_sizes": (3,)}), "kernel_sizes="),
        (lambda: Generator3D(latent_dim=0), "latent_dim=0"),
        (lambda: Generator3D(upsampling="no"), "upsampling='no'"),
        (lambda: Discriminator3D((None, 4, 4, 1)), "input_shape="),
        (lambda: gan().compile(*[keras.optimizers.Adam()] * 2), "the same"),
    ],
)
def test_refuses(make, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        make()
