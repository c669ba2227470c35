"""What `medzoo train` calls medzoo.train with, and what it refuses."""

import json

import pytest

from medzoo.cli.main import main
from medzoo.errors import Terminated
from tests.cli.conftest import error_line


def test_train_calls_the_public_function_with_its_flags(given):
    (source, cases, output), keywords = given(
        "train", "x", "--cases", "c.csv", "-o", "out", "--accumulate", "2",
        "--rematerialize", "--workers", "1", "--threads", "3", "--feed", "cached",
    )  # fmt: skip

    assert (source, str(cases), str(output)) == ("x", "c.csv", "out")
    assert (keywords["accumulate"], keywords["rematerialize"]) == (2, True)
    assert (keywords["workers"], keywords["threads"]) == (1, 3)
    assert keywords["feed"] == "cached"
    assert not keywords["fine_tune"]
    (_, cases, _), _ = given("train", "x", "--data", "wmh:folder", "-o", "out")
    assert cases == "wmh:folder"


@pytest.mark.parametrize("cases", [[], ["--cases", "c.csv", "--data", "wmh:folder"]])
def test_train_takes_one_kind_of_cases(cases, capsys):
    assert main(["train", "x", "-o", "out", *cases]) == 2
    assert "--data" in error_line(capsys)


def test_a_training_that_was_terminated_is_130(monkeypatch, capsys):
    def stop(*_, **__):
        raise Terminated

    monkeypatch.setattr("medzoo.zoo.train.train", stop)
    assert main(["train", "x", "--cases", "c.csv", "-o", "out"]) == 130
    assert "goes on from out" in capsys.readouterr().err


def test_fine_tuning_needs_weights(tmp_path, model, capsys):
    recipe = json.loads((model / "recipe.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps({**recipe, "weights": None}))
    arguments = ["--cases", "c.csv", "-o", str(tmp_path / "out"), "--fine-tune"]
    assert main(["train", str(tmp_path), *arguments]) == 2
    assert "has none" in error_line(capsys)
