"""cases.csv: read once, checked before any work."""

import pytest

from medzoo.data.cases.targets import target_column, target_value
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import FileFormatError, InputError, MissingFileError

CHANNELS = [{"name": "t1", "required": True}, {"name": "flair", "required": False}]


def table(tmp_path, text):
    path = tmp_path / "cases.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_reads_channels_target_and_asked_columns_alone(tmp_path):
    path = table(
        tmp_path,
        "case_id,t1,flair,age,sex,map\na,x/a.nii,/f/a.nii,31,M,m.nii\nb,b.nii,,,F,\n",
    )
    first, second = read_cases(path, CHANNELS, target="age", columns=["map"])
    assert first.images == {"t1": tmp_path / "x/a.nii", "flair": first.images["flair"]}
    assert str(first.images["flair"]) == "/f/a.nii"
    assert (first.target, second.target) == ("31", None)
    assert first.path("map") == tmp_path / "m.nii"
    assert second.path("map") is None
    assert list(second.images) == ["t1"]


def test_byte_order_mark_of_spreadsheets_is_no_part_of_a_name(tmp_path):
    path = table(tmp_path, b"\xef\xbb\xbfcase_id,t1\na,a.nii\n")
    assert read_cases(path, CHANNELS)[0].case_id == "a"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("case_id,t1\na,a.nii\na,b.nii\n", "unique"),
        ("case_id,t1\n../a,a.nii\n", "case_id"),
        ("case_id,t1\n..,a.nii\n", "case_id"),
        ("case_id,t1\n,a.nii\n", "case_id"),
        (f"case_id,t1\n{'a' * 129},a.nii\n", "case_id"),
        ("case_id,image\na,a.nii\n", "t1"),
        ("case_id,t1\n", "at least one row"),
        ("", "columns"),
    ],
)
def test_malformed_tables_are_refused_in_one_line(tmp_path, text, word):
    with pytest.raises(InputError, match=word) as caught:
        read_cases(table(tmp_path, text), CHANNELS)
    assert "\n" not in str(caught.value)
    assert "cases.csv" in str(caught.value)


def test_missing_target_column_is_refused(tmp_path):
    with pytest.raises(InputError, match="age"):
        read_cases(table(tmp_path, "case_id,t1\na,a.nii\n"), CHANNELS, target="age")


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(MissingFileError):
        read_cases(tmp_path / "none.csv", CHANNELS)
    with pytest.raises(FileFormatError):
        read_cases(table(tmp_path, b"case_id,t1\n\xff\xfe\x00,a\n"), CHANNELS)


def regression(**changes):
    return {"task": "regression", "name": "m", "target": {"column": "age"}, **changes}


@pytest.mark.parametrize("cell", ["forty", "nan", "inf", "4,5"])
def test_target_of_a_regression_must_be_a_finite_number(tmp_path, cell):
    path = table(tmp_path, f'case_id,t1,age\na,a.nii,"{cell}"\n')
    (case,) = read_cases(path, CHANNELS, target="age")
    with pytest.raises(InputError, match="case a"):
        target_value(case, regression())


def test_target_of_a_classification_is_the_index_of_its_class(tmp_path):
    path = table(tmp_path, "case_id,t1,sex\na,a.nii,M\nb,b.nii,female\nc,c.nii,x\n")
    cases = read_cases(path, CHANNELS, target="sex")
    recipe = {
        "task": "classification",
        "class_names": ["female", "male"],
        "target": {"column": "sex", "values": {"F": "female", "M": "male"}},
    }
    assert [target_value(case, recipe) for case in cases[:2]] == [1, 0]
    with pytest.raises(InputError, match="case c"):
        target_value(cases[2], recipe)


def test_target_override_wins_and_codes_are_for_label_maps():
    assert target_column(regression()) == "age"
    assert target_column(regression(), "age_at_scan") == "age_at_scan"
    with pytest.raises(InputError, match="code table"):
        target_column(regression(), "map:codes.csv")
