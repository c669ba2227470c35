"""Attributions add up, regions are what they are, and shuffled weights show."""

import json
import math

import numpy as np
import pytest

from medzoo.errors import GeometryError, InputError
from medzoo.explanation.explain import explain
from medzoo.explanation.population import digest_of
from medzoo.spatial.doubt import MAP
from medzoo.volume import Volume
from tests.explanation.conftest import two_halves


def test_attributions_of_a_value_add_up_to_its_difference_from_the_baseline(age):
    difference = age.answer - age.baseline_answer

    assert age.unit == age.told_unit == "years"
    assert abs(difference) > 1
    assert abs(age.gap) < 0.02 * abs(difference)
    assert age.value == pytest.approx(age.prediction.value, abs=1e-3)


def test_the_map_lies_on_the_scan_and_its_integral_is_that_difference(age, scan):
    assert age.map.shape == scan.shape
    np.testing.assert_array_equal(age.map.affine, scan.affine)
    # The network's grid is twice as coarse: the way back interpolates.
    difference = age.answer - age.baseline_answer
    assert age.integral == pytest.approx(difference, abs=0.1 * abs(difference))


def test_log_odds_of_a_class_add_up_and_are_told_as_a_probability(sex):
    male = sex.prediction.probabilities[sex.target]

    assert (sex.unit, sex.told_unit) == ("log-odds", "probability")
    assert sex.target == sex.prediction.label
    assert sex.value == pytest.approx(male, abs=1e-4)
    assert sex.answer == pytest.approx(math.log(male / (1 - male)), abs=1e-3)
    assert abs(sex.gap) < 0.02 * abs(sex.answer - sex.baseline_answer)


def test_the_other_class_is_explained_the_other_way_round(sex, sex_model, scan):
    other = next(n for n in sex.prediction.probabilities if n != sex.target)
    halves = two_halves(scan)

    found = explain(sex_model, scan, target=other, regions=halves, steps=8)

    assert found.value == pytest.approx(1 - sex.value, abs=1e-4)
    assert found.answer == pytest.approx(-sex.answer, abs=1e-3)


def test_regions_are_sorted_and_their_attributions_add_up(age):
    effects = [abs(region.effect) for region in age.regions]
    total = sum(region.attributed for region in age.regions)

    assert {r.name for r in age.regions} == {"outside the brain", "label 1", "label 2"}
    assert effects == sorted(effects, reverse=True)
    assert total == pytest.approx(age.answer - age.baseline_answer - age.gap, abs=1e-3)
    # Twice the field of view of the head, in millilitres.
    assert sum(r.volume_ml for r in age.regions) == pytest.approx(16**3 * 12**3 / 1000)


def test_a_region_that_is_everything_has_the_effect_of_the_whole_scan(age_model, scan):
    everything = scan.with_array(np.ones(scan.shape, np.uint8))
    # Reaches beyond the network's grid, so that nothing is outside.
    wide = np.pad(everything.array, 20, constant_values=1)
    affine = scan.affine.copy()
    affine[:3, 3] -= scan.affine[:3, :3] @ np.full(3, 20)

    found = explain(age_model, scan, regions=Volume(wide, affine), steps=2)

    (region,) = found.regions
    difference = found.answer - found.baseline_answer
    assert region.effect == pytest.approx(difference, abs=1e-2)


def test_shuffled_weights_give_another_map_and_the_same_weights_do_not(age, age_model):
    assert abs(age.random_weights["signed"]) < 0.5
    assert age.warnings == age.prediction.warnings


def test_a_map_that_shuffling_does_not_change_is_warned_of(
    age_model, scan, monkeypatch
):
    from medzoo.explanation.input_gradients import InputGradients

    # As of a method that does not look at the weights.
    monkeypatch.setattr(InputGradients, "randomise", lambda self, seed=0: None)

    found = explain(age_model, scan, regions=two_halves(scan), steps=4)

    assert found.random_weights["signed"] == pytest.approx(1)
    (own,) = [text for text in found.warnings if "shuffled weights" in text]
    content = found.to_dict()
    kinds = dict(zip(content["warnings"], content["warning_kinds"], strict=True))
    assert kinds[own] == MAP


