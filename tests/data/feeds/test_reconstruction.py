"""Data of an autoencoder: what it sees, what it is asked for, and who is left out."""

import numpy as np
import pytest

import medzoo
from medzoo.data.feeds.reconstruction import (
    ReconstructionDataset,
    prepared_cases,
    reconstruction_cases,
    training_cases,
    validation_cases,
)
from medzoo.errors import InputError

# A flip would be compiled for each data set; test_golden_batches has compiled ones.
pytestmark = pytest.mark.usefixtures("eagerly")

RECIPE = {
    "name": "toy",
    "task": "reconstruction",
    "channels": [
        {"name": "t1", "required": True},
        {"name": "t2", "required": False},
    ],
    "preprocessing": {
        "spatial": [],
        "layers": [{"class": "ZScore", "arguments": {}}],
    },
    "training": {
        "split": {"validation": ["c"]},
        "views": [
            {
                "augmentation": [{"class": "RandomFlip3D", "arguments": {}}],
                "num_variants": 2,
            }
        ],
    },
}


@pytest.fixture
def table(tmp_path):
    generator = np.random.default_rng(0)
    lines = ["case_id,t1,t2,age,subject"]
    for name in "abcd":
        for channel in ("t1", "t2"):
            array = generator.normal(size=(5, 6, 4)).astype("float32") + 3
            path = tmp_path / f"{name}_{channel}.nii.gz"
            medzoo.write(medzoo.Volume(array, np.eye(4)), path)
        t2 = "" if name == "d" else f"{name}_t2.nii.gz"
        lines.append(f"{name},{name}_t1.nii.gz,{t2},30,{name}")
    path = tmp_path / "cases.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def data_of(cases, **options):
    prepared = prepared_cases(cases, RECIPE)
    return ReconstructionDataset(prepared, RECIPE, batch_size=2, seed=3, **options)


def names(cases):
    return [case.case_id for case in cases]


def test_validation_and_incomplete_cases_are_not_trained_on(table):
    cases = reconstruction_cases(table, RECIPE)

    assert names(training_cases(cases, RECIPE)) == ["a", "b"]
    assert names(validation_cases(cases, RECIPE)) == ["c"]
    assert cases[0].columns["age"] == "30"


def test_a_subject_on_both_sides_is_refused(table):
    table.write_text(table.read_text().replace(",30,a", ",30,c"))
    cases = reconstruction_cases(table, RECIPE)

    with pytest.raises(InputError, match=r"subjects=\['c'\]"):
        training_cases(cases, RECIPE)


def test_images_are_asked_back_as_they_are(table):
    data = data_of(training_cases(reconstruction_cases(table, RECIPE), RECIPE))

    x, y = data[0]

    assert x.shape == (2, 5, 6, 4, 2)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, y)
    np.testing.assert_allclose(x.mean((1, 2, 3)), np.zeros((2, 2)), atol=1e-3)
    again = data_of(training_cases(reconstruction_cases(table, RECIPE), RECIPE))
    np.testing.assert_array_equal(again[0][0], x)


def test_optional_channels_are_dropped_from_the_input_alone(table):
    cases = training_cases(reconstruction_cases(table, RECIPE), RECIPE)
    data = data_of(cases, channel_dropout=0.5)
    seen = []
    for _ in range(12):
        x, y = data[0]
        empty = ~x.any((1, 2, 3))
        assert not empty[:, 0].any()
        assert y.any((1, 2, 3)).all()
        np.testing.assert_array_equal(x[~empty[:, 1]], y[~empty[:, 1]])
        seen += list(empty[:, 1])
        data.on_epoch_end()

    assert 4 <= sum(seen) <= 20
    still = data_of(cases, channel_dropout=0.5, augment=False)
    np.testing.assert_array_equal(*still[0])


def test_a_certain_dropout_is_refused(table):
    cases = reconstruction_cases(table, RECIPE)[:2]
    with pytest.raises(InputError, match="channel_dropout=1"):
        data_of(cases, channel_dropout=1)
