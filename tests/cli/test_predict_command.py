"""What `medzoo predict` calls medzoo.predict with, and what it refuses."""

import pytest

from medzoo.cli.main import main
from medzoo.cli.parser import CommandParser
from medzoo.cli.predict_command import add_arguments
from tests.cli.conftest import error_line


def test_predict_calls_the_public_function_with_its_flags(given):
    (source, cases, output), keywords = given(
        "predict", "x", "--json", "a.nii.gz", "b.nii", "-o", "out", "--threads", "2",
        gives=[],
    )  # fmt: skip

    assert (source, str(output)) == ("x", "out")
    assert [str(image) for image in cases] == ["a.nii.gz", "b.nii"]
    assert keywords["threads"] == 2
    assert keywords["assume_affine"] is None
    assert keywords["uncertainty"] == "interval"
    parser = CommandParser(prog="medzoo predict")
    add_arguments(parser)
    flags = {action.dest for action in parser._actions}
    assert set(keywords) - {"listener"} <= flags


def test_predict_takes_channels_spacing_and_a_tree(given):
    (_, cases, _), keywords = given(
        "predict", "x", "--channel", "t1=a=b.nii", "--channel", "flair=f.nii",
        "--assume-affine", "1.5", "--uncertainty", "none", "--native",
    )  # fmt: skip

    assert {key: str(path) for key, path in cases.items()} == {
        "t1": "a=b.nii",
        "flair": "f.nii",
    }
    assert keywords["assume_affine"] == (1.5, 1.5, 1.5)
    assert keywords["uncertainty"] is None
    assert keywords["native"] is True
    _, three = given("predict", "x", "a.nii", "--assume-affine", "1,1,2")
    assert three["assume_affine"] == (1.0, 1.0, 2.0)
    (source, cases, _), tree = given(
        "predict", "x,y", "--bids", "study", "--bids-filter", "run=1",
        "--participant-label", "01", "02",
    )  # fmt: skip
    assert (source, cases, str(tree["bids"])) == (["x", "y"], None, "study")
    assert tree["bids_filter"] == {"run": "1"}
    assert tree["participant_label"] == ["01", "02"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.nii", "--cases", "cases.csv"],
        ["a.nii", "--channel", "t1=a.nii"],
        ["--channel", "t1=a.nii", "--channel", "t1=b.nii"],
        ["--cases", "cases.txt"],
    ],
    ids=" ".join,
)
def test_predict_takes_one_kind_of_input(model, arguments, capsys):
    assert main(["predict", str(model), *arguments]) == 2
    error_line(capsys)


def test_a_share_of_the_cases_has_no_report(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["a.nii", "-o", "out", "--shard", "1/2", "--report", "a.html"]
    assert main(["predict", str(model), *arguments]) == 2
    assert "--report with --shard" in error_line(capsys)
    assert list(tmp_path.iterdir()) == []
