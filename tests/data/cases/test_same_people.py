"""Rows of one person are of one person, however the table writes it."""

import warnings

import pytest

from medzoo.data.cases.case_table import read_case_table
from medzoo.data.cases.targets import target_value
from medzoo.errors import InputError, MedzooWarning

CHANNELS = [{"name": "t1", "required": True}]


def people(tmp_path, text, target=None):
    path = tmp_path / "cases.csv"
    path.write_text(text, encoding="utf-8")
    return [case.person for case in read_case_table(path, CHANNELS, target=target)]


@pytest.mark.parametrize(
    "names",
    [("1", "1.0"), ("01", "1"), ("P1", "p1"), ("sub-01", "01"), ("007", "7.")],
)
def test_spellings_of_one_name_are_one_person(tmp_path, names):
    one, other = names
    text = f"case_id,t1,subject\na,x.nii,{one}\nb,y.nii,{other}\nc,z.nii,10\n"
    assert people(tmp_path, text) == [one, one, "10"]


@pytest.mark.parametrize(
    "column",
    [
        *("src_subject_id", "record_id", "Patient Nr.", "mrn", "GUID", "Name"),
        *("Pseudonym", "Probandennummer", "Patienten-ID", "code_sujet", "Nº paciente"),
        *("ID soggetto", "被験者番号", "患者ID", "пациент", "Försöksperson"),
    ],
)
def test_a_column_of_people_is_found_whatever_its_language(tmp_path, column):
    text = f"case_id,t1,{column}\na,x.nii,p\nb,y.nii,p\nc,z.nii,q\n"
    assert people(tmp_path, text) == ["p", "p", "q"]


@pytest.mark.parametrize(
    "column",
    ["subject_age", "patient_weight", "session_id", "scanner", "study_id", "site_code"],
)
def test_what_is_said_of_people_is_no_name(tmp_path, column):
    text = f"case_id,t1,{column}\na,x.nii,1\nb,y.nii,1\nc,z.nii,2\n"
    assert people(tmp_path, text) == ["a", "b", "c"]


def test_case_of_the_word_sub_does_not_matter(tmp_path):
    text = "case_id,t1\na,Sub-01_ses-1_T1w.nii\nb,SUB-01_ses-2_T1w.nii\nc,sub-02.nii\n"
    found = people(tmp_path, text)
    assert found[0] == found[1] != found[2]


def test_rows_that_share_a_scan_are_of_one_person(tmp_path):
    text = "case_id,t1,subject\na,x.nii,p\nb,y.nii,q\nc,./x.nii,\nd,z.nii,r\n"
    assert people(tmp_path, text) == ["p", "q", "p", "r"]


def test_rows_without_a_person_are_told(tmp_path):
    # A spreadsheet's merged cells: the name stands in the first row alone.
    text = "case_id,t1,age,subject\na,x.nii,3,p\nb,y.nii,3,\nc,z.nii,4,q\n"
    with pytest.warns(MedzooWarning, match=r"1 empty cells in column subject \(row 3"):
        assert people(tmp_path, text, "age") == ["p", "b", "q"]


def test_columns_that_contradict_each_other_are_told(tmp_path):
    text = (
        "case_id,t1,age,subject,patient_id,rid\n"
        "a,x.nii,3,p,{0},1\n"
        "b,y.nii,3,p,{1},2\n"
        "c,z.nii,4,q,3,3\n"
    )
    with pytest.warns(MedzooWarning, match="columns subject and patient_id"):
        people(tmp_path, text.format(1, 2), "age")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        people(tmp_path, text.format(1, 1), "age")


def test_a_number_with_an_underscore_is_no_age(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text("case_id,t1,age\na,x.nii,3_9\n", encoding="utf-8")
    (case,) = read_case_table(path, CHANNELS, target="age")
    with pytest.raises(InputError, match=r"row 2, column age.*'3_9'"):
        target_value(case, {"name": "x", "unit": "years"})
