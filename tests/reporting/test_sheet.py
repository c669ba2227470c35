"""What stands in a report, and what does not."""

import base64
import hashlib
import json
import shutil
import subprocess
from importlib import resources

import numpy as np
import pytest

from medzoo.drawing.palette import class_colours
from medzoo.errors import InputError, MissingFileError
from medzoo.reporting import display as display_module
from medzoo.reporting.sheet import ReportSheet
from medzoo.volume import Volume
from tests.reporting.conftest import CLASSES, TASKS
from tests.reporting.page import Page

CONTENTS = {
    "regression": ("43.2 years", "35.0 to 52.5", "Band: its 90 % interval"),
    "classification": ("male", "75.0 %", "25.0 %"),
    "segmentation": (*CLASSES[1:], "700.0 ml", "350.0 ml", "Opacity of the classes"),
    "reconstruction": ("16 numbers", "result"),
    "super_resolution": ("70 x 88 x 84 voxels of 2.5 x 2.5 x 2.5 mm", "result"),
}
ALWAYS = (
    "phantom",
    "For research, not for diagnosis.",
    "Radiological convention",
    "tiny_age 1.2",
    "0" * 64,
    "CC-BY-SA-3.0",
    "Tests of the zoo.",
    "Heads of adults only.",
    "35 x 44 x 42 voxels of 5 x 5 x 5 mm, axes to LPS",
    "8 x 8 x 8 voxels of 16 x 16 x 16 mm, axes to RAS (resampled)",
    "resample (spacing=16.0)",
    "ZScore",
    "No warnings.",
)


@pytest.mark.parametrize("task", TASKS)
def test_report_of_each_task_is_whole_and_fetches_nothing(page_of, task):
    page = page_of(task)
    assert page.fetched() == []
    for text in (*ALWAYS, *CONTENTS[task]):
        assert text in page.text, text
    panes = 6 if task in ("reconstruction", "super_resolution") else 3
    assert len(page.all("img")) == len(page.all("canvas")) == panes
    assert all(image["alt"] for image in page.all("img"))
    assert len(page.all("input", type="range", min="0")) >= 3
    letters = [a["data-letters"] for a in page.all("figure", **{"class": "view"})]
    assert letters == ["RLAP", "RLSI", "APSI"]


