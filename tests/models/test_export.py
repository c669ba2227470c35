"""`model.export`: every network in every format answers as in Keras."""

import os
import sys

import keras
import numpy as np
import pytest

import medzoo
from medzoo.models import (
    FCN3D,
    ConvolutionalAutoencoder3D,
    DeepMedic3D,
    Ensemble3D,
    ResidualUNet3D,
    ResNet3D,
    SuperResolution3D,
)
from medzoo.zoo.golden import golden_input
from medzoo.zoo.registry import list_models

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports are made from TensorFlow", allow_module_level=True)

SMALL = {"filters": (4, 8), "strides": ((1, 1, 1), (2, 2, 2))}
TINY = {"filters": (3, 3, 4), "residual_layers": (3,), "classifier_filters": (4, 4)}
NETWORKS = {
    "ResNet3D": lambda size: ResNet3D((*size, 1), **SMALL),
    "FCN3D": lambda size: FCN3D((*size, 1), **SMALL),
    "ResidualUNet3D": lambda size: ResidualUNet3D((*size, 2), **SMALL),
    "DeepMedic3D": lambda size: DeepMedic3D((*size, 1), **TINY),
    "SuperResolution3D": lambda size: SuperResolution3D((*size, 1), filters=(4, 8)),
    "residual SuperResolution3D": lambda size: SuperResolution3D(
        (*size, 1), filters=(4, 4), residual=True, blocks="residual", head="sub_voxel"
    ),
    "Ensemble3D": lambda size: Ensemble3D(
        {
            "class": "ResNet3D",
            "arguments": {"input_shape": [*size, 1], **SMALL, "num_classes": 1},
        },
        num_members=2,
    ),
    "ConvolutionalAutoencoder3D": lambda size: ConvolutionalAutoencoder3D(
        (9, 8, 10, 1), 6, **SMALL, linear_filters=2, deformation=True
    ),
}
# LiteRT has no max-pooling in three dimensions, and mixes up DeepMedic's sizes.
WITHOUT_LITERT = {
    "ResNet3D",
    "FCN3D",
    "ResidualUNet3D",
    "Ensemble3D",
    "DeepMedic3D",
}
# Of the largest number of an answer: sums taken in another order.
TOLERANCE = 1e-5
ANY = (None, None, None)


def run_saved_model(path, x):
    import tensorflow as tf

    # Its variables are gone with it.
    loaded = tf.saved_model.load(path)
    return np.asarray(loaded.serve(x))


def run_onnx(path, x):
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def run_openvino(path, x):
    core = pytest.importorskip("openvino").Core()
    # The plugin's own choice is a reduced precision.
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(path, "CPU", hint)(x)[0]


def run_litert(path, x):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(path)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    (answer,) = interpreter.get_output_details()
    interpreter.set_tensor(given["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(answer["index"])


# Format -> ending of the path, what runs it, whether sizes may be None.
FORMATS = {
    "tf_saved_model": ("", run_saved_model, True),
    "onnx": (".onnx", run_onnx, True),
    "openvino": (".xml", run_openvino, True),
    # Its sizes are fixed when it is written.
    "litert": (".tflite", run_litert, False),
}
NEEDS = {"onnx": "tf2onnx", "openvino": "openvino", "litert": "ai_edge_litert"}


def check(model, kind, x, folder, tolerance=TOLERANCE):
    """Exports, runs, and compares; prints the largest difference."""
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind])
    ending, run, _ = FORMATS[kind]
    path = os.fspath(folder / f"exported{ending}")
    model.export(path, format=kind, verbose=False)
    wanted = model.predict_on_batch(x)
    found = run(path, x)
    apart = np.abs(found - wanted).max() / np.abs(wanted).max()
    sys.stdout.write(f"{model.name} {kind}: differs by {apart:.1e} of the largest\n")
    assert found.shape == wanted.shape
    assert apart < tolerance


# The format of each network that `make test` writes; the others are left.
USUAL = {
    ("ResNet3D", "tf_saved_model"),
    ("ResidualUNet3D", "onnx"),
    ("FCN3D", "openvino"),
    ("SuperResolution3D", "litert"),
}
PAIRS = [
    pytest.param(
        name, kind, marks=() if (name, kind) in USUAL else pytest.mark.extended
    )
    for name in NETWORKS
    for kind in FORMATS
    if kind != "litert" or name not in WITHOUT_LITERT
]


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_network_answers_as_in_keras(name, kind, tmp_path):
    # Not what the strides divide: the network pads and crops inside.
    size = (27, 26, 28) if name == "DeepMedic3D" else (9, 8, 10)
    keras.utils.set_random_seed(0)
    model = NETWORKS[name](ANY if FORMATS[kind][2] else size)
    shape = (1, *size, model.input_shape[-1])
    x = np.random.default_rng(0).normal(size=shape).astype("f4")
    check(model, kind, x, tmp_path)


def test_litert_has_no_max_pooling_in_three_dimensions(tmp_path):
    # Should it have one some day, more networks can join those above.
    pytest.importorskip("ai_edge_litert")
    x = np.zeros((1, 9, 8, 10, 1), "f4")
    with pytest.raises(RuntimeError, match="FlexMaxPool3D"):
        check(NETWORKS["ResNet3D"]((9, 8, 10)), "litert", x, tmp_path)


@pytest.mark.extended
@pytest.mark.parametrize("name", list_models())
def test_a_model_of_the_zoo_answers_as_in_keras(name, tmp_path):
    model = medzoo.load(name)
    x = golden_input(model.input_shape[1:])[:1]
    check(model, "onnx", x, tmp_path)
