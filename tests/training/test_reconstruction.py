"""Training of an autoencoder from a case table."""

import json

import numpy as np
import pytest

import medzoo
from medzoo.data.feeds.reconstruction import reconstruction_cases
from medzoo.errors import InputError
from medzoo.training.image_training import train_images
from medzoo.training.linear_start import principal_components
from medzoo.training.network import single_network
from medzoo.training.reconstruction import ReconstructionTraining, beside
from medzoo.training.train import train

SHAPE = (6, 4, 4)
# All numbers of a block, so that the closed form is that of the components.
ARCHITECTURE = {
    "input_shape": [*SHAPE, 1],
    "latent_dim": 3,
    "filters": [],
    "strides": [],
    "linear_filters": 96,
    "block_size": list(SHAPE),
    "deformation": True,
}
RECIPE = {
    "name": "toy",
    "task": "reconstruction",
    "architecture": {"class": "ConvolutionalAutoencoder3D", "arguments": ARCHITECTURE},
    "channels": [{"name": "t1", "required": True}],
    "preprocessing": {
        "spatial": [],
        "layers": [{"class": "ZScore", "arguments": {}}],
    },
    "training": {
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-5,
        "weight_decay": 0.0,
        "split": {"validation": ["c8", "c9"]},
        "options": {"linear_start": True},
    },
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    generator = np.random.default_rng(0)
    patterns = generator.normal(size=(3, *SHAPE))
    lines = ["case_id,t1"]
    for number in range(10):
        array = np.tensordot(generator.normal(size=3), patterns, 1)
        array = array + 0.1 * generator.normal(size=SHAPE) + 7
        volume = medzoo.Volume(array.astype("float32"), np.eye(4))
        medzoo.write(volume, folder / f"{number}.nii.gz")
        lines.append(f"c{number},{number}.nii.gz")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    return folder / "cases.csv"


def images_of(table):
    paths = [table.parent / f"{number}.nii.gz" for number in range(10)]
    images = np.stack([medzoo.read(path).array for path in paths])
    flat = images.reshape(10, -1)
    return (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)


def closed_form():
    training = {**RECIPE["training"], "options": {"closed_form": True}}
    return {**RECIPE, "training": training}


def trained(recipe, cases, folder, **options):
    if not isinstance(cases, list):
        cases = reconstruction_cases(cases, recipe)
    keeping = {"mode": "memory", "folder": folder / "prepared"}
    return train_images(recipe, cases, folder, keeping=keeping, **options)


def test_closed_form_is_the_components_of_the_training_cases(table, tmp_path):
    model = trained(closed_form(), table, tmp_path, workers=1, log=print)

    images = images_of(table)
    wanted = principal_components(images[:8].astype("f4"), 3).reconstruct(images[8:])
    found = model.predict(images[8:].reshape(2, *SHAPE, 1), verbose=0)
    np.testing.assert_allclose(found.reshape(2, -1), wanted, atol=1e-2)


def test_epochs_go_on_from_the_closed_form(table, tmp_path):
    said = []

    model = trained(RECIPE, table, tmp_path, workers=1, log=said.append)

    assert "8 cases for training, 2 for validation" in said
    assert any("explained_variance" in line for line in said)
    images = images_of(table)[8:].reshape(2, *SHAPE, 1)
    start = trained(closed_form(), table, tmp_path, workers=1, log=print)
    before, after = start.predict(images, verbose=0), model.predict(images, verbose=0)
    assert not np.array_equal(before, after)
    # Two epochs with a small step: near to where they began, unlike fresh weights.
    np.testing.assert_allclose(before, after, atol=0.1)


def without_validation(recipe):
    split = {"num_folds": 2, "seed": 0}
    return {**recipe, "training": {**recipe["training"], "split": split}}


def test_folds_of_a_closed_form_are_the_components_of_their_other_cases(
    table, tmp_path
):
    trained(
        without_validation(closed_form()), table, tmp_path, workers=1, log=lambda _: 0
    )

    folds = json.loads((tmp_path / "cross_validation.json").read_text())
    images = images_of(table).astype("f4")
    assert len(folds) == 2
    for fold in folds.values():
        own = [int(name[1:]) for name in fold["cases"]]
        others = [number for number in range(10) if number not in own]
        found = principal_components(images[others], 3).reconstruct(images[own])
        error = np.square(found - images[own]).mean(1).mean()
        assert fold["reconstruction_error"] == pytest.approx(error, abs=1e-3)


def test_folds_begin_as_the_published_network_does(table, tmp_path, monkeypatch):
    begun = {}

    def fit(recipe, data, folder, *, start=None, measure=None, **options):
        begun[folder.name] = (start, start.read_bytes(), len(data.indices), measure)
        return single_network(recipe)

    monkeypatch.setattr("medzoo.training.image_training.fit", fit)

    trained(without_validation(RECIPE), table, tmp_path, workers=1, log=lambda _: 0)

    runs = tmp_path / "runs"
    assert {name: facts[0] for name, facts in begun.items()} == {
        "fold-0": runs / "fold-0" / "start.weights.h5",
        "fold-1": runs / "fold-1" / "start.weights.h5",
        "model": runs / "start.weights.h5",
    }
    assert len({content for _, content, *_ in begun.values()}) == 3
    assert [facts[2] for facts in begun.values()] == [5, 5, 10]
    # Nothing of a fold is chosen by the cases that it is judged on.
    assert {facts[3] for facts in begun.values()} == {None}


def test_measure_is_the_error_over_the_variance(table):
    cases = reconstruction_cases(table, RECIPE)
    task = ReconstructionTraining(RECIPE)
    task.prepare(cases, {}, workers=1, log=print)

    class Halves:
        def predict_on_batch(self, x):
            return x / 2

    found = task.measure([8, 9])(Halves())

    assert found["reconstruction_error"] == pytest.approx(0.25, rel=1e-3)
    assert next(iter(found)) == "explained_variance"
    assert task.measure([]) is None


def test_cases_for_validation_alone_are_refused(table, tmp_path):
    cases = reconstruction_cases(table, RECIPE)[8:]
    with pytest.raises(InputError, match="2 cases, all of them for validation"):
        train(RECIPE, cases, tmp_path)


def test_picture_shows_both_on_one_scale():
    image = np.random.default_rng(0).normal(size=(6, 5, 4))

    picture = beside(image, np.full_like(image, image.max()))

    assert picture.shape == (5, 12)
    assert picture.dtype == np.uint8
    assert picture[:, 6:].min() == 255 > picture[:, :6].min()
