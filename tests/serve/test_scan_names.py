"""Names of uploads: hostile text, of which a suffix and a line to show are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medzoo.data.cases.case import CASE_ID
from medzoo.serve.scan_names import SUFFIXES, case_id_of, shown_name, suffix_of


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("scan.nii.gz", ".nii.gz"),
        ("SCAN.NII", ".nii"),
        ("../../a.zip", ".zip"),
        ("IM0001", ""),
        ("1.2.840.113619.2.5", ""),
        ("notes.txt", None),
        ("scan.hdr", None),
        (".nii.gz", None),
        ("", ""),
        ("..", ""),
    ],
)
def test_suffix(name, suffix):
    assert suffix_of(name) == suffix


@given(st.text(max_size=400))
def test_whatever_is_sent_becomes_safe_text(name):
    shown = shown_name(name)

    assert shown.isprintable()
    assert 0 < len(shown) <= 80
    assert not set(shown) & {"/", "\\"}
    assert shown.strip(".") != ""
    assert CASE_ID.fullmatch(case_id_of(name))
    assert suffix_of(name) in (*SUFFIXES, "", None)


def test_a_long_name_keeps_its_end():
    assert shown_name("x" * 300 + "_T1w.nii.gz").endswith("_T1w.nii.gz")


def test_the_case_is_called_as_the_file():
    assert case_id_of("C:\\scans\\sub-01_T1w.nii.gz") == "sub-01_T1w"
