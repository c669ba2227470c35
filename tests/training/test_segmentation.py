"""Segmentation from cases to label files: patches, training, prediction, measures."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import nibabel
import numpy as np
import pytest

import medzoo
from medzoo.batch.predict import predict
from medzoo.cli.main import main
from medzoo.data.feeds.patch_dataset import PatchDataset
from medzoo.data.feeds.segmentation import prepared_cases
from medzoo.datasets.read_cases import read_cases
from medzoo.errors import InputError, RecipeError
from medzoo.evaluation.evaluate import evaluate
from medzoo.io import read
from medzoo.spatial import align, orient
from medzoo.training.segmentation import SegmentationTraining
from medzoo.zoo.load import load
from tests.conftest import without_engines
from tests.training.tissue import (
    NAMES,
    few_batches_for_averages,
    scaled,
    tissue_recipe,
    true_classes,
)

# Patches as they are: augmentation and synthesis are compiled anew for each network.
NOTHING_COMPILED = {"augmentation": [], "options": {"sources": {}}}


def volumes_of(path, recipe):
    cases = read_cases(
        path, recipe["channels"], target="labels", columns=["source", "subject"]
    )
    return prepared_cases(cases, recipe, tables=path.parent)


@pytest.fixture(scope="module")
def patches(tissue_study):
    """The patches of the study; `tissue_model` is trained on them, compiled."""
    recipe = tissue_recipe()
    return PatchDataset(volumes_of(tissue_study, recipe), recipe, seed=4)


@pytest.mark.usefixtures("eagerly")
def test_patches_follow_from_seed_epoch_and_number_alone(patches):
    patches.epoch = 2
    first = patches[3]
    patches.patch(0)
    again = patches[3]
    np.testing.assert_allclose(first[0], again[0], atol=1e-6)
    np.testing.assert_array_equal(first[1], again[1])
    patches.on_epoch_end()
    assert not np.array_equal(patches[3][1], again[1])
    patches.epoch, patches.seed = 2, 5
    assert not np.array_equal(patches[3][1], again[1])


@pytest.mark.usefixtures("eagerly")
def test_patches_mark_missing_channels_and_open_labels(patches):
    data = patches
    data.epoch, data.seed = 0, 4  # another test changes them
    kinds = set()
    for number in range(20):
        image, labels = data.patch(number)
        marks = image[..., 2:]
        assert set(np.unique(marks)) <= {0.0, 1.0}
        assert marks.any()
        # A channel that is marked as missing holds nothing.
        assert not image[..., :2][marks == 0].any()
        assert image.shape == (16, 16, 16, 4)
        count = labels.sum(axis=-1)
        assert set(np.unique(count)) <= {1.0, 2.0}
        if (count == 2).any():
            np.testing.assert_array_equal(
                np.unique(labels[count == 2], axis=0), [[0, 0, 1, 1]]
            )
        kinds.add((tuple(marks[0, 0, 0]), bool((count == 2).any())))
    assert ((1.0, 0.0), True) in kinds
    assert ((1.0, 1.0), False) in kinds


def test_patches_are_balanced_over_classes(tissue_study):
    recipe = tissue_recipe()
    options = recipe["training"]["options"]
    options.update(class_weights=[0, 1, 0, 0], movement=None, margin=0)
    options["sources"] = {"manual": {}, "merged": {"rate": 0}, "map": {"rate": 0}}
    recipe["training"]["augmentation"] = []
    data = PatchDataset(volumes_of(tissue_study, recipe), recipe)
    for number in range(10):
        _, labels = data.patch(number)
        assert labels[..., 1].any()


def test_unknown_source_is_refused(tissue_study):
    recipe = tissue_recipe()
    del recipe["training"]["options"]["sources"]["map"]
    with pytest.raises(RecipeError, match="source='map'"):
        volumes_of(tissue_study, recipe)


def test_training_measures_and_keeps_the_best(tissue_model):
    log = (tissue_model / "log.txt").read_text()
    assert "5 cases for training, 1 for validation" in log
    scores = [float(s) for s in re.findall(r"validation: dice/mean ([0-9.]+)", log)]
    assert len(scores) == 3
    # Measured as it is published, though the moving averages trail far behind.
    assert max(scores) > 0.5
    assert list((tissue_model / "runs/model/tensorboard").iterdir())


def test_prediction_lies_in_the_scans_own_space(tissue_model, head_phantom):
    model = load(tissue_model)
    truth = true_classes(head_phantom, spacing=6.0)
    found = model.predict_volume(scaled(head_phantom(spacing=6.0, skull=False)))
    assert found.labels.shape == truth.shape
    assert (found.labels.array == truth.array).mean() > 0.9
    turned = scaled(head_phantom(spacing=6.0, orientation="PIL", skull=False))
    other = model.predict_volume(turned)
    np.testing.assert_allclose(other.labels.affine, turned.affine)
    back = orient(other.labels, "RAS")
    assert (back.array == found.labels.array).mean() > 0.995
    fine = scaled(head_phantom(spacing=3.0, skull=False))
    finer = model.predict_volume(fine)
    assert finer.labels.shape == fine.shape
    assert finer.volumes_ml["white"] == pytest.approx(
        found.volumes_ml["white"], rel=0.1
    )


def test_probabilities_and_entropy_agree_with_the_labels(tissue_model, head_phantom):
    model = load(tissue_model)
    scan = scaled(head_phantom(spacing=6.0, skull=False))
    found = model.predict_volume(scan, uncertainty="entropy", probabilities=True)
    shares = np.asarray(found.probabilities.array, np.float32)
    np.testing.assert_allclose(shares.sum(-1), 1, atol=0.01)
    assert (shares.argmax(-1) == found.labels.array).mean() > 0.999
    doubt = np.asarray(found.uncertainty.array, np.float32)
    assert 0 <= doubt.min() <= doubt.max() <= 1
    sure = shares.max(-1) > 0.99
    assert doubt[sure].max() < doubt[~sure].mean()
    with pytest.raises(InputError, match="uncertainty"):
        model.predict_volume(scan, uncertainty="dice")
    moved = model.predict_volume(scan, uncertainty="tta")
    np.testing.assert_array_equal(moved.labels.array, found.labels.array)
    assert moved.probabilities is None
    other = np.asarray(moved.uncertainty.array, np.float32)
    assert 0 <= other.min() <= other.max() <= 1.001
    assert np.corrcoef(other.ravel(), doubt.ravel())[0, 1] > 0.5
    assert not np.array_equal(other, doubt)


def test_folder_of_results_is_resumed_by_content(tissue_model, tissue_study, tmp_path):
    scans = [tissue_study.parent / f"m{i}.nii.gz" for i in range(3)]
    out = tmp_path / "out"
    first = predict(tissue_model, scans, out)
    assert [Path(r["output"]).name for r in first] == [p.name for p in scans]
    provenance = json.loads((out / "m0.json").read_text())
    assert provenance["class_names"] == NAMES
    assert provenance["model"] == "tiny_tissue@1.0"
    before = {p.name: p.stat().st_mtime_ns for p in out.glob("*.nii.gz")}
    # One result damaged, one scan replaced: these two are done again.
    (out / "m1.nii.gz").write_bytes(b"")
    copies = tmp_path / "in"
    copies.mkdir()
    for scan in scans:
        (copies / scan.name).write_bytes(scan.read_bytes())
    (copies / "m2.nii.gz").write_bytes(scans[0].read_bytes())
    with pytest.raises(InputError, match="another input"):
        predict(tissue_model, sorted(copies.iterdir()), out)
    again = predict(tissue_model, sorted(copies.iterdir()), out, overwrite=True)
    after = {p.name: p.stat().st_mtime_ns for p in out.glob("*.nii.gz")}
    assert after["m0.nii.gz"] == before["m0.nii.gz"]
    assert after["m1.nii.gz"] != before["m1.nii.gz"]
    assert after["m2.nii.gz"] != before["m2.nii.gz"]
    assert again[2]["volumes_ml"] == again[0]["volumes_ml"]


def test_command_line_writes_one_file_or_a_folder(
    tissue_model, tissue_study, tmp_path, capsys
):
    scan = str(tissue_study.parent / "m0.nii.gz")
    name = str(tissue_model)
    target = tmp_path / "labels.nii.gz"
    arguments = ["predict", name, "--channel", f"t1={scan}", "-o", str(target)]
    assert main([*arguments, "--probabilities", "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["output"] == str(target)
    assert set(record["volumes_ml"]) == set(NAMES[1:])
    assert read(target).array.dtype == np.uint8
    shares = nibabel.load(tmp_path / "labels_probabilities.nii.gz").get_fdata()
    np.testing.assert_allclose(shares.sum(-1), 1, atol=0.01)
    assert main(["predict", name, scan]) == 2
    assert "-o" in capsys.readouterr().err
    two = [scan, str(tissue_study.parent / "m1.nii.gz")]
    assert main(["predict", name, *two, "-o", str(target)]) == 2
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    out = tmp_path / "folder"
    assert main(["predict", name, scan, str(broken), "-o", str(out)]) == 1
    lines = (out / "status.jsonl").read_text().splitlines()
    assert [bool(json.loads(line).get("error")) for line in lines] == [False, True]


def test_any_subset_of_channels_is_an_input(tissue_model, head_phantom, monkeypatch):
    # How they lie to each other is the subject of tests/spatial/test_align.py.
    still = align.Motion(np.eye(4), mm=0.0, degrees=0.0)
    monkeypatch.setattr(align, "motion_between", lambda *_: still)
    model = load(tissue_model)
    scan = scaled(head_phantom(spacing=6.0, skull=False))
    both = model.predict_volume({"t1": scan, "flair": scan})
    alone = model.predict_volume({"flair": scan})
    assert both.labels.shape == alone.labels.shape == scan.shape
    with pytest.raises(InputError, match="channels"):
        model.predict_volume({"t2": scan})


def test_evaluation_measures_the_validation_case(tissue_model, tissue_study):
    found = evaluate(tissue_model, tissue_study)
    assert found["metrics"]["mean_dice"]["n"] == 1
    assert found["metrics"]["dice_white"]["value"] > 0.8
    assert "1 cases of the validation split" in found["protocol"]
    assert found["cost"]["peak_memory_gb"] > 0


def test_evaluation_takes_another_target_and_its_codes(
    tissue_model, tissue_study, tmp_path
):
    table = tmp_path / "other.csv"
    folder = tissue_study.parent
    table.write_text(
        f"case_id,t1,regions\na,{folder / 'm4.nii.gz'},{folder / 'm4_labels.nii.gz'}\n"
    )
    target = f"regions:{folder / 'codes.csv'}"
    with without_engines():
        found = evaluate(tissue_model, table, target=target)
    labels = load(tissue_model).predict_volume(folder / "m4.nii.gz").labels.array
    # Grey matter has the code of white matter there and counts as such.
    true, said = read(folder / "m4_labels.nii.gz").array == 9, labels == 3
    dice = 2 * (true & said).sum() / (true.sum() + said.sum())
    assert found["metrics"]["dice_white"]["value"] == pytest.approx(dice, abs=1e-4)
    assert "dice_grey" not in found["metrics"]


@pytest.mark.usefixtures("eagerly")
def test_fine_tuning_on_own_cases_cross_validates(
    tissue_model, tissue_study, tmp_path, capsys
):
    folder = tissue_study.parent
    table = tmp_path / "own.csv"
    rows = [f"own{i},{folder}/m{i}.nii.gz,{folder}/m{i}_labels.nii.gz" for i in (0, 1)]
    table.write_text("\n".join(["case_id,t1,labels", *rows]) + "\n")
    recipe = json.loads((tissue_model / "recipe.json").read_text())
    recipe["training"].update(epochs=1, steps_per_epoch=2, **NOTHING_COMPILED)
    start = tmp_path / "start"
    start.mkdir()
    (start / "recipe.json").write_text(json.dumps(recipe))
    for name in ("model.weights.h5", "codes.csv"):
        (start / name).write_bytes((tissue_model / name).read_bytes())
    out = tmp_path / "tuned"
    arguments = ["train", str(start), "--cases", str(table), "-o", str(out)]
    with few_batches_for_averages():
        assert main([*arguments, "--fine-tune"]) == 0
    capsys.readouterr()
    folds = json.loads((out / "cross_validation.json").read_text())
    assert sorted(fold["cases"] for fold in folds.values()) == [["own0"], ["own1"]]
    # Two steps from trained weights: nowhere near what a fresh network answers.
    assert all(fold["dice/mean"] > 0.5 for fold in folds.values())
    assert load(out).recipe["weights"]["sha256"] != recipe["weights"]["sha256"]


def test_fit_on_own_cases_with_a_new_head(tissue_model, tissue_study, tmp_path):
    table = tmp_path / "own.csv"
    folder = tissue_study.parent
    table.write_text(
        f"case_id,t1,labels\na,{folder}/m0.nii.gz,{folder}/m0_labels.nii.gz\n"
    )
    codes = tmp_path / "codes.csv"
    # White matter against all else.
    codes.write_text("code,class\n3,1\n")
    model = load(tissue_model, num_classes=2, class_names=["other", "white"])
    head = [layer for layer in model.layers if layer.name.startswith("head")]
    for layer in model.layers:
        layer.trainable = layer in head
    recipe = model.recipe
    recipe["training"].update(steps_per_epoch=20, **NOTHING_COMPILED)
    data = medzoo.dataset(table, recipe, target=f"labels:{codes}", batch_size=2)
    x, y = data[0]
    assert x.shape == (2, 16, 16, 16, 4)
    assert y.shape == (2, 16, 16, 16, 2)
    body = [w.numpy() for layer in model.layers[:8] for w in layer.weights]
    model.compile(keras.optimizers.Adam(0.02), medzoo.losses.DiceCrossentropy())
    before = model.evaluate(data, verbose=0)
    model.fit(data, epochs=2, verbose=0)
    assert model.evaluate(data, verbose=0) < 0.6 * before
    after = [w.numpy() for layer in model.layers[:8] for w in layer.weights]
    for one, other in zip(body, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("eagerly")
def test_a_data_set_in_its_own_layout_is_trained_on(tissue_model, tmp_path, capsys):
    from tests.datasets.test_mrbrains13 import make_layout

    archive = make_layout(tmp_path / "TrainingData")
    recipe = json.loads((tissue_model / "recipe.json").read_text())
    recipe["class_names"] = ["background", *"abcdefgh"]
    recipe["architecture"]["arguments"]["num_classes"] = 9
    recipe["weights"] = None
    recipe["architecture"]["arguments"]["normalization"] = "instance"
    recipe["training"].update(epochs=1, steps_per_epoch=2, **NOTHING_COMPILED)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(recipe))
    out = tmp_path / "out"
    data = ["--data", f"mrbrains13:{archive}"]
    assert main(["train", str(folder), *data, "-o", str(out)]) == 0
    folds = json.loads((out / "cross_validation.json").read_text())
    cases = sorted(fold["cases"][0] for fold in folds.values())
    assert cases == ["mrbrains13-1", "mrbrains13-2"]
    assert load(out).output_shape[-1] == 9
    capsys.readouterr()
    assert main(["train", str(folder), "--data", "adni:x", "-o", str(out)]) == 2
    assert "mrbrains13" in capsys.readouterr().err


def test_a_source_rightly_found_empty_does_not_hide_the_others():
    recipe = SimpleNamespace(recipe={"class_names": ["background", "lesion"]})
    scores = []
    for lesions, controls in ((0.6, 0.0), (0.8, np.nan), (0.9, np.nan)):
        rows = {"patients": [[lesions]], "controls": [[controls]]}
        scores.append(SegmentationTraining._summary(recipe, rows)["dice/mean"])
    assert scores == [0.3, 0.8, 0.9]
    assert SegmentationTraining._summary(recipe, {"a": [[np.nan]]})["dice/mean"] == 1.0
