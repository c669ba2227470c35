"""Counts worked out by hand for the published configurations of the predecessor."""

from math import prod

import keras
import pytest

from medzoo.models import (
    FCN3D,
    ConvolutionalAutoencoder3D,
    DeepMedic3D,
    Discriminator3D,
    Generator3D,
    ResidualUNet3D,
    ResNet3D,
    SuperResolution3D,
)

ONE, TWO, FLAT = (1, 1, 1), (2, 2, 2), (1, 2, 2)
# A head without bias, as there.
DEFAULT = {"head_bias": False}
AGE = {
    "filters": (16, 32, 64, 128, 256),
    "strides": (ONE, TWO, TWO, TWO, TWO),
    "num_units": 2,
    "head_bias": False,
}
TISSUES = {
    "input_shape": (None, None, None, 3),
    "num_classes": 9,
    "strides": (ONE, FLAT, FLAT, FLAT),
    "num_units": 2,
    "head_bias": False,
}
ORGANS = {
    "num_classes": 14,
    "filters": (16, 64, 128, 256, 512),
    "strides": (ONE, TWO, TWO, TWO, ONE),
    "num_units": 3,
    "head_bias": False,
}
CIRCLES = {"filters": (16, 32, 64), "strides": (ONE, FLAT, FLAT), "head_bias": False}
SLICES = {
    "input_shape": (1, 224, 224, 3),
    "latent_dim": 1024,
    "filters": (16, 32, 64, 128, 256),
    "strides": (FLAT,) * 5,
    "num_convolutions": 2,
}
FOUR_TIMES = {
    "filters": (16, 32, 64, 128),
    "num_convolutions": 2,
    "upsampling_factor": 4,
}


@pytest.fixture(autouse=True, scope="module")
def forgotten():
    """Else a later scope would give the variables values. It takes most of a second."""
    yield
    keras.backend.clear_session()


@pytest.mark.parametrize(
    ("network", "arguments", "trainable", "statistics"),
    [
        (ResNet3D, DEFAULT, 1_270_352, 928),
        (ResNet3D, {**AGE, "num_classes": 1}, 9_840_080, 3_872),
        (ResNet3D, AGE, 9_840_336, 3_872),
        (ResidualUNet3D, DEFAULT, 2_286_832, 1_568),
        (ResidualUNet3D, {**DEFAULT, "symmetric": False}, 2_286_832, 1_568),
        # 26 of 27 weights of shortcuts, (192 x 64 + 96 x 32 + 48 x 16), and of what is
        # upsampled, (128 x 64 + 64 x 32 + 32 x 16), less.
        (ResidualUNet3D, {**DEFAULT, "joining": "summed"}, 1_587_952, 1_568),
        (ResidualUNet3D, TISSUES, 3_568_640, 2_912),
        (ResidualUNet3D, {**ORGANS, "symmetric": False}, 69_575_536, 14_304),
        (ResidualUNet3D, ORGANS, 78_896_624, 18_016),
        (FCN3D, ORGANS, 53_252_452, 10_640),
        (FCN3D, DEFAULT, 1_270_336, 684),
        (FCN3D, CIRCLES, 262_076, 296),
        (ConvolutionalAutoencoder3D, SLICES, 38_652_352, 3_968),
        (SuperResolution3D, FOUR_TIMES, 944_752, 960),
        (SuperResolution3D, {}, 73_872, 224),
        # There the output was normalised by the batch too, with 2 statistics more.
        (Generator3D, {}, 9_315_266, 962 - 2),
        (Discriminator3D, {}, 4_656_705, 1_920),
        (DeepMedic3D, {}, 1_047_859, 1_880),
    ],
)
def test_number_of_parameters(network, arguments, trainable, statistics):
    # Variables that are never given a value: the largest network takes 300 MB.
    with keras.StatelessScope(initialize_variables=False):
        model = network(**arguments)
    counts = [
        sum(prod(w.shape) for w in weights)
        for weights in (model.trainable_weights, model.non_trainable_weights)
    ]
    assert counts == [trainable, statistics]