def test_only_the_script_of_the_page_may_run(page_of):
    page = page_of("regression")
    (script,) = page.scripts
    digest = hashlib.sha256(script.encode()).digest()
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy["content"]
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_the_script_is_one_that_browsers_can_read(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = resources.files("medzoo.reporting").joinpath("page.js").read_text("utf-8")
    path = tmp_path / "page.js"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [node, "--check", path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_voxels_of_the_viewer_are_those_of_the_scan_in_ras(page_of, head_phantom):
    volume = head_phantom(5.0, "LPS")
    page = page_of("segmentation", volume=volume)
    ras = volume.array[::-1, ::-1]
    low, high = np.percentile(ras, (1, 99.8))
    wanted = np.clip((ras - low) / (high - low), 0, 1) * 255
    assert np.abs(page.voxels("image") - wanted).max() <= 0.51
    np.testing.assert_array_equal(page.voxels("labels"), np.digitize(ras, (80, 140)))
    (viewer,) = page.all("div", **{"class": "viewer"})
    colours = [tuple(map(int, c.split(","))) for c in viewer["data-colours"].split()]
    assert colours == [tuple(c) for c in class_colours(2)]


def test_scan_and_fine_result_lie_on_one_grid(page_of):
    page = page_of("super_resolution")
    np.testing.assert_array_equal(page.voxels("image"), page.voxels("result"))


def test_what_others_named_is_shown_as_they_wrote_it(tmp_path, recipe_of, case_of):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x07\"'&"
    recipe = recipe_of("segmentation")
    recipe["limits"] = recipe["class_names"][1:] = [evil, "plain"]
    recipe["summary"] = recipe["citation"] = evil
    case, found = case_of(recipe, warnings=(evil,))
    content = {"class_names": ["background", evil, "plain"]}
    content["volumes_ml"] = {evil: 1.0, "plain": 2.0}
    found = type(found)(**{**vars(found), **content})
    sheet = ReportSheet(tmp_path / "a.html", recipe)
    sheet.begin(2)
    for case_id in (evil, "b"):
        sheet.predicted(case_id, {"t1": case.volume}, *case, found)
    page = Page(sheet.write().read_text(encoding="utf-8"))
    assert len(page.scripts) == 1
    assert page.fetched() == []
    assert not any("onerror" in attributes for _, attributes in page.elements)
    # The bell is no character of HTML.
    assert page.text.count(evil.replace("\x07", "\ufffd")) >= 8
    assert "\x07" not in page.source


def test_an_interval_is_shown_with_the_coverage_of_the_recipe(
    tmp_path, recipe_of, case_of
):
    recipe = recipe_of("regression")
    recipe["postprocessing"][0]["arguments"]["coverage"] = 0.8
    case, found = case_of(recipe)
    sheet = ReportSheet(tmp_path / "a.html", recipe)
    sheet.predicted("a", {"t1": case.volume}, *case, found)
    page = Page(sheet.write().read_text(encoding="utf-8"))
    assert "80 % interval" in page.text
    assert "90 %" not in page.text


def test_no_path_of_a_file_is_in_a_report(tmp_path, recipe_of, case_of):
    recipe = recipe_of("regression")
    path = tmp_path / "Doe_Jane_1970" / "T1 scan.nii.gz"
    said = (f"Odd voxels in {path}. Received: file={path}.", "See /data/jdoe/list.csv.")
    case, found = case_of(recipe, warnings=said)
    sheet = ReportSheet(tmp_path / "a.html", recipe)
    sheet.predicted("a", {"t1": path}, *case, found)
    sheet.failed("b", {"t1": path}, f"No such file: 'T1 scan.nii.gz' in {path.parent}")
    sheet.failed("c", {"t1": path}, r"C:\scans\jdoe.nii and \\server\jdoe.nii are odd")
    page = Page(sheet.write().read_text(encoding="utf-8"))
    for text in ("Doe", "jdoe", "T1 scan", str(tmp_path)):
        assert text not in page.source, text
    for text in ("Odd voxels in [t1]. Received: file=[t1].", "See [file].", "are odd"):
        assert text in page.text


def test_a_number_stands_on_those_of_the_training_cases(tmp_path, tiny_age, case_of):
    recipe = json.loads((tiny_age / "recipe.json").read_text())
    case, found = case_of(recipe)
    sheet = ReportSheet(tmp_path / "a.html", recipe, tiny_age)
    sheet.predicted("a", {"t1": case.volume}, *case, found)
    page = Page(sheet.write().read_text(encoding="utf-8"))
    assert "Bars: age of the 40 cases" in page.text
    # Ages 20, 21, ... 59.
    assert "20 to 22.5: 3 cases" in page.text
    assert "22.5 to 25: 2 cases" in page.text
    bars = page.all("rect", **{"class": "cases"})
    assert len(bars) == 16
    assert "secret" not in page.source
    assert "lies outside" not in page.text
    (band,) = page.all("rect", **{"class": "interval"})
    (line,) = page.all("line", **{"class": "value"})
    share = (float(line["x1"]) - float(band["x"])) / float(band["width"])
    assert share == pytest.approx((43.21 - 35.0) / 17.5, abs=1e-3)


def test_a_number_outside_of_training_is_said_to_be(tmp_path, tiny_age, case_of):
    recipe = json.loads((tiny_age / "recipe.json").read_text())
    case, found = case_of(recipe)
    old = type(found)(**{**vars(found), "value": 75.0, "interval": None})
    sheet = ReportSheet(tmp_path / "a.html", recipe, tiny_age)
    sheet.predicted("a", {"t1": case.volume}, *case, old)
    page = Page(sheet.write().read_text(encoding="utf-8"))
    assert "outside the range of the training data (20.0 to 59.0 years)" in page.text


def test_cohort_is_a_table_with_the_case_that_failed(tmp_path, recipe_of, case_of):
    recipe = recipe_of("segmentation")
    sheet = ReportSheet(tmp_path / "a.html", recipe)
    sheet.begin(3)
    case, found = case_of(recipe, warnings=("dim",))
    sheet.predicted("good", {"t1": case.volume}, *case, found)
    sheet.failed("bad", {"t1": "bad.nii"}, "broken")
    case, found = case_of(recipe)
    sheet.predicted("fine", {"t1": case.volume}, *case, found)
    page = Page(sheet.write().read_text(encoding="utf-8"))
    head = ["Picture", "Case", *(f"{n} (ml)" for n in CLASSES[1:]), "Warnings", "Error"]
    assert page.rows[:4] == [
        head,
        ["", "good", "700.0", "350.0", "dim", ""],
        ["", "bad", "", "", "", "broken"],
        ["", "fine", "700.0", "350.0", "", ""],
    ]
    assert len(page.all("button", type="button")) == 5
    assert [a["id"] for a in page.all("details", **{"class": "case"})] == [
        "case-0",
        "case-1",
        "case-2",
    ]
    assert [a["href"] for a in page.all("a")] == ["#case-0", "#case-1", "#case-2"]
    assert len(page.all("div", **{"class": "viewer"})) == 2
    assert "No result. broken" in page.text


def test_a_large_noisy_case_stays_under_four_megabytes(page_of):
    noise = np.random.default_rng(0).random((200, 200, 150), np.float32)
    page = page_of("regression", volume=Volume(noise, np.eye(4)))
    assert 2_500_000 < len(page.source) < 4_000_000
    assert "fewer than it has, for display only" in page.text
    (viewer,) = page.all("div", **{"class": "viewer"})
    extent = [
        int(n) * float(s)
        for n, s in zip(
            viewer["data-shape"].split(), viewer["data-spacing"].split(), strict=True
        )
    ]
    assert extent == pytest.approx([200, 200, 150], rel=1e-3)


def test_many_cases_are_shown_smaller(
    tmp_path, recipe_of, case_of, monkeypatch, head_phantom
):
    monkeypatch.setattr(display_module, "REPORT_BYTES", 1_000_000)
    recipe = recipe_of("regression")
    case, found = case_of(recipe, volume=head_phantom(4.0, noise=40.0))
    sizes = {}
    for count in (1, 15, 40):
        sheet = ReportSheet(tmp_path / "a.html", recipe)
        sheet.begin(count)
        for number in range(2):
            sheet.predicted(f"case{number}", {"t1": case.volume}, *case, found)
        page = Page(sheet.write().read_text(encoding="utf-8"))
        viewers = page.all("div", **{"class": "viewer"})
        sizes[count] = [len(viewer["data-image"]) for viewer in viewers]
    assert max(sizes[15]) <= 1_000_000 / 15 <= 70_000 <= min(sizes[1])
    assert sizes[40] == []
    assert "Middle slices only" in page.text
    assert len(page.all("img")) == 8


@pytest.mark.parametrize("volume", [(1, 1, 1), (400, 2, 3), (2, 3, 1)])
def test_volumes_of_any_shape_are_drawn(page_of, volume):
    array = np.arange(np.prod(volume), dtype=np.int16).reshape(volume)
    page = page_of("regression", volume=Volume(array, np.eye(4)))
    assert page.voxels("image").ndim == 3


def test_a_report_that_cannot_be_written_is_refused_at_once(tmp_path, recipe_of):
    with pytest.raises(InputError, match=r"\.html"):
        ReportSheet(tmp_path / "a.pdf", recipe_of("regression"))
    with pytest.raises(MissingFileError, match="folder"):
        ReportSheet(tmp_path / "no" / "a.html", recipe_of("regression"))
