"""What `medzoo evaluate --cost` measures, what it leaves alone, what a card shows."""

import json
from importlib.util import find_spec

import pytest

from medzoo.cli.main import main
from medzoo.errors import FileFormatError
from medzoo.models.from_recipe import build_model
from medzoo.training.weights_file import write_weights
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import read_recipe
from tests.batch.small_models import SPATIAL


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
    assert "added to an existing metrics.json" in capsys.readouterr().err
