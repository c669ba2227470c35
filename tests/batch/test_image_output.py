"""No result replaces an input, a file of others, or a result of another input."""

import csv
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.batch.image_output import STATUS_FILE, ImageOutput
from medzoo.batch.table_output import TableOutput
from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.io import read, write
from medzoo.volume import Volume
from tests.batch.conftest import RECIPE

OTHER = SimpleNamespace(**{**vars(RECIPE), "name": "model_b"})


class Answer:
    """What a model answers, as far as an output is concerned."""

    image = None
    probabilities = None
    uncertainty = None
    standard = None
    class_names = ("background", "brain")
    codes = None

    def __init__(self, value=1):
        self.labels = Volume(np.full((4, 4, 4), value, np.uint8), np.eye(4))
        self.value = value

    def to_dict(self):
        return {"volumes_ml": {"brain": float(self.value)}}


def scan(path, value=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    write(Volume(np.full((4, 4, 4), value, np.float32), np.eye(4)), path)
    return Case(path.name.split(".")[0], {"t1": path})


def run(out, *cases, recipe=RECIPE, answer=None, **options):
    output = ImageOutput(out, recipe, list(cases), **options)
    records = []
    for case in cases:
        done = output.finished(case)
        records.append(done or output.write(case, answer or Answer()))
    return [record["output"] for record in records]


def test_a_scan_and_its_side_car_survive_results_in_their_folder(tmp_path):
    case = scan(tmp_path / "sub-01_T1w.nii.gz", 7.0)
    side_car = tmp_path / "sub-01_T1w.json"
    side_car.write_text('{"EchoTime": 0.003}')
    (made,) = run(tmp_path, case)
    assert made == str(tmp_path / "sub-01_T1w_model_a.nii.gz")
    assert read(tmp_path / "sub-01_T1w.nii.gz").array.max() == 7.0
    assert side_car.read_text() == '{"EchoTime": 0.003}'
    provenance = json.loads((tmp_path / "sub-01_T1w_model_a.json").read_text())
    again = ImageOutput(tmp_path, RECIPE, [case])
    assert again.finished(case)["output"] == made
    assert provenance["model"] == "model_a@1.0"


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    case = scan(tmp_path / "a.nii.gz")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"where .*notes\.txt is a file"):
        ImageOutput(tmp_path / "notes.txt" / "b.nii.gz", RECIPE, [case])


@pytest.mark.parametrize("overwrite", [False, True])
def test_one_file_never_replaces_its_input(tmp_path, overwrite):
    case = scan(tmp_path / "a.nii.gz", 7.0)
    link = tmp_path / "link.nii.gz"
    link.symlink_to("a.nii.gz")
    for path in (tmp_path / "a.nii.gz", tmp_path / "x" / ".." / "a.nii.gz", link):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="is an input"):
            ImageOutput(path, RECIPE, [case], overwrite=overwrite)
    assert read(tmp_path / "a.nii.gz").array.max() == 7.0


def test_results_of_scans_of_one_name_do_not_replace_each_other(tmp_path):
    first = scan(tmp_path / "s1" / "T1.nii.gz", 1.0)
    second = scan(tmp_path / "s2" / "T1.nii.gz", 2.0)
    out = tmp_path / "out"
    run(out, first, answer=Answer(1))
    with pytest.raises(InputError, match=r"another input.*--keep-folders"):
        run(out, second, answer=Answer(2))
    assert read(out / "T1.nii.gz").array.max() == 1
    run(out, second, answer=Answer(2), overwrite=True)
    assert read(out / "T1.nii.gz").array.max() == 2


def test_kept_folders_tell_results_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = [scan(tmp_path / s / "T1.nii.gz", i) for i, s in enumerate(("s1", "s2"))]
    for case in cases:
        run(tmp_path / "out", case, keep_folders=True)
    made = sorted(p.relative_to(tmp_path) for p in tmp_path.glob("out/*/*.nii.gz"))
    assert [str(p) for p in made] == ["out/s1/T1.nii.gz", "out/s2/T1.nii.gz"]


