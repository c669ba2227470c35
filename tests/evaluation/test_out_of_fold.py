"""Scanners left out of training: read, measured and told on the card."""

import json
import shutil

import pytest

from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.metrics_file import write_metrics
from medzoo.evaluation.out_of_fold import read_out_of_scanner
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.registry import read_entry, zoo_folder

ROWS = """case_id,fold,target,prediction,low,high,distance,source,age,sex
a,0,30,34,20,40,1.0,north,30,F
b,0,50,48,40,60,1.2,north,50,M
c,1,70,60,50,65,2.5,south,70,F
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "ixi_age_resnet"
    shutil.copytree(zoo_folder() / "ixi_age_resnet", folder)
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps({**recipe, "weights": None}))
    (folder / "metrics.json").unlink()
    (folder / "out_of_scanner.csv").write_text(ROWS)
    return folder


def test_each_scanner_is_measured_for_itself(folder):
    recipe = read_entry(folder)
    found = read_out_of_scanner(folder, recipe.to_dict())
    assert {name: len(truth.target) for name, truth in found.items()} == {
        "north": 2,
        "south": 1,
    }
    measured = evaluate(folder, out_of_fold=True)["out_of_scanner"]
    assert measured["north"]["mean_absolute_error"]["value"] == pytest.approx(3.0)
    assert measured["north"]["mean_error"]["value"] == pytest.approx(1.0)
    assert measured["south"]["interval_coverage"]["value"] == 0


def test_the_card_tells_them(folder):
    recipe = read_entry(folder)
    write_metrics(folder / "metrics.json", evaluate(folder, out_of_fold=True), recipe)
    card = render_card(folder)
    assert "On scanners left out of training" in card
    assert "| north | mean absolute error | 3.00" in card


def test_a_model_without_such_a_file_says_nothing(folder):
    (folder / "out_of_scanner.csv").unlink()
    assert read_out_of_scanner(folder, read_entry(folder).to_dict()) == {}
    assert evaluate(folder, out_of_fold=True)["out_of_scanner"] == {}
