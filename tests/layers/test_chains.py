"""Chains of layers in Keras' own containers, in data pipelines and under fit."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.train_with_augmentation import chain, dict_model, fit, make_case

CHECKOUT = Path(__file__).parents[2]
CONTAINERS = (keras.layers.Pipeline, keras.Sequential)


def one_by_one(data):
    for layer in chain():
        data = layer(data, training=True)
    return data


def assert_same(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert np.asarray(found[key]).dtype == np.asarray(value).dtype
        np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers_of_keras_hand_dicts_on(container):
    data = make_case()

    assert_same(container(chain())(data, training=True), one_by_one(data))


@pytest.mark.parametrize(
    ("container", "batch"),
    [
        (keras.layers.Pipeline, None),
        (keras.Sequential, 2),
        pytest.param(keras.layers.Pipeline, 2, marks=pytest.mark.extended),
        pytest.param(keras.Sequential, None, marks=pytest.mark.extended),
    ],
)
def test_in_a_data_pipeline(container, batch):
    data = make_case()
    augment = container(chain())
    if container is keras.Sequential:
        augment(data)  # A model is built before it is mapped.
    cases = tf.data.Dataset.from_tensor_slices(data)
    cases = cases if batch is None else cases.batch(batch)

    mapped = list(cases.map(lambda d: augment(d, training=True)))

    size = () if batch is None else (batch,)
    for found in mapped:
        assert found["images"].shape == (*size, 6, 6, 6, 1)
        assert found["segmentation_masks"].dtype == tf.int32
        assert set(np.unique(found["segmentation_masks"])) <= {0, 1, 2}
    assert len(mapped) == 4 // (batch or 1)


def test_pipeline_keeps_images_from_the_dtype_of_networks():
    data = make_case()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = keras.layers.Pipeline(chain())(data, training=True)
    finally:
        keras.config.set_dtype_policy("float32")

    assert_same(found, one_by_one(data))


def test_model_of_dicts_augments_in_training_alone():
    data = make_case()
    model = dict_model(chain()[:-1])

    plain = model(data, training=False)
    augmented = model(data, training=True)

    assert_same(plain, data)
    assert not np.array_equal(augmented["images"], data["images"])
    # One draw for both: the case's intensity is its label.
    at = np.asarray(augmented["segmentation_masks"])
    np.testing.assert_allclose(np.asarray(augmented["weights"]), at / 10, atol=1e-6)


def test_fit_compiled(capsys):
    fit()

    assert capsys.readouterr().out == "fitted\n"


@pytest.mark.extended
def test_fit_compiled_on_jax():
    """In a process of its own: one backend a process."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    script = Path(__file__).with_name("train_with_augmentation.py")
    run = subprocess.run(
        [sys.executable, script],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(CHECKOUT),
            "JAX_PLATFORMS": "cpu",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert run.returncode == 0, run.stderr[-2000:]
    assert "compiled pipeline agrees" in run.stdout
    assert "fitted" in run.stdout
