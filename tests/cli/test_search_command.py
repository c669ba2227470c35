"""`medzoo search`: what it hands on, and what it refuses."""

import json

import pytest

from medzoo.cli.main import main
from medzoo.cli.search_command import run
from medzoo.errors import Terminated

COMMAND = ["search", "x", "--cases", "c.csv", "-o", "out", "--space", "s.json"]


def test_arguments_reach_the_search(monkeypatch, capsys):
    given = {}

    def search(*arguments, **options):
        given.update(options, arguments=[str(a) for a in arguments])
        return "out/best"

    monkeypatch.setattr("medzoo.zoo.search.search", search)
    assert callable(run)
    assert main([*COMMAND, "--trials", "7", "--devices", "2", "--restart"]) == 0
    assert given["arguments"] == ["x", "c.csv", "out"]
    assert given["trials"] == 7
    assert given["devices"] == 2
    assert given["restart"] is True
    assert capsys.readouterr().out == "out/best\n"


def test_a_stopped_search_says_how_to_go_on(monkeypatch, capsys):
    def stopped(*arguments, **options):
        raise Terminated

    monkeypatch.setattr("medzoo.zoo.search.search", stopped)
    assert main([*COMMAND, "--trials", "1"]) == 130
    assert "goes on from out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("space", "match"),
    [
        ("[]", "s.json"),
        ('{"training.learning_rate": {"low": -1, "high": 1}}', "learning_rate"),
        ('{"training.nothing": {"choices": [1]}}', "nothing"),
    ],
)
def test_a_wrong_space_is_one_line(tmp_path, space, match, capsys):
    path = tmp_path / "s.json"
    path.write_text(space)
    command = ["search", "ixi_age_resnet", "--cases", str(tmp_path / "c.csv")]
    command += ["-o", str(tmp_path / "o"), "--space", str(path), "--trials", "1"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert match in line
    assert not (tmp_path / "o").exists()


def test_spaces_in_the_guide_fit_the_models_they_are_for():
    from medzoo.training.search_space import check_space
    from medzoo.zoo.resolve import resolve_recipe
    from tests.conftest import CHECKOUT

    guide = (CHECKOUT / "docs/guides/search.md").read_text()
    spaces = [part.split("```")[0] for part in guide.split("```text\n")[1:]]
    assert spaces
    for text in spaces:
        check_space(json.loads(text), resolve_recipe("ixi_age_resnet")[1].to_dict())
