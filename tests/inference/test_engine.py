"""Engines: the same answer whatever runs the network, and never of old weights."""

import gc
import sys
import threading
import weakref
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from scipy.special import softmax

from medzoo.errors import InputError
from medzoo.inference.engine import engine_of
from medzoo.models import FCN3D, ResidualUNet3D

ENGINES = [
    "keras",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(
            find_spec("openvino") is None or keras.backend.backend() != "tensorflow",
            reason="Keras exports to OpenVINO from TensorFlow",
        ),
    ),
]
SMALL = {"filters": (4, 8), "strides": ((1, 1, 1), (2, 2, 2)), "num_classes": 3}
rng = np.random.default_rng(0)


def batch(*shape):
    return rng.normal(size=shape).astype("f4")


@pytest.fixture(scope="module")
def model():
    return FCN3D(**SMALL)


def same_again(model):
    """Another model with the same weights, which no test has asked yet."""
    again = FCN3D(**SMALL)
    again.set_weights(model.get_weights())
    return again


def answer(model, x):
    return keras.ops.convert_to_numpy(model(x))


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("with_softmax", [False, True])
def test_an_engine_answers_as_the_model_for_any_shape(name, with_softmax, model):
    ask = engine_of(model, name=name, softmax=with_softmax)

    for shape in [(1, 8, 8, 8, 1), (2, 8, 12, 9, 1), (1, 8, 8, 8, 1)]:
        x = batch(*shape)
        wanted = answer(model, x)
        wanted = softmax(wanted, -1) if with_softmax else wanted
        found = ask(x)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ENGINES)
def test_the_first_output_is_the_answer(name):
    three = {"filters": (4, 4, 8), "strides": ((1, 1, 1), (2, 2, 2), (2, 2, 2))}
    model = ResidualUNet3D(**{**SMALL, **three}, deep_supervision=True)
    x = batch(1, 8, 8, 8, 1)
    found = engine_of(model, name=name)(x)
    assert len(model.outputs) == 2
    np.testing.assert_allclose(found, model.predict_on_batch(x)[0], atol=1e-5)


def test_a_model_without_a_graph_answers_too():
    class Plain(keras.Model):
        def call(self, images):
            return [keras.ops.concatenate([images, 2 * images], -1), images]

    x = batch(1, 3, 4, 5, 1)
    wanted = np.concatenate([x, 2 * x], -1)
    np.testing.assert_allclose(engine_of(Plain())(x), wanted, atol=1e-6)
    found = engine_of(Plain(), softmax=True)(x)
    np.testing.assert_allclose(found, softmax(wanted, -1), atol=1e-6)


@pytest.mark.parametrize("name", ENGINES)
def test_an_answer_is_of_the_weights_of_now(name, model):
    model = same_again(model)
    x = batch(1, 8, 8, 8, 1)
    ask = engine_of(model, name=name)
    before = ask(x)

    model.compile("adam", "mse")
    model.fit(x, before + 1, verbose=0)

    after = ask(x)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, answer(model, x), atol=1e-5)
    np.testing.assert_array_equal(engine_of(model, name=name)(x), after)


@pytest.mark.parametrize("name", ENGINES)
def test_a_model_is_compiled_once_and_let_go(name, model):
    model = same_again(model)
    first = engine_of(model, name=name, softmax=True)
    first(batch(1, 8, 8, 8, 1))
    assert engine_of(model, name=name, softmax=True) is first
    assert engine_of(model, name=name) is not first
    gone = weakref.ref(model)
    del model, first
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("name", ENGINES)
def test_threads_get_their_own_answers(name, model):
    ask = engine_of(model, name=name)
    images = [batch(1, 8, 8, 8, 1) for _ in range(8)]
    wanted = [answer(model, x) for x in images]
    found = [None] * len(images)

    def work(number):
        for _ in range(5):
            found[number] = ask(images[number])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "abacus"}, "engine='abacus'"),
        ({"precision": "bfloat16"}, "precision='bfloat16'"),
    ],
)
def test_what_there_is_not_is_refused(settings, said, model):
    with pytest.raises(InputError, match=said):
        engine_of(model, **settings)


def test_a_missing_package_is_refused_with_its_extra(model, monkeypatch):
    # As Python itself marks a package that must not be found.
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r'pip install "\.\[openvino\]"'):
        engine_of(model, name="openvino")