@pytest.mark.parametrize(("steps", "warned"), [(1, True), (32, False)])
def test_too_few_steps_are_warned_of(age_model, scan, steps, warned):
    dark = scan.with_array(scan.array * np.float32(0.05))

    found = explain(
        age_model,
        scan,
        baseline=dark,
        regions=two_halves(scan),
        steps=steps,
        check_randomised=False,
    )

    assert any("steps are too few" in text for text in found.warnings) == warned


def test_another_scan_as_baseline_explains_the_difference_of_both(
    age_model, scan, head_phantom
):
    darker = scan.with_array(scan.array * np.float32(0.8))

    found = explain(age_model, scan, baseline=darker, regions=two_halves(scan))

    other = age_model.predict_volume(darker).value
    assert found.baseline == "the scan to compare with"
    assert found.baseline_value == pytest.approx(other, abs=1e-3)
    assert abs(found.gap) < 0.05 * abs(found.answer - found.baseline_answer)


def test_a_scan_against_itself_has_nothing_to_explain(age_model, scan):
    found = explain(age_model, scan, baseline=scan, regions=two_halves(scan), steps=2)

    assert found.answer == found.baseline_answer
    assert not found.map.array.any()
    assert found.random_weights is None
    assert all(abs(region.effect) < 1e-3 for region in found.regions)


def test_an_explanation_is_plain_json(age, sex):
    for found in (age, sex):
        content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert content["regions"][0]["region"] == found.regions[0].name
        assert content["model"] == "tiny_age@1.2"
        assert content["map_unit"] == f"{found.unit} per ml"


def test_the_model_is_left_as_it_was(age_model, scan):
    before = age_model.get_weights()
    trainable = [layer.trainable for layer in age_model.layers]

    explain(age_model, scan, regions=two_halves(scan), steps=2)

    assert [layer.trainable for layer in age_model.layers] == trainable
    for old, new in zip(before, age_model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "male"}, "Only a class"),
        ({"steps": 0}, "`steps`"),
        ({"steps": True}, "`steps`"),
        ({"regions": "nowhere.nii.gz"}, "`regions`"),
        ({"regions": "ixi_superres_x4"}, "segmentation model"),
    ],
)
def test_what_cannot_be_explained_is_refused(age_model, scan, options, message):
    with pytest.raises(InputError, match=message):
        explain(age_model, scan, **options)


def test_a_class_that_there_is_not_is_refused(sex_model, scan):
    with pytest.raises(InputError, match="class of the model"):
        explain(sex_model, scan, target="cat")


def test_a_label_map_that_lies_elsewhere_is_refused(age_model, scan):
    affine = scan.affine.copy()
    affine[:3, 3] += 5000

    with pytest.raises(GeometryError, match="elsewhere"):
        explain(age_model, scan, regions=two_halves(scan).with_affine(affine))


def test_a_model_of_images_is_refused():
    with pytest.raises(InputError, match="Segmentation models cannot be explained"):
        explain("mrbrains_tissue_unet", "scan.nii.gz")


def test_a_digest_is_that_of_the_preprocessing_alone(age_model):
    recipe = age_model.recipe
    other = {**recipe, "name": "other"}
    changed = {**recipe, "preprocessing": {**recipe["preprocessing"], "layers": []}}

    assert digest_of(other) == digest_of(recipe) != digest_of(changed)


def test_progress_is_told_stage_by_stage_and_may_end_the_work(age_model, scan):
    heard = []
    halves = two_halves(scan)
    explain(
        age_model,
        scan,
        regions=halves,
        steps=9,
        progress=lambda *said: heard.append(said),
    )
    stages = list(dict.fromkeys(stage for stage, _, _ in heard))
    batches = [(done, total) for stage, done, total in heard if stage == "gradients"]

    assert stages == ["reading", "placing", "regions", "gradients"]
    # Two answers, two ways of nine points in batches of eight, three regions.
    assert batches == [(done, 7) for done in range(1, 8)]

    def stop(stage, done, total):
        if stage == "gradients":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explain(age_model, scan, regions=halves, steps=9, progress=stop)
