"""`medzoo preprocess`: results, resuming, and what it never writes over."""

import json
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

import medzoo
from medzoo.cli.main import main
from medzoo.cli.preprocess_command import DEFAULT_STEPS
from medzoo.errors import InputError, MedzooWarning
from medzoo.io.image_files import read_quietly
from medzoo.preprocessing import many_cases, one_case
from medzoo.preprocessing.many_cases import check_apart
from medzoo.preprocessing.steps import (
    STEPS,
    Normalised,
    Step,
    _within,
    background_of,
    normalise,
    parse_steps,
)
from medzoo.spatial.standard_space import standard_space
from medzoo.spatial.transform import Transform
from medzoo.spatial.transform_files import read_transform


@pytest.fixture
def scan(tmp_path, head_phantom):
    path = tmp_path / "in" / "a.nii.gz"
    path.parent.mkdir()
    medzoo.write(head_phantom(5.0, noise=3.0), path)
    return path


def run(scan, out, *further, steps="n4,denoise,zscore"):
    return main(["preprocess", str(scan), "-o", str(out), "--steps", steps, *further])


def test_a_scan_is_normalised_with_numbers_and_a_picture(scan, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(scan, out, "--report", "--json", "--spacing", "6") == 0
    told = json.loads((out / "a.json").read_text())
    assert json.loads(capsys.readouterr().out)[0]["quality"] == told["quality"]
    assert told["quality"]["n4"]["field_range"] >= 0
    numbers = told["quality"]["denoise"]
    assert 0 < numbers["noise_after"] < numbers["noise_before"]
    found = read_quietly(out / "a.nii.gz")
    np.testing.assert_allclose(found.spacing, 6, rtol=1e-3)
    assert abs(found.array.mean()) < 5
    assert (out / "a.png").read_bytes().startswith(b"\x89PNG")
    assert str(scan.parent) not in (out / "a.json").read_text()


def test_what_is_there_is_kept_until_something_changes(scan, tmp_path, capsys):
    out = tmp_path / "out"
    for expected in ("done", "kept"):
        assert run(scan, out, steps="denoise") == 0
        assert f"a: {expected}" in capsys.readouterr().err
    (out / "a.nii.gz").write_bytes(b"damaged")
    assert run(scan, out, steps="denoise") == 0
    assert "a: done" in capsys.readouterr().err
    assert run(scan, out, steps="rescale") == 0
    assert "a: done" in capsys.readouterr().err


def test_nothing_is_written_over_an_input_or_a_strangers_file(scan, tmp_path, capsys):
    before = scan.read_bytes()
    assert run(scan, scan.parent, steps="rescale") == 2
    assert "over no input" in capsys.readouterr().err
    assert scan.read_bytes() == before
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.nii.gz").write_bytes(b"mine")
    assert run(scan, out, steps="rescale") == 2
    assert "did not write" in capsys.readouterr().err
    assert (out / "a.nii.gz").read_bytes() == b"mine"
    assert run(scan, out, "--overwrite", steps="rescale") == 0


def test_results_of_other_steps_do_not_stay_beside_new_ones(scan, tmp_path):
    out = tmp_path / "out"
    assert run(scan, out, "--report", steps="rescale") == 0
    told = json.loads((out / "a.json").read_text())
    assert set(told["outputs"]) == {"image", "picture"}
    # As if an earlier version of the steps had found a mask.
    (out / "a_mask.nii.gz").write_bytes((out / "a.nii.gz").read_bytes())
    told["outputs"]["mask"] = {"file": "a_mask.nii.gz", "sha256": "0"}
    (out / "a.json").write_text(json.dumps(told))
    assert run(scan, out, steps="zscore") == 0
    told = json.loads((out / "a.json").read_text())
    assert set(told["outputs"]) == {"image"}
    assert not (out / "a_mask.nii.gz").exists()
    assert not (out / "a.png").exists()
    assert run(scan, out, "--report", steps="zscore") == 0
    assert (out / "a.png").exists()


def test_a_run_that_was_killed_is_taken_up_again(scan, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(one_case, "_hashes", killed)
        assert run(scan, out, steps="rescale") == 130
    assert (out / "a.nii.gz").exists()
    capsys.readouterr()
    assert run(scan, out, steps="rescale") == 0
    assert "a: done" in capsys.readouterr().err
    assert run(scan, out, steps="rescale") == 0
    assert "a: kept" in capsys.readouterr().err


def test_the_result_of_another_scan_is_not_replaced(
    scan, tmp_path, head_phantom, capsys
):
    out, other = tmp_path / "out", tmp_path / "other" / "a.nii.gz"
    assert run(scan, out, steps="rescale") == 0
    other.parent.mkdir()
    medzoo.write(head_phantom(5.0, noise=9.0), other)
    before = (out / "a.nii.gz").read_bytes()
    assert run(other, out, steps="rescale") == 2
    assert "another input" in capsys.readouterr().err
    assert (out / "a.nii.gz").read_bytes() == before
    assert run(other, out, "--overwrite", steps="rescale") == 0
    # The same place, exported again.
    medzoo.write(head_phantom(5.0, noise=3.0), other)
    assert run(other, out, steps="rescale") == 0


def test_places_that_cannot_be_are_told_before_any_work(scan, tmp_path, capsys):
    assert run(tmp_path / "none.nii.gz", tmp_path / "out", steps="rescale") == 2
    assert "A scan must exist" in capsys.readouterr().err
    with pytest.raises(InputError, match="over no input"):
        check_apart([("a", str(tmp_path / "dicom"), str(tmp_path / "dicom" / "a"))])


def test_a_process_that_the_system_ended_is_an_error_of_its_case():
    done = Future()
    done.set_exception(BrokenProcessPool("killed"))
    assert "--jobs 1" in many_cases._result(done, "a")["error"]


def test_the_dark_stays_dark_on_every_scale(head_phantom):
    head = head_phantom(5.0, noise=1.0)
    scaled = head.with_array((head.array - head.array.mean()) / head.array.std())
    dark = background_of(scaled)
    assert dark == pytest.approx(np.percentile(scaled.array, 5), abs=0.1)
    assert background_of(head.with_array(np.abs(head.array))) == 0
    mask = head.with_array(head.array > 90)
    found = _within(mask, scaled).array
    assert (found[~mask.array] == np.float32(dark)).all()


def test_one_bad_case_of_a_table_does_not_stop_the_other(scan, tmp_path, capsys):
    table = tmp_path / "cases.csv"
    table.write_text("case_id,t1\ngood,in/a.nii.gz\nbad,in/b.nii.gz\nnone,\n")
    (scan.parent / "b.nii.gz").write_bytes(b"no image")
    out = tmp_path / "out"
    arguments = ["preprocess", "--cases", str(table), "-o", str(out), "--jobs", "1"]
    assert main([*arguments, "--steps", "rescale"]) == 1
    err = capsys.readouterr().err
    assert "good: done" in err
    assert "1 cases without t1 left out" in err
    assert "bad: error" in err
    assert (out / "good.nii.gz").exists()
    assert not (out / "bad.nii.gz").exists()


def test_scans_of_a_bids_tree_become_a_derivative(tmp_path, head_phantom, capsys):
    for label in ("01", "02"):
        path = tmp_path / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        medzoo.write(head_phantom(6.0), path)
    (tmp_path / "dataset_description.json").write_text(
        '{"Name": "two heads", "BIDSVersion": "1.9.0"}'
    )
    arguments = ["preprocess", "--bids", str(tmp_path), "--steps", "rescale"]
    assert main([*arguments, "--participant-label", "02", "--jobs", "1"]) == 0
    folder = tmp_path / "derivatives" / "medzoo-preprocess"
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.nii.gz"))
    assert found == ["sub-02/anat/sub-02_desc-preproc_T1w.nii.gz"]
    assert (folder / "dataset_description.json").is_file()
    assert main([*arguments, "--bids-filter", "run=3"]) == 2
    assert "Check --contrast and --bids-filter" in capsys.readouterr().err


def test_a_series_of_a_dicom_folder_is_chosen(tmp_path, capsys):
    pytest.importorskip("highdicom")
    from tests.io.dicom.conftest import Maker

    maker = Maker(tmp_path / "archive")
    for number in (1, 2):
        head = np.full((12, 16, 14), 100 * number, np.uint16)
        head[3:9, 4:12, 3:11] += 50
        maker.series(str(number), voxels=head, spacing=(6.0, 6.0, 6.0), number=number)
    folder, out = str(tmp_path / "archive"), tmp_path / "out"
    arguments = ["preprocess", folder, "-o", str(out), "--steps", "rescale"]
    assert main(arguments) == 2
    assert "--series" in capsys.readouterr().err
    assert main([*arguments, "--series", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told[0]["source"] == "archive#2"
    assert (out / "archive.nii.gz").is_file()


def test_two_cases_at_once_give_what_one_gives(scan, tmp_path, head_phantom):
    medzoo.write(head_phantom(5.0, noise=5.0), scan.parent / "c.nii.gz")
    scans = [str(scan), str(scan.parent / "c.nii.gz")]
    for jobs in ("1", "2"):
        out = ["-o", str(tmp_path / jobs), "--jobs", jobs, "--steps", "denoise"]
        assert main(["preprocess", *scans, *out]) == 0
    for name in ("a", "c"):
        first, second = (
            read_quietly(tmp_path / jobs / f"{name}.nii.gz").array for jobs in "12"
        )
        np.testing.assert_array_equal(first, second)


def test_a_registered_scan_lies_in_the_standard_space(tmp_path):
    space = standard_space()
    moved = np.eye(4)
    moved[:3, 3] = 10, -6, 4
    path = tmp_path / "h.nii.gz"
    medzoo.write(space.head.with_affine(moved @ space.head.affine), path)
    out = tmp_path / "out"
    steps = "register=mni:affine,deface"
    assert run(path, out, "--spacing", "2", steps=steps) == 0
    told = json.loads((out / "h.json").read_text())
    assert told["quality"]["register"]["correlation"] > 0.98
    assert told["quality"]["deface"]["removed_ml"] > 50
    assert any("no guarantee" in text for text in told["warnings"])
    found = read_quietly(out / "h.nii.gz")
    assert found.shape == space.head.shape
    inside = space.mask.array
    correlation = np.corrcoef(found.array[inside], space.head.array[inside])[0, 1]
    assert correlation > 0.97
    transform = read_transform(out / "h_transform.h5")
    np.testing.assert_allclose(transform.points([[0, 0, 0]]), [[10, -6, 4]], atol=1)


def test_a_head_that_was_only_moved_loses_its_own_face(monkeypatch):
    from medzoo.preprocessing import steps

    space = standard_space()
    asked = []

    def found(volume, *_, **__):
        asked.append(volume)
        return Transform([np.eye(4)])

    monkeypatch.setattr(steps, "register", found)
    for has_standard_size in (True, False):
        state = Normalised(space.head, transform=Transform([np.eye(4)]))
        state.has_standard_size = has_standard_size
        with pytest.warns(MedzooWarning, match="no guarantee"):
            STEPS["deface"].run(state, None)
    # The planes are about the average head's face: one of another size is fitted.
    assert len(asked) == 1


def test_the_brain_is_looked_for_in_t1s_alone(scan, tmp_path, capsys):
    assert run(scan, tmp_path / "out", "--contrast", "t2", steps="strip") == 2
    assert "The brain is found in T1s" in capsys.readouterr().err
    assert run(scan, tmp_path / "out", "--contrast", "t2", steps="whitestripe") == 2
    assert "brightest tissue of T1s" in capsys.readouterr().err


def test_options_that_choose_nothing_are_refused(scan, tmp_path, capsys):
    table = tmp_path / "cases.csv"
    table.write_text("case_id,t1\na,in/a.nii.gz\n")
    out = ["-o", str(tmp_path / "out")]
    assert main(["preprocess", "--cases", str(table), "--series", "3", *out]) == 2
    assert "FOLDER#SERIES" in capsys.readouterr().err
    for command in ("preprocess", "predict ixi_age_resnet"):
        arguments = [*command.split(), str(scan), "--participant-label", "01", *out]
        assert main(arguments) == 2
        assert "choose from a BIDS tree" in capsys.readouterr().err


def test_every_step_tells_a_number(head_phantom):
    head = head_phantom(5.0, noise=3.0)
    for step in ("denoise", "zscore", "whitestripe", "rescale", "window"):
        found = normalise(head, step)
        numbers = found.quality[step].values()
        assert len(numbers) == 2
        assert np.isfinite(list(numbers)).all()
        assert found.warnings == []


def test_a_step_that_failed_is_told(head_phantom):
    head = head_phantom(5.0)
    found = normalise(head.with_array(head.array / 1000 - 100), "window")
    assert any("nearly all voxels are alike" in text for text in found.warnings)
    noisy = head_phantom(5.0, noise=70.0)
    found = normalise(noisy, "denoise")
    assert any("rarely as noisy" in text for text in found.warnings)
    space = standard_space()
    state = Normalised(space.brain, transform=Transform([np.eye(4)]))
    with (
        pytest.warns(MedzooWarning, match="no guarantee"),
        pytest.warns(MedzooWarning, match="A face has more"),
    ):
        STEPS["deface"].run(state, None)
    assert state.quality["deface"]["removed_ml"] < 50


def test_steps_are_read_and_refused():
    assert parse_steps("n4, register=mni:rigid") == (
        Step("n4"),
        Step("register", ("mni", "rigid")),
    )
    for text in ("", "n4,n4", "shine", "strip=magic", "register=mni:affine:x", "n4=3"):
        with pytest.raises(InputError):
            parse_steps(text)


def test_the_bias_field_is_estimated_within_the_brain_by_default():
    names = [step.name for step in parse_steps(DEFAULT_STEPS)]
    assert names.index("strip") < names.index("n4")


def test_results_of_two_cases_in_one_place_are_refused():
    with pytest.raises(InputError, match="no other result"):
        check_apart([("a", "x.nii", "out/s"), ("b", "y.nii", "out/s")])


@pytest.mark.parametrize(
    "arguments", [[], ["x.nii"], ["x.nii", "--cases", "c.csv", "-o", "d"]]
)
def test_wrong_use_is_refused(arguments, capsys):
    assert main(["preprocess", *arguments]) == 2
    assert "Received" in capsys.readouterr().err


def test_scans_are_normalised_on_disk(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["preprocess", "a.nii.gz", "-o", "s3://bucket/out"]) == 2
    assert "must be a path on disk" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
