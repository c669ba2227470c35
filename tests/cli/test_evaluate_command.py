"""What `medzoo evaluate` calls medzoo.evaluate with, and what it refuses."""

import pytest

from medzoo.cli.main import main
from tests.cli.conftest import error_line


def test_evaluate_calls_the_public_function_with_its_flags(given, model):
    found = {"cost": {}, "metrics": {}}
    (source, cases), keywords = given(
        "evaluate", model, "--cases", "c.csv", "--target", "age", "--json",
        "--as-external", "B", "-o", "m.json", gives=found,
    )  # fmt: skip

    assert (source, str(cases)) == (str(model), "c.csv")
    assert keywords["target"] == "age"
    assert keywords["as_external"] == "B"
    assert not keywords["out_of_fold"]
    (_, cases), _ = given("evaluate", model, "--bids", "s", "--json", gives=found)
    assert cases == "bids:s"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--cases"),
        (["--bids", "study", "--data", "wmh:x"], "one of --cases, --bids and --data"),
        (["--out-of-fold", "--target", "age"], "--target"),
        (["--out-of-fold", "--as-external", "other scanner"], "--as-external"),
        (["--out-of-fold", "--cases", "cases.csv"], "exclude each other"),
        (["--out-of-fold", "--cost"], "--cost"),
        (["--repeatability"], "--repeatability"),
    ],
)
def test_evaluate_refuses_what_contradicts_itself(model, arguments, said, capsys):
    assert main(["evaluate", str(model), *arguments]) == 2
    assert said in error_line(capsys)