def test_a_result_of_another_model_gets_a_name_of_its_own(tmp_path):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    run(tmp_path / "out", case, answer=Answer(1))
    run(tmp_path / "out", case, recipe=OTHER, answer=Answer(2))
    names = sorted(p.name for p in (tmp_path / "out").glob("*.nii.gz"))
    assert names == ["T1.nii.gz", "T1_model_b.nii.gz"]


def test_a_result_that_somebody_corrected_is_kept(tmp_path):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    out = tmp_path / "out"
    run(out, case)
    corrected = out / "T1.nii.gz"
    write(Volume(np.full((4, 4, 4), 9, np.uint8), np.eye(4)), corrected)
    later = os.path.getmtime(out / "T1.json") + 10
    os.utime(corrected, (later, later))
    with pytest.raises(InputError, match="was changed"):
        run(out, case)
    assert read(corrected).array.max() == 9


def test_a_scan_exported_again_to_its_place_is_done_again(tmp_path):
    path = tmp_path / "in" / "T1.nii.gz"
    out = tmp_path / "out"
    run(out, scan(path, 1.0), answer=Answer(1))
    run(out, scan(path, 2.0), answer=Answer(2))
    assert read(out / "T1.nii.gz").array.max() == 2


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b'{"case_id": "T1"',
        b'{"case_id": "T1"}\n',
        b'{"case_id": 3, "outputs": []}\n',
        b'["T1"]\nnull\n7\n',
        b'{"case_id": "T1", "outputs": "x", "made_by": 3, "record": [1]}\n',
        b"[" * 100_000,
    ],
)
def test_a_damaged_status_or_provenance_is_work_to_be_done_again(tmp_path, damage):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    out = tmp_path / "out"
    run(out, case)
    (out / STATUS_FILE).write_bytes(damage)
    (made,) = run(out, case)
    assert read(made).array.max() == 1
    (out / STATUS_FILE).unlink()
    (out / "T1.json").write_bytes(damage)
    # Nobody can tell whose the image is: it is kept.
    (made,) = run(out, case)
    assert made == str(out / "T1_model_a.nii.gz")


@pytest.mark.parametrize("part", ["record", "outputs", "inputs", "made_by"])
def test_a_status_line_without_a_part_is_done_again(tmp_path, part):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    out = tmp_path / "out"
    run(out, case)
    status = out / STATUS_FILE
    line = json.loads(status.read_text())
    for value in (None, 7, "x", [], {}):
        status.write_text(json.dumps({**line, part: value}) + "\n")
        assert ImageOutput(out, RECIPE, [case]).finished(case) is None
    status.write_text(json.dumps(line) + "\n")
    assert ImageOutput(out, RECIPE, [case]).finished(case) is not None


def test_a_half_line_does_not_swallow_the_next(tmp_path):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    out = tmp_path / "out"
    out.mkdir()
    (out / STATUS_FILE).write_bytes(b'{"case_id": "x", "rec')
    run(out, case)
    assert ImageOutput(out, RECIPE, [case]).finished(case) is not None


def test_two_cases_never_become_one_file(tmp_path):
    first = scan(tmp_path / "in" / "a.nii.gz")
    second = scan(tmp_path / "in" / "a_probabilities.nii.gz")
    with pytest.raises(InputError, match="a and a_probabilities"):
        ImageOutput(tmp_path / "out", RECIPE, [first, second], {"probabilities": True})


def test_cases_whose_names_differ_by_case_alone_are_refused(tmp_path):
    cases = [scan(tmp_path / name / f"{name}.nii.gz") for name in ("scan", "Scan")]
    with pytest.raises(InputError, match="upper and lower case") as told:
        ImageOutput(tmp_path / "out", RECIPE, cases)
    assert "cases scan and Scan" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_folders_are_made_and_may_have_a_dot(tmp_path):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    (made,) = run(tmp_path / "new" / "run.2024" / "out", case)
    assert read(made).array.max() == 1


