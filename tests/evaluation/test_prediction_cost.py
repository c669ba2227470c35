"""What `medzoo evaluate --cost` measures, what it leaves alone, what a card shows."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from medzoo.cli.main import main
from medzoo.errors import FileFormatError
from medzoo.evaluation.prediction_cost import difference
from medzoo.inference.prediction import Prediction
from medzoo.models.from_recipe import build_model
from medzoo.training.weights_file import write_weights
from medzoo.volume import Volume
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import read_recipe

SPATIAL = [
    {"step": "orient", "arguments": {"orientation": "RAS"}},
    {"step": "resample", "arguments": {"spacing": 16.0}},
    {"step": "crop_pad", "arguments": {"size": [8, 8, 8]}},
]


@pytest.fixture
def folder(add_model, content, metrics):
    content["preprocessing"]["spatial"] = SPATIAL
    model = build_model({**content, "weights": None})
    made = add_model(measured=metrics)
    facts = write_weights(model, made / "model.weights.h5")
    return add_model(
        measured=metrics,
        weights={**facts, "urls": []},
        preprocessing=content["preprocessing"],
    )


def test_only_the_cost_is_measured_again(folder, metrics, capsys):
    path = folder / "metrics.json"
    assert main(["evaluate", str(folder), "--cost", "-o", str(path)]) == 0

    printed = json.loads(capsys.readouterr().out)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["cost"] == printed["cost"]
    assert written["cost"]["seconds_per_scan"] > 0
    for key in set(metrics) - {"cost"}:
        assert written[key] == metrics[key]
    assert "seconds per scan" in render_card(folder)


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino")
def test_engines_stand_on_the_card_with_their_differences(folder):
    path = folder / "metrics.json"
    assert main(["evaluate", str(folder), "--cost", "-o", str(path)]) == 0

    engines = read_metrics(folder, read_recipe(folder))["engines"]
    assert list(engines) == ["keras float32", "openvino float32", "openvino bfloat16"]
    assert set(engines["keras float32"]) == {"seconds_per_scan"}
    exact = engines["openvino float32"]
    assert exact["largest_difference"] == exact["mean_difference"] < 1e-3
    assert exact["unit"] == "years"
    (row,) = [r for r in render_card(folder).splitlines() if "openvino float32" in r]
    assert f"{exact['largest_difference']:.1e} years" in row


def test_engines_in_a_file_are_checked(folder, metrics):
    path = folder / "metrics.json"
    path.write_text(json.dumps({**metrics, "engines": {"keras": {"a": None}}}))
    with pytest.raises(FileFormatError, match=r"engines\.keras\.a"):
        read_metrics(folder, read_recipe(folder))


def test_a_cost_needs_a_file_to_stand_in(folder, tmp_path, capsys):
    out = tmp_path / "metrics.json"
    assert main(["evaluate", str(folder), "--cost", "-o", str(out)]) == 2
    assert "added to a metrics.json that is there" in capsys.readouterr().err


def volume(values):
    return Volume(np.reshape(values, (2, 2, 1)), np.eye(4))


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (
            {"value": 40.5, "unit": "years"},
            {"value": 40.0, "unit": "years"},
            {"largest_difference": 0.5, "mean_difference": 0.5, "unit": "years"},
        ),
        (
            {"label": "a", "probabilities": {"a": 0.75, "b": 0.25}},
            {"label": "a", "probabilities": {"a": 1.0, "b": 0.0}},
            {
                "largest_difference": 0.25,
                "mean_difference": 0.25,
                "unit": "probability",
            },
        ),
        (
            {"image": volume([0.0, 1.0, 2.0, 4.0])},
            {"image": volume([0.0, 0.0, 2.0, 4.0])},
            {
                "largest_difference": 0.25,
                "mean_difference": 0.0625,
                "unit": "share of the range",
            },
        ),
        # Of three voxels that are no background in either, one differs.
        (
            {"labels": volume([0, 1, 2, 2])},
            {"labels": volume([0, 1, 2, 0])},
            {"other_labels": 1 / 3},
        ),
    ],
    ids=["value", "probabilities", "image", "labels"],
)
def test_differences_by_hand(one, other, wanted):
    common = {"task": "t", "model": "m", "warnings": ()}
    answers = [Prediction(**answer, **common) for answer in (one, other)]
    assert difference(*answers) == pytest.approx(wanted)
