"""Tables as spreadsheets, BIDS and DICOM tools write them."""

import pytest

from medzoo.data.cases.case import Case
from medzoo.data.cases.people import bids_subject, counted, plain_age, plain_sex
from medzoo.data.cases.targets import target_value
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import FileFormatError, InputError

CHANNELS = [{"name": "t1", "required": True}]
YEARS = {"task": "regression", "unit": "years", "name": "m"}
SEX = {
    "task": "classification",
    "class_names": ["female", "male"],
    "target": {"column": "sex", "values": {"F": "female", "M": "male"}},
}


def written(tmp_path, text, name="cases.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("case_id;t1;age\na;x.nii;31\n", "cases.csv"),
        ("case_id\tt1\tage\na\tx.nii\t31\n", "cases.csv"),
        ("case_id\tt1\tage\na\tx.nii\t31\n", "cases.tsv"),
        ("case_id, t1, age\na, x.nii, 31\n", "cases.csv"),
        ('case_id, t1, age\na, "x.nii", 31\n', "cases.csv"),
        ("Case_ID,T1,Age\na,x.nii,31\n", "cases.csv"),
        ("case_id,t1,age\r\na,x.nii,31\r\n,,\r\n,,\r\n", "cases.csv"),
        ("case_id,t1,age,,\na,x.nii,31,,\n", "cases.csv"),
        ("case_id,t1,age\na,x.nii,031Y\n", "cases.csv"),
    ],
)
def test_usual_ways_of_writing_are_read_alike(tmp_path, text, name):
    (case,) = read_cases(written(tmp_path, text, name), CHANNELS, target="age")
    assert case.images == {"t1": tmp_path / "x.nii"}
    assert target_value(case, YEARS) == 31.0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('case_id,t1,age\na,"x.nii,31\nb,y.nii,32\n', "uotes"),
        ('case_id,t1,age\na,"x.nii,31\nb,"y.nii,32\n', "uotes"),
        ('case_id,t1,age\na,"x\ny.nii",32\n', "line breaks"),
    ],
)
def test_an_open_quote_does_not_swallow_rows(tmp_path, text, word):
    with pytest.raises(FileFormatError, match=word) as caught:
        read_cases(written(tmp_path, text), CHANNELS, target="age")
    assert "cases.csv" in str(caught.value)
    assert "row" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "case_id,t1,age,age\na,x.nii,31,54\n",
        "case_id,t1,T1,age\na,x.nii,y.nii,31\n",
    ],
)
def test_a_column_that_is_there_twice_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="once"):
        read_cases(written(tmp_path, text), CHANNELS, target="age")


def test_cells_beyond_the_header_are_refused_with_their_row(tmp_path):
    text = "case_id,t1,age\na,x.nii,31\nb,y,z.nii,32\n"
    with pytest.raises(InputError, match="row 3 with 4 cells"):
        read_cases(written(tmp_path, text), CHANNELS)


@pytest.mark.parametrize("cell", ["n/a", "N/A", "NA", ""])
def test_what_is_not_known_is_an_empty_cell(tmp_path, cell):
    text = f"case_id,t1,age\na,x.nii,{cell}\nb,y.nii,40\n"
    first, second = read_cases(written(tmp_path, text), CHANNELS, target="age")
    assert first.target is None
    assert target_value(second, YEARS) == 40.0


@pytest.mark.parametrize("cell", ["-3", "400", "31,5", "old"])
def test_impossible_ages_are_refused_with_row_and_column(tmp_path, cell):
    text = f'case_id,t1,age\na,x.nii,31\nb,y.nii,"{cell}"\n'
    case = read_cases(written(tmp_path, text), CHANNELS, target="age")[1]
    with pytest.raises(InputError, match="row 3, column age, case b"):
        target_value(case, YEARS)


@pytest.mark.parametrize(
    ("cell", "index"), [("F", 0), ("f", 0), ("Female", 0), ("m", 1), ("MALE", 1)]
)
def test_sexes_are_read_however_they_are_written(tmp_path, cell, index):
    text = f"case_id,t1,sex\na,x.nii,{cell}\n"
    (case,) = read_cases(written(tmp_path, text), CHANNELS, target="sex")
    assert target_value(case, SEX) == index


def test_classes_without_a_map_are_found_too(tmp_path):
    recipe = {**SEX, "target": {"column": "sex"}}
    text = "case_id,t1,sex\na,x.nii,F\nb,y.nii,Male\n"
    cases = read_cases(written(tmp_path, text), CHANNELS, target="sex")
    assert [target_value(case, recipe) for case in cases] == [0, 1]


def test_a_sex_that_is_a_number_is_refused_with_row_and_column(tmp_path):
    text = "case_id,t1,sex\na,x.nii,1\n"
    (case,) = read_cases(written(tmp_path, text), CHANNELS, target="sex")
    with pytest.raises(InputError, match=r"row 2, column sex.*'1'"):
        target_value(case, SEX)


@pytest.mark.parametrize(
    "column",
    [
        "subject",
        "participant_id",
        "subject_id",
        "Sub",
        "PatientID",
        "Person",
        "Subject.ID",
        "subj_id",
        "Patient Name",
        "PTID",
        "eid",
        "IXI_ID",
        "ID",
    ],
)
def test_sessions_of_a_person_are_one_persons(tmp_path, column):
    text = f"case_id,t1,{column}\na,x.nii,7\nb,y.nii,7\nc,z.nii,8\n"
    cases = read_cases(written(tmp_path, text), CHANNELS)
    assert [case.person for case in cases] == ["7", "7", "8"]
    assert counted(cases) == "3 scans of 2 people"


def test_bids_names_tell_the_person(tmp_path):
    text = (
        "case_id,t1\n"
        "a,sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz\n"
        "b,sub-01/ses-2/anat/T1w.nii.gz\n"
        "sub-02_ses-1,x.nii\n"
        "d,mysub-03.nii\n"
    )
    cases = read_cases(written(tmp_path, text), CHANNELS)
    assert [case.person for case in cases] == ["sub-01", "sub-01", "sub-02", "d"]
    assert Case("e", {}, columns={"subject": "x"}).person == "x"


def test_words_of_people():
    assert bids_subject("sub-1a/ses-2/sub-1a_T1w.nii") == "sub-1a"
    assert bids_subject("subject-1.nii") is None
    assert [plain_age(t) for t in ("039Y", "018M", "39.5")] == ["39", "1.5", "39.5"]
    assert [plain_sex(t) for t in ("Male", "f", "other")] == ["M", "F", "other"]
