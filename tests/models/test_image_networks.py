"""What is peculiar to the autoencoder, super-resolution and DeepMedic."""

import keras
import numpy as np
import pytest

from medzoo.layers import LinearUpsample3D
from medzoo.models import (
    ConvolutionalAutoencoder3D,
    DeepMedic3D,
    SuperResolution3D,
)

RNG = np.random.default_rng(0)
AUTOENCODER = {
    "input_shape": (5, 6, 7, 2),
    "latent_dim": 4,
    "filters": (3, 4),
    "strides": ((1, 2, 2), (2, 2, 2)),
}
DEEPMEDIC = {
    "filters": (3, 3, 4),
    "residual_layers": (3,),
    "classifier_filters": (6, 6),
}


def batch(*shape):
    return RNG.normal(size=shape).astype("f4")


def test_encoder_and_decoder_are_models_that_share_the_weights():
    model = ConvolutionalAutoencoder3D(**AUTOENCODER)
    x = batch(2, 5, 6, 7, 2)

    vectors = model.encoder.predict(x, verbose=0)
    images = model.decoder.predict(vectors, verbose=0)

    assert isinstance(model.encoder, keras.Model)
    assert vectors.shape == (2, 4)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(images, model.predict(x, verbose=0), atol=1e-5)
    parts = [*model.encoder.weights, *model.decoder.weights]
    assert {id(w) for w in parts} == {id(w) for w in model.weights}
    assert len(parts) == len(model.weights)
    assert model.encoder is model.encoder


def test_training_the_autoencoder_trains_its_encoder(tmp_path):
    model = ConvolutionalAutoencoder3D(**AUTOENCODER)
    x = batch(2, 5, 6, 7, 2)
    before = model.encoder(x)
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(x, x, verbose=0)

    assert not np.allclose(before, model.encoder(x))
    model.encoder.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(loaded(x), model.encoder(x))


