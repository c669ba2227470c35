"""Transposed convolutions under OpenVINO: Keras' answer, and nothing around them."""

import importlib

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.inference.engine import engine_of
from medzoo.inference.openvino_engine import _export, import_openvino
from medzoo.inference.openvino_graph import let_reduce, simplify_transposed

pytest.importorskip("openvino")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras exports to OpenVINO from TensorFlow", allow_module_level=True)
SHAPE = (2, 5, 4, 6, 3)


def network(*parts):
    inputs = keras.Input((None, None, None, SHAPE[-1]))
    x = inputs
    for part in parts:
        x = part(x)
    model = keras.Model(inputs, x)
    generator = np.random.default_rng(0)
    # Biases too, which start at zero.
    model.set_weights([generator.normal(size=w.shape) for w in model.weights])
    return model


def transposed(kernel=3, strides=2, padding="same"):
    return layers.Conv3DTranspose(4, kernel, strides=strides, padding=padding)


def assert_answers_agree(model):
    x = np.random.default_rng(1).normal(size=SHAPE).astype("f4")
    expected = model.predict(x, verbose=0)
    found = engine_of(model, name="openvino")(x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def simplified(model, tmp_path):
    graph = _export(model, tmp_path / "model")
    graph.reshape(list(SHAPE))
    simplify_transposed(graph)
    return kinds_of(graph)


def kinds_of(graph):
    """The operations on volumes."""
    nodes = [n for n in graph.get_ordered_ops() if n.get_type_name() != "Result"]
    volumes = [
        n for n in nodes if n.output(0).get_partial_shape().rank.get_length() == 5
    ]
    return [node.get_type_name() for node in volumes]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (2, 3, 5)])
@pytest.mark.parametrize("strides", [1, 2, 3, (1, 2, 3)])
def test_answers_are_those_of_keras(kernel, strides, padding):
    assert_answers_agree(network(transposed(kernel, strides, padding)))


@pytest.mark.parametrize(
    "crop", [1, ((1, 0),) * 3, ((0, 1),) * 3, ((0, 0), (2, 1), (0, 0))]
)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_crops_become_padding(tmp_path, crop, padding):
    model = network(transposed(padding=padding), layers.Cropping3D(crop))
    assert_answers_agree(model)
    kinds = simplified(model, tmp_path)
    assert kinds.count("ConvolutionBackpropData") == 1
    assert "StridedSlice" not in kinds


def test_crops_of_one_after_another(tmp_path):
    crop = layers.Cropping3D(((1, 0), (0, 2), (0, 0)))
    model = network(transposed(), crop, transposed(padding="valid"), crop)
    assert_answers_agree(model)
    assert "StridedSlice" not in simplified(model, tmp_path)


def test_what_others_read_too_is_not_cropped(tmp_path):
    up = transposed()
    cropped = layers.Cropping3D(1)
    padded = layers.ZeroPadding3D(1)
    model = network(up, lambda x: layers.Add()([x, padded(cropped(x))]))
    assert_answers_agree(model)
    assert "StridedSlice" in simplified(model, tmp_path)


@pytest.mark.parametrize(
    "crop",
    [
        lambda x: x[..., :2],
        lambda x: x[:, ::2],
        lambda x: x[:, 1],
        lambda x: x[:1],
        lambda x: x[:, ::-1],
    ],
)
def test_other_slices_stay(crop):
    assert_answers_agree(network(transposed(), layers.Lambda(crop)))


@pytest.mark.parametrize(
    ("added", "moves"), [((1, 4, 1, 1, 1), True), ((1, 1, 1, 1, 12), False)]
)
def test_a_sum_that_differs_from_place_to_place_stays_before_the_crop(added, moves):
    openvino = import_openvino()
    ops = importlib.import_module("openvino.opset13")
    generator = np.random.default_rng(0)

    def constant(*shape):
        return ops.constant(generator.normal(size=shape).astype("f4"))

    x = ops.parameter((2, 3, 5, 4, 6), np.float32)
    shape = ops.constant(np.array([10, 8, 12]))
    up = ops.convolution_backprop_data(
        x, constant(3, 4, 3, 3, 3), [2] * 3, shape, auto_pad="same_upper"
    )
    bounds = ([0, 0, 1, 1, 1], [2, 4, 9, 8, 12], [1] * 5)
    bounds = [ops.constant(np.array(values)) for values in bounds]
    masks = {"begin_mask": [0] * 5, "end_mask": [0] * 5}
    graph = openvino.Model(
        [ops.strided_slice(ops.add(up, constant(*added)), *bounds, **masks)], [x]
    )

    def answer():
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(graph.clone(), "CPU", settings)
        return compiled(inputs)[0]

    inputs = [generator.normal(size=(2, 3, 5, 4, 6)).astype("f4")]
    before = answer()
    simplify_transposed(graph)
    np.testing.assert_allclose(answer(), before, atol=1e-5)
    assert moves == ("StridedSlice" not in kinds_of(graph))


def residual_up(x):
    """Ends in a sum, as the blocks of MONAI's UNet do."""
    up = transposed()(x)
    return layers.Add()([up, layers.Conv3D(4, 3, padding="same")(up)])


def has_bfloat16(openvino):
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def precisions(graph):
    """What each transposed convolution of a graph is computed in."""
    openvino = import_openvino()
    hint = {"INFERENCE_PRECISION_HINT": "bf16"}
    compiled = openvino.Core().compile_model(graph, "CPU", hint)
    facts = [n.get_rt_info() for n in compiled.get_runtime_model().get_ordered_ops()]
    return [
        fact["runtimePrecision"].astype(str)
        for fact in facts
        if fact["layerType"].astype(str) == "Deconvolution"
    ]


def test_transposed_convolutions_of_residual_blocks_are_reduced(tmp_path):
    model = network(residual_up, residual_up)
    graph = _export(model, tmp_path / "model")
    graph.reshape(list(SHAPE))
    simplify_transposed(graph)
    before = graph.clone()
    let_reduce(graph)
    # One copy is enough: what lies before it is no longer reached.
    added = kinds_of(graph).count("Convolution") - kinds_of(before).count("Convolution")
    assert added == 1

    x = np.random.default_rng(1).normal(size=SHAPE).astype("f4")
    expected = model.predict(x, verbose=0)
    largest = np.abs(expected).max()
    openvino = import_openvino()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    (found,) = openvino.Core().compile_model(graph, "CPU", exact)(x).values()
    np.testing.assert_allclose(found, expected, atol=2e-5 * largest)
    rough = engine_of(model, name="openvino", precision="bfloat16")(x)
    np.testing.assert_allclose(rough, expected, atol=0.05 * largest)
    if has_bfloat16(openvino):
        assert precisions(before) == ["f32", "f32"]
        assert precisions(graph) == ["bf16", "bf16"]


@pytest.mark.parametrize(
    "parts",
    [(residual_up, layers.Conv3D(3, 1)), (transposed(), layers.ReLU(), transposed())],
)
def test_no_copy_where_a_convolution_or_no_sum_follows(tmp_path, parts):
    model = network(*parts)
    graph = _export(model, tmp_path / "model")
    graph.reshape(list(SHAPE))
    simplify_transposed(graph)
    before = kinds_of(graph)
    let_reduce(graph)
    assert kinds_of(graph) == before
