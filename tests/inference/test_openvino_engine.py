"""Networks run by OpenVINO: precision, what is kept on the disk, what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.files import cache_folder
from medzoo.inference import exported_cache, openvino_engine
from medzoo.inference.engine import engine_of, network_of
from medzoo.models import FCN3D

pytest.importorskip("openvino")
if keras.backend.backend() != "tensorflow":
    pytest.skip("Keras exports to OpenVINO from TensorFlow", allow_module_level=True)

CHECKOUT = Path(__file__).parents[2]
SMALL = {"filters": (4, 8), "strides": ((1, 1, 1), (2, 2, 2)), "num_classes": 3}
X = np.random.default_rng(0).normal(size=(1, 8, 9, 8, 1)).astype("f4")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def weights():
    return FCN3D(**SMALL).get_weights()


@pytest.fixture
def model(weights):
    made = FCN3D(**SMALL)
    made.set_weights(weights)
    return made


@pytest.fixture
def exports(monkeypatch):
    """The networks that were exported, in order."""
    made = []
    export = openvino_engine._export

    def counted(network, folder):
        made.append(network)
        return export(network, folder)

    monkeypatch.setattr(openvino_engine, "_export", counted)
    return made


def ask(model, **settings):
    return engine_of(model, name="openvino", **settings)(X)


def kept_folders():
    return sorted((cache_folder() / "engines").iterdir())


def test_float32_is_not_the_reduced_precision_of_the_plugin(model):
    wanted = np.asarray(model(X))
    found = ask(model)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_array_equal(ask(model, precision="float32"), found)
    # Three digits; on a processor without bfloat16 all of them.
    rough = ask(model, precision="bfloat16")
    np.testing.assert_allclose(rough, wanted, atol=0.05 * np.abs(wanted).max())


def test_an_export_is_kept_and_used_again(cache, model, weights, exports):
    first = ask(model)
    (folder,) = kept_folders()
    assert {p.name for p in folder.iterdir()} == {*exported_cache.FILES, "sums.json"}

    other = FCN3D(**SMALL, recipe={"name": "of no account"}, name="other")
    other.set_weights(weights)
    np.testing.assert_array_equal(ask(other), first)

    assert len(exports) == 1
    assert kept_folders() == [folder]


def test_changed_weights_never_meet_an_older_export(cache, model, exports):
    engine = engine_of(model, name="openvino")
    before = engine(X)
    layer = model.get_layer("head")
    layer.set_weights([2 * w for w in layer.get_weights()])

    np.testing.assert_allclose(engine(X), 2 * before, atol=1e-4)
    layer.set_weights([w / 2 for w in layer.get_weights()])
    np.testing.assert_array_equal(engine(X), before)

    # The first weights came back from the cache.
    assert len(exports) == 2


@pytest.mark.parametrize("damage", ["cut", "other bytes", "without sums"])
def test_a_damaged_export_is_taken_away(cache, tmp_path, damage):
    for name in exported_cache.FILES:
        (tmp_path / name).write_bytes(bytes(100))
    exported_cache.keep("k", tmp_path)
    folder = exported_cache.kept("k")
    if damage == "cut":
        (folder / "model.bin").write_bytes(bytes(99))
    elif damage == "other bytes":
        (folder / "model.bin").write_bytes(b"1" + bytes(99))
    else:
        (folder / "sums.json").unlink()

    assert exported_cache.kept("k") is None
    assert kept_folders() == []


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path, monkeypatch, model):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MEDZOO_CACHE", str(tmp_path / "file"))
    np.testing.assert_allclose(ask(model), np.asarray(model(X)), atol=1e-5)


def test_what_was_used_longest_ago_makes_room(cache, tmp_path):
    for name in exported_cache.FILES:
        (tmp_path / name).write_text(name)
    for number in range(exported_cache.MOST_KEPT + 2):
        exported_cache.keep(f"{number:02}", tmp_path)
        # The file system's clock is coarser than these steps.
        os.utime(cache / "engines" / f"{number:02}", (number, number))
    assert exported_cache.kept("02") is not None
    os.utime(cache / "engines" / "02", (1e3, 1e3))
    exported_cache.keep("a", tmp_path)
    names = [folder.name for folder in kept_folders()]
    assert len(names) == exported_cache.MOST_KEPT
    assert {"02", "a"} < set(names)
    assert "03" not in names


def test_keys_tell_networks_apart_whatever_was_built_before(model, weights):
    def key(model, softmax=False, packages=("keras",)):
        network = network_of(model, softmax)
        return exported_cache.key_of(network, model.get_weights(), packages)

    assert key(model) == key(model)
    assert key(model) != key(model, softmax=True)
    assert key(model) != key(model, packages=("keras", "numpy"))
    other = FCN3D(**{**SMALL, "activation": "elu"})
    other.set_weights(weights)
    assert key(model) != key(other)


def test_a_network_with_code_from_outside_is_not_kept(cache):
    @keras.saving.register_keras_serializable(package="tests")
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    inputs = keras.Input((None, None, None, 1))
    model = keras.Model(inputs, Twice()(inputs))
    np.testing.assert_array_equal(ask(model), 2 * X)
    assert not (cache / "engines").exists()


def test_an_operation_that_cannot_be_exported_is_named(model):
    @keras.saving.register_keras_serializable(package="tests")
    class Unique(keras.layers.Layer):
        def call(self, inputs):
            import tensorflow as tf

            seen = tf.py_function(lambda x: 2 * x, [inputs], tf.float32)
            return tf.ensure_shape(seen, inputs.shape)

        def compute_output_shape(self, input_shape):
            return input_shape

    inputs = keras.Input((None, None, None, 1))
    with pytest.raises(InputError, match=r"EagerPyFunc\. Use engine='keras'"):
        ask(keras.Model(inputs, Unique()(inputs)))


def test_nobody_is_told_of_an_export(cache, tmp_path):
    script = tmp_path / "ask.py"
    script.write_text(
        "import socket, sys\n"
        "def refuse(*_, **__):\n"
        "    sys.exit('a connection was opened')\n"
        "socket.socket.connect = refuse\n"
        "import keras, numpy\n"
        "from medzoo.inference.engine import engine_of\n"
        "inputs = keras.Input((None, 1))\n"
        "model = keras.Model(inputs, keras.layers.Dense(2)(inputs))\n"
        "import logging\n"
        "logging.getLogger('tensorflow').setLevel(logging.INFO)\n"
        "engine_of(model, name='openvino')(numpy.ones((1, 3, 1), 'f4'))\n"
        "assert logging.getLogger('tensorflow').level == logging.INFO\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "HOME": str(home)}
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    )
    assert "Assets" not in done.stdout + done.stderr
    assert list(home.rglob("*openvino*")) == []


def test_processes_that_export_at_once_leave_one_whole_copy(cache, tmp_path):
    script = tmp_path / "keep.py"
    script.write_text(
        "import sys\n"
        "from medzoo.inference import exported_cache as c\n"
        "for _ in range(30):\n"
        "    c.keep('k', sys.argv[1])\n"
        "    assert c.kept('k') is not None\n"
    )
    for name in exported_cache.FILES:
        (tmp_path / name).write_bytes(bytes(300_000))
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, str(script), str(tmp_path)]
    running = [subprocess.Popen(command, env=environment) for _ in range(4)]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    assert [folder.name for folder in kept_folders()] == ["k"]
