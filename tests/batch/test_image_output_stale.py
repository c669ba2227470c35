"""What an earlier run left beside a result, and how much work it is to look."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.batch.earlier_results import EarlierResults, Inputs, Source
from medzoo.batch.image_output import ImageOutput
from medzoo.data.cases.case import Case
from medzoo.io import write
from medzoo.volume import Volume
from tests.batch.conftest import RECIPE


def answer(probabilities):
    grid = np.eye(4)
    shares = Volume(np.ones((4, 4, 4, 2), np.float32), grid)
    none = dict.fromkeys(
        ("image", "uncertainty", "standard", "codes", "class_names"), None
    )
    return SimpleNamespace(
        labels=Volume(np.ones((4, 4, 4), np.uint8), grid),
        probabilities=shares if probabilities else None,
        to_dict=lambda: {"volumes_ml": {"brain": 1.0}},
        **none,
    )


@pytest.fixture
def run(tmp_path):
    """A function that predicts on a scan of one value, and gives what is there."""
    path = tmp_path / "in" / "a.nii.gz"
    path.parent.mkdir()

    def predict(value, probabilities=False, out="out"):
        write(Volume(np.full((4, 4, 4), value, np.int16), np.eye(4)), path)
        case = Case("a", {"t1": path})
        options = {"probabilities": probabilities}
        output = ImageOutput(tmp_path / out, RECIPE, [case], options)
        output.write(case, answer(probabilities))
        folder = (tmp_path / "out").iterdir()
        return sorted(p.name for p in folder if p.name != "status.jsonl")

    return predict


@pytest.mark.parametrize("out", ["out", "out/a.nii.gz"])
def test_images_of_an_earlier_scan_do_not_stay_beside_a_result(run, out):
    all_three = ["a.json", "a.nii.gz", "a_probabilities.nii.gz"]
    assert run(1, probabilities=True, out=out) == all_three
    assert run(2, probabilities=True, out=out) == all_three
    assert run(3, out=out) == ["a.json", "a.nii.gz"]


@pytest.mark.parametrize("name", ["a_probabilities.nii.gz", "a_notes.txt", "b.nii.gz"])
def test_what_somebody_changed_or_added_stays(run, tmp_path, name):
    run(1, probabilities=True)
    path = tmp_path / "out" / name
    path.unlink(missing_ok=True)
    path.write_bytes(b"mine")
    assert name in run(2)
    assert path.read_bytes() == b"mine"


def test_looking_for_inputs_is_no_more_work_for_more_of_them(tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.nii.gz" for number in range(50)]
    for path in paths:
        path.touch()
    source = Source("model_a", {}, "place", Inputs(paths))
    earlier = EarlierResults(tmp_path, [])
    calls, stat = [], os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: calls.append(a) or stat(*a, **k))
    other = tmp_path / "other.json"
    other.touch()
    calls.clear()
    assert earlier.obstacle(other, tmp_path / "no.json", source) is not None
    assert len(calls) < 10


def test_an_input_is_known_by_whatever_name(tmp_path):
    scan, link, hard = (tmp_path / name for name in ("scan", "link", "hard"))
    scan.touch()
    link.symlink_to(scan)
    hard.hardlink_to(scan)
    gone = tmp_path / "gone"
    inputs = Inputs([scan, gone, "s3://bucket/a.nii.gz"])
    for path in (scan, link, hard, tmp_path / "x" / ".." / "gone", gone):
        assert inputs.holds(path), path
    (tmp_path / "other").touch()
    assert not inputs.holds(tmp_path / "other")
    assert not inputs.holds(tmp_path / "none")
