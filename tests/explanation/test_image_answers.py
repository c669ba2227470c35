"""What super-resolution adds to cubic interpolation, and where a code lies."""

import json

import numpy as np
import pytest

from medzoo.data.feeds.upsampling import cubic_b_spline
from medzoo.errors import InputError
from medzoo.explanation.explain import explain
from medzoo.explanation.image_answers import difference_from_cubic
from medzoo.explanation.latent_space import LATENT_FILE, LatentSpace
from medzoo.inference.prediction import Prediction
from medzoo.io import read
from medzoo.models.from_recipe import build_model
from medzoo.training.weights_file import write_weights
from tests.explanation.conftest import EXAMPLE, SPATIAL


def prediction_of(image):
    return Prediction(task="super_resolution", model="tiny@1.0", image=image)


def fine_of(scan, factor=2):
    fine = cubic_b_spline(np.asarray(scan.array, np.float32), factor)
    affine = scan.affine @ np.diag([1 / factor] * 3 + [1.0])
    return scan.with_array(fine).with_affine(affine)


def test_cubic_interpolation_differs_from_itself_by_nothing(scan):
    found = difference_from_cubic(prediction_of(fine_of(scan)), scan)

    assert found.rms == pytest.approx(0, abs=1e-4)
    assert np.abs(found.map.array).max() < 1e-3


def test_what_a_network_adds_is_the_map(scan, tmp_path):
    fine = fine_of(scan)
    added = np.zeros(fine.shape, np.float32)
    added[20:30, 30:40, 30:40] = 50

    found = difference_from_cubic(
        prediction_of(fine.with_array(fine.array + added)), scan
    )

    np.testing.assert_allclose(found.map.array, added, atol=1e-3)
    assert 0 < found.rms < 50
    paths = found.write(tmp_path)
    np.testing.assert_allclose(read(paths[0]).array, found.map.array, atol=1e-3)
    assert json.loads(paths[1].read_text())["rms"] == pytest.approx(found.rms, abs=1e-3)
    assert paths[2].read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory):
    """A model folder of an autoencoder with codes of four numbers."""
    folder = tmp_path_factory.mktemp("codes") / "tiny_age"
    folder.mkdir()
    recipe = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    del recipe["unit"]
    network = {"input_shape": [16, 16, 16, 1], "latent_dim": 4, "filters": [4]}
    network["strides"] = [[2, 2, 2]]
    recipe |= {
        "task": "reconstruction",
        "target": None,
        "postprocessing": [],
        "architecture": {
            "class": "ConvolutionalAutoencoder3D",
            "arguments": network,
        },
        "preprocessing": {
            "spatial": SPATIAL,
            "layers": [{"class": "ZScore", "arguments": {}}],
        },
        "weights": None,
    }
    model = build_model(recipe)
    recipe["weights"] = {
        **write_weights(model, folder / "model.weights.h5"),
        "urls": [],
    }
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    return folder


def test_a_code_lies_among_those_of_others(encoder_folder, scan, tmp_path):
    with pytest.raises(InputError, match=LATENT_FILE):
        explain(encoder_folder, scan)
    rng = np.random.default_rng(0)
    space = LatentSpace.of(rng.normal(size=(12, 4)), rng.uniform(20, 80, 12))
    (encoder_folder / LATENT_FILE).write_text(space.to_json())

    found = explain(encoder_folder, scan)

    expected = space.place(found.prediction.embedding)
    np.testing.assert_allclose(found.place, expected, atol=0.02)
    assert set(found.nearest) <= set(np.round(space.ages))
    names = [path.name for path in found.write(tmp_path)]
    assert names == ["latent.svg", "explanation.json"]
    assert json.loads((tmp_path / "explanation.json").read_text())["people"] == 12


def test_regions_mean_nothing_to_a_code(encoder_folder, scan):
    with pytest.raises(InputError, match="Leave them out"):
        explain(encoder_folder, scan, regions="mni")
