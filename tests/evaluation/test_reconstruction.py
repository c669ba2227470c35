"""Errors of reconstructions, their baselines, and what codes tell of age."""

import numpy as np
import pytest

import medzoo
from medzoo.data.feeds.reconstruction import reconstruction_cases
from medzoo.errors import InputError
from medzoo.evaluation import reconstruction
from medzoo.evaluation.linear_probe import cross_validated, probe
from medzoo.evaluation.reconstruction import error_of, measure_reconstruction
from medzoo.metrics.regression import r_squared
from medzoo.models import ConvolutionalAutoencoder3D
from medzoo.training.linear_start import start_linearly

SHAPE = (6, 5, 4)
COUNT, HELD_OUT = 60, 20
RECIPE = {
    "name": "toy",
    "task": "reconstruction",
    "channels": [{"name": "t1", "required": True}],
    "preprocessing": {
        "spatial": [],
        "layers": [{"class": "ZScore", "arguments": {}}],
    },
    "training": {
        "split": {"validation": [f"case{i:02d}" for i in range(HELD_OUT)]},
    },
}


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    """A table of images that age along one pattern, and the images whitened."""
    folder = tmp_path_factory.mktemp("subjects")
    generator = np.random.default_rng(0)
    patterns = generator.normal(size=(3, *SHAPE))
    ages = np.linspace(20, 80, COUNT)[generator.permutation(COUNT)]
    lines, images = ["case_id,t1,age,sex"], []
    for number, age in enumerate(ages):
        strengths = ((age - 50) / 30, 0.3 * generator.normal(), 3.0)
        array = np.tensordot(strengths, patterns, 1)
        array = array + 0.3 * generator.normal(size=SHAPE)
        images.append((array - array.mean()) / array.std())
        volume = medzoo.Volume(array.astype("float32"), np.eye(4))
        medzoo.write(volume, folder / f"{number}.nii.gz")
        sex = "FM"[number % 2]
        lines.append(f"case{number:02d},{number}.nii.gz,{age:.3f},{sex}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    return folder / "cases.csv", np.array(images)


@pytest.fixture(scope="module")
def model(subjects):
    network = ConvolutionalAutoencoder3D(
        (*SHAPE, 1), 2, (), (), linear_filters=120, block_size=SHAPE
    )
    start_linearly(network, subjects[1][HELD_OUT:, ..., None])
    return network


@pytest.fixture(scope="module")
def found(subjects, model):
    cases = reconstruction_cases(subjects[0], RECIPE)
    return measure_reconstruction(model, RECIPE, cases)


def test_errors_are_those_of_the_validation_split(subjects, model, found):
    images = subjects[1][:HELD_OUT]
    answers = model.predict(images[..., None], verbose=0)[..., 0]

    entry = found["metrics"]["reconstruction_error"]

    assert entry["value"] == pytest.approx(np.square(answers - images).mean(), abs=1e-3)
    assert entry["n"] == HELD_OUT
    assert entry["ci95"][0] < entry["value"] < entry["ci95"][1]


def test_baselines_are_components_and_mean_of_the_other_cases(subjects, found):
    flat = subjects[1].reshape(COUNT, -1)
    others, measured = flat[HELD_OUT:], flat[:HELD_OUT] - flat[HELD_OUT:].mean(0)
    _, _, directions = np.linalg.svd(others - others.mean(0), full_matrices=False)
    left = measured - measured @ directions[:2].T @ directions[:2]

    baselines = found["baselines"]

    assert set(baselines) == {"mean image", "PCA with 2 components"}
    for name, rest in (("mean image", measured), ("PCA with 2 components", left)):
        value = baselines[name]["reconstruction_error"]["value"]
        assert value == pytest.approx(np.square(rest).mean(), abs=1e-3)
    # The network started as these components, and was not trained on.
    value = baselines["PCA with 2 components"]["reconstruction_error"]["value"]
    error = found["metrics"]["reconstruction_error"]["value"]
    assert error == pytest.approx(value, abs=2e-3)


def test_codes_tell_the_age(found):
    metrics = found["metrics"]

    assert metrics["age_r_squared"]["value"] > 0.9
    assert metrics["age_r_squared"]["n"] == HELD_OUT
    assert metrics["age_r_squared_cross_validated"]["n"] == COUNT
    assert metrics["age_mean_absolute_error"]["unit"] == "years"
    assert "mean image" in found["baselines"]
    assert "age_r_squared" not in found["baselines"]["mean image"]


def test_groups_are_age_bands_and_sexes(found):
    sizes = {k: v["reconstruction_error"]["n"] for k, v in found["groups"].items()}

    assert sizes["female"] == sizes["male"] == HELD_OUT // 2
    assert sum(n for name, n in sizes.items() if "years" in name) == HELD_OUT


def test_other_data_are_measured_without_baselines(subjects, model):
    recipe = {**RECIPE, "training": {"split": {"validation": ["elsewhere"]}}}
    cases = reconstruction_cases(subjects[0], recipe)

    found = measure_reconstruction(model, recipe, cases)

    assert found["metrics"]["reconstruction_error"]["n"] == COUNT
    assert "age_r_squared" not in found["metrics"]
    assert found["metrics"]["age_r_squared_cross_validated"]["value"] > 0.9
    assert found["baselines"] == {}
    assert "60 cases of the table" in found["protocol"]


def test_nothing_to_measure_is_refused(model):
    with pytest.raises(InputError, match="Received: none"):
        measure_reconstruction(model, RECIPE, [])


def test_error_is_in_units_of_each_channels_variance():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 4, 2)).astype("float32")
    x[..., 1] *= 50
    shift = np.array([0.5, 25.0]) * x.std((1, 2, 3), keepdims=True) / (1, 50)

    np.testing.assert_allclose(error_of(x, x + shift), [0.25, 0.25], rtol=1e-3)
    x[1, ..., 1] = 7
    np.testing.assert_allclose(error_of(x, x + shift)[1], 0.25, rtol=1e-3)


