"""A scan through an autoencoder, back in its own space and unit."""

from functools import partial

import numpy as np
import pytest

import medzoo
from medzoo.errors import RecipeError
from medzoo.inference.predict import predict_image
from medzoo.inference.reconstruction import Reconstruction, normalization_of
from medzoo.inference.settings import Settings
from medzoo.models import ConvolutionalAutoencoder3D
from medzoo.preprocess import Preprocessor

SPATIAL = [
    {"step": "orient", "arguments": {"orientation": "RAS"}},
    {"step": "crop_pad", "arguments": {"size": [6, 8, 4]}},
]
LAYERS = [{"class": "ZScore", "arguments": {}}]
CHANNELS = [{"name": "t1", "required": True}]


def preprocessor(layers=None):
    settings = {"spatial": SPATIAL, "layers": LAYERS if layers is None else layers}
    return Preprocessor(settings, CHANNELS)


def identity(channels=1):
    """An autoencoder whose code is the whole input."""
    size = 6 * 8 * 4 * channels
    model = ConvolutionalAutoencoder3D(
        (6, 8, 4, channels), size, (), (), linear_filters=size, block_size=(6, 8, 4)
    )
    eye = np.eye(size, dtype="float32")
    kernel = eye.reshape(6, 8, 4, channels, size)
    model.encoder.get_layer("linear_blocks").set_weights([kernel])
    to_latent = model.encoder.get_layer("linear_latent")
    to_latent.set_weights([eye, np.zeros(size, "float32")])
    model.decoder.get_layer("linear_unflatten").set_weights([eye])
    model.decoder.get_layer("linear_unblocks").set_weights([kernel])
    return model


def scan(seed=0, scale=40.0):
    array = np.random.default_rng(seed).gamma(2.0, scale, (8, 5, 6)).astype("float32")
    # Axes turned, voxels anisotropic: the way back has to undo more than a crop.
    affine = np.array([[0, 3, 0, 5], [-2, 0, 0, 7], [0, 0, 1, 9], [0, 0, 0, 1.0]])
    return medzoo.Volume(array, affine)


def through(model, image, channels=CHANNELS, uncertainty="interval", scale=1.0):
    recipe = {
        "task": "reconstruction",
        "name": "identity",
        "version": "1.0",
        "channels": channels,
        "preprocessing": {"spatial": SPATIAL, "layers": LAYERS},
        "postprocessing": [{"step": "spread", "arguments": {"scale": scale}}],
    }
    task = Reconstruction(recipe, lambda: model, Settings(uncertainty))
    return predict_image(image, partial(task.preprocess, align=False), task)


def test_what_is_reconstructed_lies_and_counts_as_the_input_does():
    image = scan()

    found = through(identity(), image)

    assert found.image.array.shape == (8, 5, 6)
    np.testing.assert_array_equal(found.image.affine, image.affine)
    assert found.embedding.shape == (192,)
    # (8, 5, 6) lies as (5, 8, 6) in RAS; the network sees 4 of 6 planes along z.
    inside = (slice(None), slice(None), slice(1, 5))
    wanted = image.array[inside]
    np.testing.assert_allclose(found.image.array[inside], wanted, rtol=1e-3, atol=1e-2)
    assert not found.image.array[..., [0, 5]].any()


def test_what_was_not_seen_is_background_below_zero_too():
    image = scan()
    array = np.where(image.array > np.median(image.array), image.array, 0)

    found = through(identity(), image.with_array((array - 100) / 50))

    np.testing.assert_allclose(found.image.array[..., [0, 5]], -2.0, atol=1e-3)
    middle = found.image.array[..., 1:5] * 50 + 100
    np.testing.assert_allclose(middle, array[..., 1:5], atol=1.0)


def test_channels_have_units_of_their_own():
    channels = [*CHANNELS, {"name": "t2", "required": True}]
    images = {"t1": scan(0), "t2": scan(1, scale=4000.0)}

    found = through(identity(2), images, channels)

    assert found.image.array.shape == (8, 5, 6, 2)
    for number, image in enumerate(images.values()):
        np.testing.assert_allclose(
            found.image.array[:, :, 1:5, number], image.array[:, :, 1:5], rtol=1e-2
        )


def test_normalization_is_found_from_what_the_layers_did():
    prepare = preprocessor()
    array = np.random.default_rng(0).normal(7.0, 3.0, (6, 8, 4, 1)).astype("float32")

    scale, offset, x = normalization_of(array, prepare.normalize, LAYERS)

    assert scale[0] == pytest.approx(array.std(), rel=1e-4)
    assert offset[0] == pytest.approx(array.mean(), rel=1e-4)
    np.testing.assert_allclose(x[0] * scale + offset, array, atol=1e-3)
    constant, level, _ = normalization_of(
        np.full((6, 8, 4, 1), 5.0), prepare.normalize, LAYERS
    )
    assert (constant[0], level[0]) == (0, 5)


def test_layers_that_bend_intensities_are_refused():
    bend = [{"class": "ClipIntensity", "arguments": {"low": 0.0, "high": 1.0}}, *LAYERS]
    array = np.random.default_rng(0).normal(size=(6, 8, 4, 1)).astype("float32")

    with pytest.raises(RecipeError, match="ClipIntensity"):
        normalization_of(array, preprocessor(bend).normalize, bend)


def test_uncertainty_is_what_depends_on_the_place():
    image, model = scan(), identity()

    none = through(model, image, uncertainty="tta").uncertainty
    kernel = model.decoder.get_layer("linear_unblocks")
    # Voxels of the grid's lower half are made twice as bright, whatever they show.
    gain = np.where(np.arange(6) < 3, 2.0, 1.0).reshape(6, 1, 1, 1, 1)
    kernel.set_weights([kernel.get_weights()[0] * gain.astype("float32")])
    found = through(model, image, uncertainty="tta", scale=2.0)

    some = found.uncertainty
    assert some.shape == found.image.shape == image.shape
    np.testing.assert_array_equal(some.affine, image.affine)
    _, undo = preprocessor().place(image)
    inside = undo(np.pad(np.ones((4, 6, 2)), 1), interpolation="nearest").array > 0
    assert none.array[inside].max() < 1e-2 * image.array.std()
    assert some.array[inside].max() > 0.2 * image.array.std()