def test_a_full_disk_names_the_result_and_leaves_nothing(tmp_path, monkeypatch):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    output = ImageOutput(tmp_path / "out", RECIPE, [case])

    def full(volume, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("medzoo.io.write", full)
    with pytest.raises(OSError, match=r"out/T1\.nii\.gz"):
        output.write(case, Answer())
    assert list((tmp_path / "out").iterdir()) == []


def record(case_id="T1", value=40.0):
    return {"case_id": case_id, "value": value, "unit": "years"}


def test_a_table_never_replaces_what_was_read(tmp_path):
    case = scan(tmp_path / "T1.nii.gz")
    table = tmp_path / "cases.csv"
    table.write_text("case_id,t1\nT1,T1.nii.gz\n")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="input"):
            TableOutput(table, RECIPE, [case], [table], overwrite=overwrite)
    notes = tmp_path / "notes.csv"
    for text in ("case_id,remark\nT1,blurred\n", "x", "case_id,model\n", "[]", "\0"):
        notes.write_text(text)
        with pytest.raises(InputError, match="no table written by medzoo"):
            TableOutput(notes, RECIPE, [case], [table])
    TableOutput(notes, RECIPE, [case], [table], overwrite=True)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json"])
def test_a_table_is_replaced_by_one_of_the_same_inputs_alone(tmp_path, suffix):
    case = scan(tmp_path / "s1" / "T1.nii.gz", 1.0)
    other = scan(tmp_path / "s2" / "T1.nii.gz", 2.0)
    more = scan(tmp_path / "s2" / "T2.nii.gz", 2.0)
    out = tmp_path / "new" / f"out{suffix}"
    TableOutput(out, RECIPE, [case]).write([record()])
    TableOutput(out, RECIPE, [case, more]).write([record(), record("T2")])
    with pytest.raises(InputError, match="case T2, which is not"):
        TableOutput(out, RECIPE, [case])
    with pytest.raises(InputError, match="another input"):
        TableOutput(out, RECIPE, [other, more])
    with pytest.raises(InputError, match="model_a"):
        TableOutput(out, OTHER, [case, more])


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: [f"{rows[0]},note", f"{rows[1]},keep"],
        lambda rows: [rows[0], f"{rows[1]},keep"],
        lambda rows: [*rows, "# excluded: moved"],
        lambda rows: [*rows, "T1,31"],
    ],
    ids=["a column", "a cell", "a line", "a short row"],
)
def test_a_table_that_somebody_worked_on_is_kept(tmp_path, edit):
    case, out = scan(tmp_path / "T1.nii.gz"), tmp_path / "out.csv"
    TableOutput(out, RECIPE, [case]).write([record()])
    TableOutput(out, RECIPE, [case])
    out.write_text("\n".join(edit(out.read_text().splitlines())) + "\n")
    with pytest.raises(InputError, match=r"did not write|no table|was changed after"):
        TableOutput(out, RECIPE, [case])
    TableOutput(out, RECIPE, [case], overwrite=True)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json"])
def test_a_number_that_somebody_corrected_is_kept(tmp_path, suffix):
    case, out = scan(tmp_path / "T1.nii.gz"), tmp_path / f"out{suffix}"
    found = {**record(value=40.25), "interval": [31.5, 49.0], "warnings": ["a\u2028b"]}
    TableOutput(out, RECIPE, [case]).write([found])
    TableOutput(out, RECIPE, [case]).write([found])
    text = out.read_text(encoding="utf-8")
    for wrong in (text.replace("40.25", "41.25"), text.replace("49.0", "")):
        if suffix == ".json":
            wrong = wrong.replace("31.5,\n   \n", "31.5\n")
        out.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match=r"was changed after.*\(case T1\)"):
            TableOutput(out, RECIPE, [case])
        TableOutput(out, RECIPE, [case], overwrite=True)
    # As a spreadsheet saves it again, nothing has changed.
    out.write_text(text.replace("40.25", "40.2500").replace("49.0", "49"), "utf-8")
    TableOutput(out, RECIPE, [case])