def test_scans_of_one_person_stay_together_in_the_probe():
    """Codes that tell who somebody is tell nothing of the age of others."""
    generator = np.random.default_rng(0)
    people = np.arange(60) // 3
    codes = generator.normal(size=(20, 40))[people]
    codes = codes + 0.01 * generator.normal(size=codes.shape)
    targets = generator.uniform(20, 80, 20)[people]

    apart = cross_validated(codes, targets)
    together = cross_validated(codes, targets, [f"p{person}" for person in people])

    assert r_squared(targets, apart) > 0.9
    assert r_squared(targets, together) < 0.3


def test_who_somebody_is_changes_nothing_where_each_has_one_scan():
    generator = np.random.default_rng(0)
    codes, targets = generator.normal(size=(40, 5)), np.arange(40) // 4 * 1.0
    # Names that are in another order than the table.
    names = [f"p{number}" for number in generator.permutation(40)]
    np.testing.assert_array_equal(
        cross_validated(codes, targets), cross_validated(codes, targets, names)
    )
    others = generator.normal(size=(3, 5))
    np.testing.assert_array_equal(
        probe(codes, targets, others), probe(codes, targets, others, names)
    )


def test_a_probe_needs_people():
    people = np.arange(60) // 4
    ages = np.linspace(20, 80, 60)
    codes = np.random.default_rng(0).normal(size=(60, 3))
    # 60 scans of 15 people; five of them and ten.
    assert reconstruction._probed(codes, ages, people, 20) == {}
    assert set(reconstruction._probed(codes, ages, np.arange(60), 20)) == {
        "age_r_squared",
        "age_mean_absolute_error",
        "age_r_squared_cross_validated",
    }


def test_probe_finds_what_is_linear_and_nothing_in_noise():
    generator = np.random.default_rng(0)
    codes = generator.normal(size=(60, 40))
    targets = codes[:, 0] * 10 + 50 + generator.normal(size=60)

    answers = probe(codes[:40], targets[:40], codes[40:])

    assert np.corrcoef(answers, targets[40:])[0, 1] > 0.8
    noise = generator.normal(size=(60, 40))
    answers = cross_validated(noise, targets)
    assert abs(np.corrcoef(answers, targets)[0, 1]) < 0.5
    # Nearly the mean: noise is not fitted.
    assert answers.std() < 0.7 * targets.std()
