"""A population's mean: over scans, written, read, and refused where it does not fit."""

import numpy as np
import pytest

from medzoo.errors import InputError, MissingFileError
from medzoo.explanation.explain import explain, task_and_folder
from medzoo.explanation.population import Population, mean_over, read_population
from tests.explanation.conftest import two_halves

SHAPE = (4, 4, 4, 5)


@pytest.fixture
def task(age_model):
    return task_and_folder(age_model)[0]


def test_a_mean_is_over_what_the_network_sees_of_each(task, scan):
    other = scan.with_array(scan.array * np.float32(0.7))

    found, failed = mean_over(task, [scan, other])

    seen = [np.asarray(task.preprocessor(image)[0][0]) for image in (scan, other)]
    np.testing.assert_allclose(found.mean, np.mean(seen, 0), atol=1e-6)
    assert (found.count, failed) == (2, [])


def test_a_scan_that_fails_is_left_out_and_told(task, scan):
    found, failed = mean_over(task, ["nowhere.nii.gz", scan])

    assert found.count == 1
    assert [place for place, _ in failed] == [0]
    with pytest.raises(InputError, match="one person or more"):
        mean_over(task, ["nowhere.nii.gz"])


def test_a_mean_is_written_read_and_explained_against(task, age_model, scan, tmp_path):
    other = scan.with_array(scan.array * np.float32(0.7))
    path = mean_over(task, [scan, other])[0].write(tmp_path / "mean.npz")

    read = read_population(path, task.recipe, SHAPE)
    found = explain(age_model, scan, baseline=path, regions=two_halves(scan), steps=2)

    assert read.count == 2
    assert found.baseline == "the mean of 2 people"
    expected = task.model.predict(np.stack([read.mean, read.mean[::-1]]), verbose=0)
    assert found.baseline_answer == pytest.approx(expected.mean(), abs=1e-3)


def test_a_file_that_is_missing_or_no_mean_is_refused(task, tmp_path):
    with pytest.raises(MissingFileError, match="--population"):
        read_population(tmp_path / "none.npz", task.recipe, SHAPE)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match=r"must be an \.npz"):
        read_population(tmp_path / "text.npz", task.recipe, SHAPE)
    np.savez(tmp_path / "objects.npz", mean=np.array([None], object))
    with pytest.raises(InputError, match=r"must be an \.npz"):
        read_population(tmp_path / "objects.npz", task.recipe, SHAPE)


@pytest.mark.parametrize(
    ("mean", "digest", "message"),
    [
        (np.zeros(SHAPE, np.float32), "other", "made by the preprocessing"),
        (np.zeros((2, 4, 4, 5), np.float32), None, "made by the preprocessing"),
        (np.full(SHAPE, np.nan, np.float32), None, "finite"),
    ],
)
def test_a_mean_of_another_recipe_is_refused(task, tmp_path, mean, digest, message):
    from medzoo.explanation.population import digest_of

    digest = digest or digest_of(task.recipe)
    path = Population(mean, 3, digest).write(tmp_path / "mean.npz")

    with pytest.raises(InputError, match=message):
        read_population(path, task.recipe, SHAPE)
