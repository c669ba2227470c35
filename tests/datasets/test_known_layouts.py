import pytest

from medzoo.datasets.known_layouts import read_layout
from medzoo.errors import InputError, MissingFileError


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


MRBRAINS18 = ("segm.nii.gz", "pre/reg_T1.nii.gz", "pre/reg_IR.nii.gz")
MRBRAINS18 += ("pre/FLAIR.nii.gz", "orig/T1.nii.gz")
WMH = ("wmh.nii.gz", "pre/T1.nii.gz", "pre/FLAIR.nii.gz", "orig/3DT1.nii.gz")


@pytest.mark.parametrize("inner", ["", "training"])
def test_mrbrains18(tmp_path, inner):
    for number in ("1", "14", "4"):
        touch(tmp_path / inner / number, *MRBRAINS18)

    cases = read_layout(f"mrbrains18:{tmp_path}", source="challenge")

    assert [c.case_id for c in cases] == [f"mrbrains18-{n}" for n in (1, 4, 14)]
    folder = tmp_path / inner / "1"
    assert cases[0].images == {
        "t1": folder / "pre/reg_T1.nii.gz",
        "t1_ir": folder / "pre/reg_IR.nii.gz",
        "flair": folder / "pre/FLAIR.nii.gz",
    }
    assert cases[0].folder / cases[0].target == folder / "segm.nii.gz"
    assert cases[0].columns == {"source": "challenge"}


def test_wmh_of_several_sites(tmp_path):
    touch(tmp_path / "training/Utrecht/0", *WMH)
    touch(tmp_path / "training/Singapore/50", *WMH)
    touch(tmp_path / "training/Amsterdam/GE3T/100", *WMH)

    cases = read_layout(f"wmh:{tmp_path}")

    assert [case.case_id for case in cases] == [
        "wmh-Amsterdam-GE3T-100",
        "wmh-Singapore-50",
        "wmh-Utrecht-0",
    ]
    assert cases[2].columns == {"site": "Utrecht"}
    assert sorted(cases[0].images) == ["flair", "t1"]


@pytest.mark.parametrize("layout", ["mrbrains18", "wmh"])
def test_what_has_not_the_layout_is_refused(tmp_path, layout):
    with pytest.raises(MissingFileError, match="must be a folder"):
        read_layout(f"{layout}:{tmp_path / 'nothing'}")
    with pytest.raises(InputError, match="numbered folder"):
        read_layout(f"{layout}:{tmp_path}")
    touch(tmp_path / "1", "pre/FLAIR.nii.gz")
    with pytest.raises(MissingFileError, match="Unpack"):
        read_layout(f"{layout}:{tmp_path}")
