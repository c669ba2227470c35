"""A cohort's table keeps what somebody corrected in it."""

import csv
import json

import pytest

from medzoo.batch.cohort_table import CohortTable
from medzoo.batch.record_columns import columns_of, is_result
from medzoo.batch.row_check import CHECK_COLUMN, check_of, is_changed, with_check
from medzoo.errors import InputError

RECIPES = [{"name": "tiny_age", "version": "1.0", "unit": "years"}]
RECIPES[0]["postprocessing"] = [{"step": "interval", "arguments": {"coverage": 0.9}}]


def written(folder, values, **options):
    table = CohortTable(folder, RECIPES, **options)
    for case_id, value in values.items():
        told = {"case_id": case_id, "value": value, "warnings": ["two  blanks", "-x"]}
        table.add("tiny_age", told, {"age": 31.5, "sex": "F"})
    return table.write()


def test_a_corrected_number_is_not_replaced(tmp_path):
    path = written(tmp_path, {"a": 40.25, "b": 50.0})
    assert written(tmp_path, {"a": 40.25, "c": 30.0}) == path
    text = path.read_text()
    for old, new in (("40.25", "41.25"), ("31.5", "32.5"), ("50.0", "n/a")):
        path.write_text(text.replace(old, new))
        with pytest.raises(InputError, match=r"was changed after.*\(case [ab]\)"):
            written(tmp_path, {"c": 30.0})
        assert path.read_text() == text.replace(old, new)
    assert written(tmp_path, {"b": 50.0}, overwrite=True) == path
    assert written(tmp_path, {"b": 50.0}) == path


def test_a_table_of_an_earlier_version_is_gone_on_with(tmp_path):
    path = written(tmp_path, {"a": 40.25, "b": 50.0})
    rows = [line.rpartition("\t")[0] for line in path.read_text().splitlines()]
    path.write_text("\n".join(rows) + "\n")
    written(tmp_path, {"c": 30.0})
    with path.open(newline="") as file:
        found = {row["case_id"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert list(found) == ["a", "b", "c"]
    assert all(row[CHECK_COLUMN] == check_of(row) for row in found.values())


@pytest.mark.parametrize(
    ("row", "changed"),
    [
        ({"value": 40.25}, {"value": "40.250"}),
        ({"value": 0.123456789}, {"value": "0.12345679"}),
        ({"value": 40.25}, {"value": " 40.25", "error": ""}),
        ({"unit": "=years"}, {"unit": "'=years"}),
        ({"low": None, "value": 1}, {"value": "1", "low": "n/a"}),
        ({"interval": (1.0, 2)}, {"interval": [1, 2.0]}),
    ],
)
def test_how_a_row_is_written_does_not_count(row, changed):
    check = with_check(row)[CHECK_COLUMN]
    assert not is_changed({**changed, CHECK_COLUMN: check})
    wrong = dict.fromkeys(row, "7")
    assert is_changed({**wrong, CHECK_COLUMN: check})


def test_numbers_below_zero_are_numbers_in_every_run(tmp_path):
    table = CohortTable(tmp_path, [{"name": "code", "version": "1.0"}])
    table.add("code", {"case_id": "a", "embedding": [-0.53, 0.2, -1e-5]})
    table.write()
    # Of a version that quoted them as formulas.
    path = tmp_path / "cohort.tsv"
    path.write_text(path.read_text().replace("-0.53", "'-0.53"))
    for value in (-3.25, -4.5):
        path = written(tmp_path, {"a": value})
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert row["tiny_age_value"] == "-4.5"
    assert [float(row[f"code_embedding_{i}"]) for i in range(3)] == [-0.53, 0.2, -1e-5]
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.read_table(path.with_suffix(".parquet")).to_pylist()[0]
    assert found["code_embedding_0"] == -0.53
    # What a spreadsheet would run is still quoted.
    assert row["tiny_age_warnings"].startswith("two")


def test_results_of_a_model_whose_name_goes_on_stay(tmp_path):
    longer = {**RECIPES[0], "name": "tiny_age_flair", "version": "2.0"}
    table = CohortTable(tmp_path, [longer])
    table.add("tiny_age_flair", {"case_id": "a", "value": 40.0})
    table.write()
    path = written(tmp_path, {"a": 41.0})
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert row["tiny_age_flair_value"] == "40.0"
    assert row["tiny_age_value"] == "41.0"
    told = json.loads((tmp_path / "cohort.json").read_text())
    assert "tiny_age_flair@2.0" in told["tiny_age_flair_value"]["Description"]


def test_every_column_of_a_result_is_known_as_one():
    record = {"case_id": "a", "value": 1.0, "label": "x", "interval": (0.0, 2.0)}
    record |= {"uncertainty": 0.1, "probabilities": {"x": 0.5}, "embedding": [1.0]}
    record |= {"volumes_ml": {"left x": 1.0}, "centiles": {"left x": 50.0}}
    record |= {"warnings": ["w"], "error": "e"}
    columns = columns_of(record)
    assert len(columns) == 11
    assert all(map(is_result, columns))
    assert not is_result("flair_value")