def test_autoencoder_learns_a_family_of_images():
    keras.utils.set_random_seed(0)
    # One pattern at several strengths: one number tells each image.
    x = np.linspace(-2, 2, 8, dtype="f4").reshape(-1, 1, 1, 1, 1) * batch(1, 4, 4, 4, 1)
    model = ConvolutionalAutoencoder3D(
        (4, 4, 4, 1), 8, (8, 8), ((2, 2, 2), (1, 1, 1)), activation="leaky_relu"
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")

    losses = model.fit(x, x, batch_size=8, epochs=60, verbose=0).history["loss"]

    assert losses[-1] < 0.5 * losses[0]


def test_linear_path_alone_is_linear_but_for_its_mean():
    model = ConvolutionalAutoencoder3D(
        (5, 6, 7, 2), 4, (), (), linear_filters=3, block_size=(2, 3, 4)
    )
    for weight in model.weights:
        weight.assign(RNG.normal(size=weight.shape))
    a, b = batch(1, 5, 6, 7, 2), batch(1, 5, 6, 7, 2)

    middle = model((a + b) / 2)

    np.testing.assert_allclose(middle, (model(a) + model(b)) / 2, rtol=1e-3, atol=1e-3)
    assert not np.allclose(model(a), model(b))


def test_deformation_moves_what_was_decoded():
    plain = ConvolutionalAutoencoder3D(**AUTOENCODER)
    model = ConvolutionalAutoencoder3D(
        **AUTOENCODER, deformation=True, block_size=(4, 4, 4)
    )
    named = {w.path: w for w in model.weights}
    for weight in plain.weights:
        named[weight.path].assign(weight)
    x = batch(2, 5, 6, 7, 2)
    np.testing.assert_allclose(model(x), plain(x), atol=1e-5)

    # Whatever the code, every voxel is taken from one further along x.
    layer = model.decoder.get_layer("displacement")
    code = np.array(model.encoder(x))[:1]
    along = np.tile((1.0, 0.0, 0.0), layer.units // 3)
    layer.set_weights([np.outer(code[0] / np.sum(code**2), along)])
    moved, still = np.array(model(x))[0], np.array(plain(x))[0]
    np.testing.assert_allclose(moved[:-1], still[1:], atol=1e-4)


def test_autoencoder_without_any_bias():
    model = ConvolutionalAutoencoder3D(**AUTOENCODER, num_convolutions=2)
    biased = ConvolutionalAutoencoder3D(**AUTOENCODER, use_bias=True, head_bias=True)

    assert not any(w.path.endswith("bias") for w in model.weights)
    assert sum(w.path.endswith("bias") for w in biased.weights) == 7


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"input_shape": (None, 6, 7, 2)}, "input_shape="),
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"num_convolutions": 0}, "num_convolutions=0"),
        ({"strides": ((1, 2, 2),)}, "strides="),
        ({"filters": (), "strides": ()}, "linear_filters=None"),
        ({"linear_filters": 0}, "linear_filters=0"),
        ({"linear_filters": 2, "block_size": (2, 0, 2)}, "=0"),
        ({"deformation": True, "block_size": (2, 2)}, "block_size="),
    ],
)
def test_autoencoder_refuses(changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        ConvolutionalAutoencoder3D(**{**AUTOENCODER, **changes})


@pytest.mark.parametrize("factor", [2, (1, 2, 3), (4, 1, 1), 1])
@pytest.mark.parametrize("residual", [True, False])
def test_super_resolution_keeps_the_field_of_view(factor, residual):
    model = SuperResolution3D(
        (None, None, None, 2), (3,), upsampling_factor=factor, residual=residual
    )
    x = batch(1, 3, 4, 5, 2)
    fx, fy, fz = (factor,) * 3 if isinstance(factor, int) else factor

    assert model(x).shape == (1, 3 * fx, 4 * fy, 5 * fz, 2)
    assert model.predict(x, verbose=0).shape == (1, 3 * fx, 4 * fy, 5 * fz, 2)


@pytest.mark.usefixtures("eagerly")
def test_untrained_residual_is_the_interpolation_and_is_trained_from_there():
    model = SuperResolution3D(filters=(4,), upsampling_factor=(1, 2, 2), residual=True)
    x = batch(2, 4, 4, 4, 1)
    linear = LinearUpsample3D((1, 2, 2))(x)
    np.testing.assert_allclose(model(x), linear, atol=1e-6)
    model.compile(keras.optimizers.Adam(0.01), "mse")

    y = np.array(linear) + 0.5
    losses = model.fit(x, y, epochs=15, verbose=0).history["loss"]

    assert losses[0] > 0.2 > losses[-1]


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float32"])
def test_residual_does_not_round_the_image(dtype):
    model = SuperResolution3D(filters=(4,), residual=True, dtype=dtype)
    x = 1000 + batch(1, 3, 3, 3, 1)

    np.testing.assert_allclose(model(x), LinearUpsample3D(2)(x), atol=1e-3)


def test_global_precision_does_not_round_the_image():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = SuperResolution3D(filters=(4,), residual=True)
    finally:
        keras.config.set_dtype_policy("float32")
    x = 1000 + batch(1, 3, 3, 3, 1)

    assert model.get_layer("block1_1_conv").compute_dtype == "bfloat16"
    np.testing.assert_allclose(model(x), LinearUpsample3D(2)(x), atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"upsampling_factor": 0}, "upsampling_factor=0"),
        ({"upsampling_factor": (2, 2)}, "upsampling_factor="),
        ({"num_convolutions": 0}, "num_convolutions=0"),
        ({"input_shape": (8, 8, 1)}, "input_shape="),
    ],
)
def test_super_resolution_refuses(changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        SuperResolution3D(**changes)


@pytest.fixture(scope="module")
def default_deepmedic():
    """A model without values of its weights."""
    with keras.StatelessScope(initialize_variables=False):
        model = DeepMedic3D()
    yield model
    keras.backend.clear_session()


@pytest.mark.parametrize(("size", "expected"), [(51, 3), (57, 9), (59, 9), (99, 51)])
def test_sizes_of_the_default_deepmedic(default_deepmedic, size, expected):
    shape = default_deepmedic.compute_output_shape((None, size, 57, 60, 1))

    assert shape == (None, expected, 9, 12, 2)


@pytest.mark.parametrize("factors", [((3, 3, 3),), (2, 3), ((1, 2, 4),), ()])
def test_deepmedic_output_depends_on_the_voxels_around_it_alone(factors):
    """A larger volume is what patches give, wherever the patch's grid fits."""
    model = DeepMedic3D(**DEEPMEDIC, subsample_factors=factors)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    largest = max((np.max(f) for f in factors), default=1)
    step = {((3, 3, 3),): 3, (2, 3): 6, ((1, 2, 4),): 4, (): 1}[factors]
    size = 6 * largest + 3 * step
    x = batch(1, *(size + step,) * 3, 1)

    whole, patch = model(x), model(x[:, step:, step:, step:])

    a, b, c = np.subtract(whole.shape[1:4], patch.shape[1:4])
    # Next to the border the interpolation and the classifier lack a neighbour.
    inside = (slice(None), *[slice(largest // 2 + 1, -(largest // 2 + 1))] * 3)
    assert np.array(patch)[inside].size > 0
    np.testing.assert_allclose(
        np.array(whole)[:, a:, b:, c:][inside], np.array(patch)[inside], rtol=1e-4
    )


def test_deepmedic_looks_at_the_middle():
    """A bright voxel in the middle is seen most by the middle of the output."""
    model = DeepMedic3D(**DEEPMEDIC, normalization="none", activation="linear")
    model.set_weights([np.full(w.shape, 0.1, "f4") for w in model.get_weights()])
    x = np.zeros((1, 27, 27, 27, 1), "f4")
    x[:, 13, 13, 13] = 1

    found = np.array(model(x) - model(0 * x))[0, ..., 0]

    assert found.shape == (9, 9, 9)
    np.testing.assert_allclose(found, found[::-1, ::-1, ::-1], rtol=1e-2)
    assert found.argmax() == found.size // 2


def test_deepmedic_with_same_padding_is_the_valid_one_on_a_padded_volume():
    same = DeepMedic3D(**DEEPMEDIC, padding="same")
    valid = DeepMedic3D(**DEEPMEDIC)
    valid.set_weights(same.get_weights())
    x = batch(1, 6, 9, 3, 1)
    margin = [(0, 0), *[(9, 9)] * 3, (0, 0)]

    np.testing.assert_allclose(same(x), valid(np.pad(x, margin)), atol=1e-5)
    for sizes in [(1, 1, 1), (4, 5, 8)]:
        assert same.predict(batch(1, *sizes, 1), verbose=0).shape[1:4] == sizes


def test_every_pathway_of_deepmedic_has_its_residuals():
    model = DeepMedic3D(**DEEPMEDIC, subsample_factors=(2, 3))

    names = {la.name for la in model.layers if la.name.endswith("_add")}
    assert names == {"path0_3_add", "path1_3_add", "path2_3_add", "dense2_add"}


@pytest.mark.parametrize(
    ("changes", "received"),
    [
        ({"padding": "full"}, "padding='full'"),
        ({"residual_layers": (2,)}, "residual_layers="),
        ({"residual_layers": (4,)}, "residual_layers="),
        ({"classifier_filters": (5,)}, "classifier_filters="),
        ({"subsample_factors": (0,)}, "subsample_factors=0"),
        ({"num_classes": 0}, "num_classes=0"),
        ({"input_shape": (20, 30, 30, 1)}, "sizes="),
    ],
)
def test_deepmedic_refuses(changes, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        DeepMedic3D(**{**DEEPMEDIC, **changes})


def test_deepmedic_refuses_a_small_volume():
    with pytest.raises(ValueError, match=r"at least \(21, 21, 21\) voxels"):
        DeepMedic3D(**DEEPMEDIC)(batch(1, 20, 30, 30, 1))