def test_a_table_of_an_earlier_version_has_no_checksums(tmp_path):
    case, out = scan(tmp_path / "T1.nii.gz"), tmp_path / "out.csv"
    TableOutput(out, RECIPE, [case]).write([record()])
    rows = [line.rpartition(",")[0] for line in out.read_text().splitlines()]
    assert "row_check" not in rows[0]
    out.write_text("\n".join(rows) + "\n")
    TableOutput(out, RECIPE, [case])


def test_columns_of_classes_are_medzoos_own(tmp_path):
    case, out = scan(tmp_path / "T1.nii.gz"), tmp_path / "out.csv"
    names = {"class_names": ["label", "=male"]}
    recipe = SimpleNamespace(**{**vars(RECIPE), "to_dict": lambda: names})
    shares = {"label": 0.9, "=male": 0.1}
    found = {"case_id": "T1", "label": "label", "probabilities": shares}
    TableOutput(out, recipe, [case]).write([found])
    TableOutput(out, recipe, [case]).write([found])


def test_another_image_in_memory_is_another_input(tmp_path):
    def in_memory(value):
        volume = Volume(np.full((4, 4, 4), value, np.float32), np.eye(4))
        return Case("scan", {"t1": volume})

    run(tmp_path, in_memory(1.0))
    assert run(tmp_path, in_memory(1.0)) == [str(tmp_path / "scan.nii.gz")]
    with pytest.raises(InputError, match="result of another input"):
        run(tmp_path, in_memory(2.0))


def test_a_pipe_in_the_place_of_a_result_is_not_waited_for(tmp_path):
    case = scan(tmp_path / "T1.nii.gz")
    os.mkfifo(tmp_path / "out.csv")
    with pytest.raises(InputError, match="a device or pipe"):
        TableOutput(tmp_path / "out.csv", RECIPE, [case])
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "T1.json")
    (found,) = run(tmp_path / "out", case)
    assert found == str(tmp_path / "out" / "T1_model_a.nii.gz")


def test_a_status_that_is_no_file_is_refused_before_any_work(tmp_path):
    (tmp_path / "out" / STATUS_FILE).mkdir(parents=True)
    with pytest.raises(InputError, match=r"status\.jsonl, which is none"):
        ImageOutput(tmp_path / "out", RECIPE, [scan(tmp_path / "T1.nii.gz")])


def test_a_spreadsheet_runs_no_cell(tmp_path):
    case = Case("-1", {"t1": tmp_path / "none.nii"})
    out = tmp_path / "out.csv"
    answer = {"case_id": "-1", "value": -3.5, "unit": "=1+1", "error": "@x"}
    TableOutput(out, RECIPE, [case]).write([answer])
    with out.open() as file:
        (row,) = csv.DictReader(file)
    assert row["unit"] == "'=1+1"
    assert row["error"] == "'@x"
    assert float(row["value"]) == -3.5


def test_a_result_in_a_folder_that_was_moved_lies_where_it_is_now(
    tmp_path, monkeypatch
):
    case = scan(tmp_path / "in" / "T1.nii.gz")
    monkeypatch.chdir(tmp_path)
    (made,) = run("out", case)
    assert made == "out/T1.nii.gz"
    # Another study, whose result has the same path seen from its own folder.
    (tmp_path / "out").rename(tmp_path / "moved")
    run("out", scan(tmp_path / "other" / "T1.nii.gz", 5.0), answer=Answer(5))
    output = ImageOutput(tmp_path / "moved", RECIPE, [case])
    assert output.finished(case)["output"] == str(tmp_path / "moved" / "T1.nii.gz")


def test_folders_may_be_those_of_all_cases_where_some_are_done(tmp_path):
    case = scan(tmp_path / "a" / "s1" / "T1.nii.gz")
    folders = {case.case_id: Path("a/s1")}
    (made,) = run(tmp_path / "out", case, keep_folders=folders)
    assert made == str(tmp_path / "out" / "a" / "s1" / "T1.nii.gz")
