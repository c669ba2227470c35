"""What `medzoo evaluate --cost` measures, what it leaves alone, what a card shows."""

import io
import json
from contextlib import redirect_stdout
from importlib.util import find_spec

import pytest

from medzoo.cli.main import main
from medzoo.errors import FileFormatError
from medzoo.evaluation import prediction_cost
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.recipe.schema import read_recipe
from tests.batch.small_models import make_age_model
from tests.zoo.conftest import METRICS


@pytest.fixture
def folder(add_model, metrics):
    return add_model(measured=metrics)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder whose cost was measured by the command, and what the command printed."""
    folder = make_age_model(tmp_path_factory.mktemp("cost"))
    path = folder / "metrics.json"
    path.write_text(json.dumps(METRICS), encoding="utf-8")
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.MonkeyPatch.context() as patch:
        # Reading and resampling a brain of 1 mm is most of what eight predictions take.
        patch.setattr(prediction_cost, "SPACING", 4.0)
        assert main(["evaluate", str(folder), "--cost", "-o", str(path)]) == 0
    return folder, json.loads(printed.getvalue())


def test_only_the_cost_is_measured_again(measured, metrics):
    folder, printed = measured
    written = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert written["cost"] == printed["cost"]
    assert written["cost"]["seconds_per_scan"] > 0
    for key in set(metrics) - {"cost"}:
        assert written[key] == metrics[key]
    assert "seconds per scan" in render_card(folder)


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino")
def test_engines_stand_on_the_card_with_their_differences(measured):
    folder, _ = measured
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
