"""One folder of several models, versions and processes: each number under its name."""

import csv
from types import SimpleNamespace

import pytest

from medzoo.batch.case_log import CaseLog, error_line, maker_of
from medzoo.batch.cohort_plan import output_of
from medzoo.batch.earlier_results import EarlierResults
from medzoo.batch.merged_table import MergedTable, merge
from medzoo.batch.model_run import ModelRun
from medzoo.batch.number_output import NumberOutput
from medzoo.batch.status_log import StatusLog, lines_of, writer_name
from medzoo.data.cases.case import Case

TIME = {"now": 1000.0}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Each line a second later than the one before."""

    def tick():
        TIME["now"] += 1
        return TIME["now"]

    monkeypatch.setattr("medzoo.batch.case_log.now", tick)


@pytest.fixture
def cases(tmp_path):
    found = []
    for number in range(4):
        path = tmp_path / f"c{number}.nii"
        path.write_bytes(b"scan %d" % number)
        found.append(Case(path.stem, {"t1": path}))
    return found


def recipe_of(name, version="1.0"):
    facts = {"name": name, "version": version, "task": "regression", "unit": "year"}
    facts["postprocessing"] = []
    return SimpleNamespace(
        name=name,
        version=version,
        weights={"sha256": "0" * 64},
        to_dict=lambda: facts,
    )


def output(folder, recipe, status=None):
    return NumberOutput(CaseLog(recipe, {}, EarlierResults(folder), status))


def run(folder, recipe, cases, base, shard=(1, 1)):
    """What a shard does: its cases, then the table."""
    head = {"recipe": recipe.to_dict(), "time": TIME["now"]}
    numbers = output(folder, recipe, StatusLog(folder, writer_name(shard), head))
    for case in cases[shard[0] - 1 :: shard[1]]:
        if numbers.finished(case) is None:
            value = {"value": base + int(case.case_id[1:]), "unit": "year"}
            numbers.write(case, SimpleNamespace(to_dict=lambda told=value: told))
    recipes = {recipe.name: recipe.to_dict()}
    MergedTable(folder, {recipe.name: folder}, recipes=recipes).write()
    return column(folder, f"{recipe.name}_value")


def column(folder, name):
    with (folder / "cohort.tsv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row.get(name, "n/a").removesuffix(".0") for row in rows]


def test_numbers_of_two_models_in_a_folder_stay_apart(tmp_path, cases):
    out = tmp_path / "out"
    assert run(out, recipe_of("age"), cases, 40) == ["40", "41", "42", "43"]
    # The first of two shards has ended.
    half = run(out, recipe_of("volume"), cases, 1000, (1, 2))
    assert half == ["1000", "n/a", "1002", "n/a"]
    assert column(out, "age_value") == ["40", "41", "42", "43"]
    run(out, recipe_of("volume"), cases, 1000, (2, 2))
    done = [output(out, recipe_of("age")).finished(case) for case in cases]
    assert [record["value"] for record in done] == [40, 41, 42, 43]

    (out / "cohort.tsv").unlink()
    merge(out)
    assert column(out, "age_value") == ["40", "41", "42", "43"]
    assert column(out, "volume_value") == ["1000", "1001", "1002", "1003"]


def test_numbers_of_two_versions_stay_apart(tmp_path, cases):
    out = tmp_path / "out"
    run(out, recipe_of("age", "1.0"), cases, 40)
    half = run(out, recipe_of("age", "1.1"), cases, 50, (1, 2))
    assert half == ["50", "n/a", "52", "n/a"]
    merge(out)
    assert column(out, "age_value") == half
    # Nothing is left to do: the table is that of the version that was asked for.
    assert run(out, recipe_of("age", "1.0"), cases, 40) == ["40", "41", "42", "43"]


def test_an_error_is_newer_than_the_result_before_it(tmp_path, cases):
    out, recipe = tmp_path / "out", recipe_of("age")
    run(out, recipe, cases, 40)
    writer = writer_name((1, 1))
    status = StatusLog(out, writer, {"recipe": recipe.to_dict(), "time": 1e6})
    predictor = SimpleNamespace(
        recipe=recipe,
        options={},
        settings=SimpleNamespace(probabilities=False),
        task=SimpleNamespace(gives_images=False),
    )
    unclear = ModelRun(predictor, cases[1:], problems={"c0": "Several scans fit."})
    numbers = output_of(unclear, out, status)
    numbers.failed(cases[1], "A scan must be whole.")
    made_by = maker_of(recipe, {})
    status.add(error_line("c2", "A case must leave its worker alive.", made_by))

    assert [line["made_by"] for line in lines_of(status.path)[1:]] == [made_by] * 3
    MergedTable(out, {"age": out}).write()
    assert column(out, "age_value") == ["n/a", "n/a", "n/a", "43"]
    assert column(out, "age_error")[0] == "Several scans fit."
    # Of another model it is no error.
    run(out, recipe_of("volume"), cases, 1000)
    assert column(out, "volume_value")[0] == "1000"
