"""Records as sentences and tables: nothing is lost, and no interval is misnamed."""

import csv

from medzoo.batch.case_records import sentence, write_records
from medzoo.batch.record_columns import columns_of, meaning_of

RECIPE = {
    "name": "tiny_age",
    "version": "1.2",
    "unit": "years",
    "postprocessing": [
        {"step": "interval", "arguments": {"coverage": 0.5, "lower": -4, "upper": 4}}
    ],
}


def test_classes_named_as_columns_keep_a_column_each(tmp_path):
    shares = {"error": 0.25, "warnings": 0.35, "model": 0.4, "uncertainty": 0.0}
    record = {"case_id": "a", "label": "model", "probabilities": shares}
    record |= {"uncertainty": 0.125, "model": "tiny_sex@1.2", "warnings": ["odd"]}
    path = tmp_path / "out.csv"
    write_records(path, [record])
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert [float(row[f"p({name})"]) for name in shares] == list(shares.values())
    assert row["label"] == "model"
    assert row["model"] == "tiny_sex@1.2"
    assert row["warnings"] == "odd"
    assert row["uncertainty"] == "0.125"
    assert row["error"] == ""


def test_classes_that_differ_in_signs_alone_keep_a_column_each():
    shares = {"F+": 0.25, "F-": 0.75}
    row = columns_of({"case_id": "a", "label": "F-", "probabilities": shares})
    assert row["probability_f"] == 0.25
    assert row["probability_f_2"] == 0.75


def test_an_interval_is_told_with_its_own_coverage():
    record = {"case_id": "a", "value": 45.0, "unit": "years", "interval": [41.0, 49.0]}
    assert "90 % interval" in sentence(record)
    assert "50 % interval 41.0 to 49.0" in sentence({**record, "coverage": 0.5})
    assert "50 % interval" in meaning_of("interval_low", RECIPE)["Description"]


def test_a_line_for_people_tells_no_kinds_of_warnings():
    told = {"warnings": ["looks like noise"], "warning_kinds": ["image"]}

    assert sentence({"case_id": "a", "embedding": [1.5], **told}) == (
        "a: embedding [1.5]"
    )
