"""CompiledPipeline: the same numbers as the layers one by one, sooner."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import medzoo
from medzoo import layers
from medzoo.data.compiled.compiled_pipeline import run_seeded

RNG = np.random.default_rng(0)


def chain(seed=1):
    return [
        layers.RandomFlip3D(("LR", "IS"), seed=seed),
        layers.RandomSpatial3D(displacement=2, seed=seed + 1),
        layers.BalancedCrop3D((6, 7, 8), 3, (0, 1, 1), seed=seed + 2),
        layers.RandomNoise(seed=seed + 3),
        layers.RandomGamma(rate=0.5, seed=seed + 4),
        layers.RandomBiasField(seed=seed + 5),
        layers.ZScore(),
    ]


def case(count=4):
    labels = RNG.integers(0, 3, (count, 9, 8, 10, 1))
    return {
        "images": RNG.uniform(1, 9, (count, 9, 8, 10, 1)).astype("f4"),
        "segmentation_masks": labels.astype("u1"),
        "weights": labels.astype("f4"),
        "labels": np.arange(count),
        "case_id": np.array([f"sub-{i}" for i in range(count)]),
    }


def one_by_one(chain, data, training=True):
    for layer in chain:
        data = layer(data, training=training)
    return data


def assert_same(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        found_value, value = np.asarray(found[key]), np.asarray(value)
        assert found_value.dtype == value.dtype
        if key == "images":
            np.testing.assert_allclose(found_value, value, atol=2e-4)
        else:
            np.testing.assert_array_equal(found_value, value)


@pytest.mark.parametrize(
    ("training", "batched"),
    [
        (True, True),
        (False, False),
        # Seconds of XLA for each chain of layers.
        pytest.param(True, False, marks=pytest.mark.extended),
        pytest.param(False, True, marks=pytest.mark.extended),
    ],
)
def test_equals_the_layers_one_by_one(batched, training):
    data = case()
    if not batched:
        data = {key: value[0] for key, value in data.items()}
    names = data.pop("case_id")
    compiled, plain = medzoo.CompiledPipeline(chain()), chain()

    for _ in range(2):  # The sequence of draws too.
        found = compiled({**data, "case_id": names}, training=training)
        assert found.pop("case_id") is names
        assert_same(found, one_by_one(plain, data, training))


@pytest.mark.parametrize("kind", [keras.layers.Pipeline, keras.Sequential, list])
def test_takes_what_holds_layers(kind):
    layers_ = [chain()[0], keras.layers.Rescaling(2.0), chain()[4]]

    assert medzoo.CompiledPipeline(kind(layers_)).layers == layers_


def test_layers_of_keras_among_others_and_an_array():
    x = case()["images"]

    def some():
        return [chain()[0], keras.layers.Rescaling(2.0), chain()[4]]

    found = medzoo.CompiledPipeline(some())(x)

    np.testing.assert_allclose(found, one_by_one(some(), x), rtol=1e-4)


def test_takes_one_layer_and_containers_in_lists():
    one, two, three = chain()[:2] + chain()[3:4]

    assert medzoo.CompiledPipeline(one).layers == [one]
    nested = [one, keras.layers.Pipeline([two, keras.layers.Pipeline([three])])]
    assert medzoo.CompiledPipeline(nested).layers == [one, two, three]


def test_layers_of_keras_know_whether_they_train():
    dropout = medzoo.CompiledPipeline([keras.layers.Dropout(0.5, seed=1)])
    x = np.ones((1, 9, 9, 9, 1), "f4")

    assert set(np.unique(dropout(x))) == {0, 2}
    np.testing.assert_array_equal(dropout(x, training=False), x)


@pytest.mark.parametrize("batch", [None, pytest.param(2, marks=pytest.mark.extended)])
def test_in_a_data_pipeline(batch):
    data = case()
    cases = tf.data.Dataset.from_tensor_slices(data)
    cases = cases if batch is None else cases.batch(batch, drop_remainder=True)

    def some():
        # What costs most to compile has its numbers above.
        flip, _, crop, noise, *_ = chain()
        return [flip, crop, noise]

    mapped = list(cases.map(medzoo.CompiledPipeline(some())))

    plain = some()
    size = batch or 1
    assert len(mapped) == 4 // size
    for i, found in enumerate(mapped):
        part = {k: v[i * size : (i + 1) * size] for k, v in data.items()}
        if batch is None:
            part = {key: value[0] for key, value in part.items()}
        names = part.pop("case_id")
        np.testing.assert_array_equal(
            np.asarray(found.pop("case_id")).astype(str), names
        )
        assert_same(found, one_by_one(plain, part))


def test_volumes_of_many_sizes():
    volumes = [RNG.uniform(1, 9, (n, 8, 9, 1)).astype("f4") for n in (7, 10, 7)]
    spec = tf.TensorSpec((None, None, None, 1))
    data = tf.data.Dataset.from_generator(lambda: volumes, output_signature=spec)

    def both():
        return [layers.RandomAffine3D(seed=1), layers.CropOrPad3D((8, 8, 8))]

    found = next(iter(data.map(medzoo.CompiledPipeline(both())).batch(3)))

    plain = both()
    for one, volume in zip(found, volumes, strict=True):
        np.testing.assert_allclose(one, one_by_one(plain, volume), atol=1e-4)


def test_labels_may_be_strings_and_layers_may_change_them():
    class Rename(layers.RandomFlip3D):
        def transform_labels(self, labels, transformation, training=True):
            return labels + "!"

    data = {**case(2), "labels": np.array(["female", "male"])}
    found = medzoo.CompiledPipeline([Rename(), layers.ZScore()])(data)

    np.testing.assert_array_equal(found["labels"], [b"female!", b"male!"])


def test_draws_anew_where_the_layers_would():
    compiled = medzoo.CompiledPipeline([layers.RandomNoise(0.1)])
    x = case()["images"]

    assert not np.array_equal(compiled(x), compiled(x))


def test_travels_to_another_process():
    compiled = medzoo.CompiledPipeline([layers.RandomNoise(0.1, seed=3)])
    x = case()["images"]

    copy = pickle.loads(pickle.dumps(compiled))

    np.testing.assert_array_equal(copy(x), compiled(x))


@pytest.mark.parametrize("given", [["ZScore"], [lambda x: x]])
def test_refuses_what_is_no_layer(given):
    with pytest.raises(ValueError, match=r"takes Keras layers\. Received: layers="):
        medzoo.CompiledPipeline(given)


@pytest.fixture(scope="module")
def pipeline():
    """The chain, compiled once for what draws from given seeds."""
    return medzoo.CompiledPipeline(chain())


def seeded(pipeline, number, data):
    generator = np.random.default_rng(number)
    found = run_seeded(pipeline, data, generator)
    return np.asarray(found["images"])


def test_given_seeds_draw_what_a_layers_own_state_would(pipeline):
    own = chain()
    generator = np.random.default_rng(3)
    for layer in own:
        if hasattr(layer, "generator"):
            state = generator.integers(0, 2**31 - 1, 2, np.uint32)
            layer.generator.state.assign(state)
    data = {k: v[0] for k, v in case().items() if k != "case_id"}
    expected = one_by_one(own, data)
    found = run_seeded(pipeline, data, np.random.default_rng(3))
    np.testing.assert_allclose(found["images"], expected["images"], atol=2e-4)
    np.testing.assert_array_equal(
        found["segmentation_masks"], expected["segmentation_masks"]
    )


def test_seeded_draws_do_not_depend_on_other_threads(pipeline):
    data = {k: v[0] for k, v in case().items() if k != "case_id"}
    numbers = list(range(12))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda n: seeded(pipeline, n, data), numbers))
    alone = [seeded(pipeline, number, data) for number in numbers]
    np.testing.assert_array_equal(together, alone)
    assert not np.array_equal(alone[0], alone[1])


def test_seeding_leaves_a_layers_own_generator(pipeline):
    before = [layer.generator for layer in pipeline.layers[:-1]]
    seeded(pipeline, 0, {k: v[0] for k, v in case().items() if k != "case_id"})
    assert [layer.generator for layer in pipeline.layers[:-1]] == before


@pytest.mark.parametrize(
    "pipelines", [20, pytest.param(60, marks=pytest.mark.extended)]
)
def test_many_runs_at_once_do_not_end_the_process(pipelines):
    script = Path(__file__).with_name("many_runs_at_once.py")
    done = subprocess.run(
        [sys.executable, "-m", f"tests.data.compiled.{script.stem}", str(pipelines)],
        cwd=script.parents[3],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_layers_of_keras_draw_from_the_given_generator():
    pipeline = medzoo.CompiledPipeline(
        [keras.layers.GaussianNoise(1.0), keras.layers.Dropout(0.5)]
    )
    x = np.ones((1, 6, 6, 6, 1), np.float32)

    def drawn(seed):
        return np.asarray(run_seeded(pipeline, x, np.random.default_rng(seed)))

    first = drawn(0)
    other = drawn(1)
    np.testing.assert_array_equal(drawn(0), first)
    assert not np.array_equal(first, other)
    # Another shape is traced anew, and the first one again.
    assert np.asarray(
        run_seeded(pipeline, x[:, :4], np.random.default_rng(0))
    ).shape == (1, 4, 6, 6, 1)
    np.testing.assert_array_equal(drawn(0), first)
