"""Means over cases, and what a merged label counts."""

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.evaluation.regions import measure_regions
from medzoo.evaluation.segmentation import calibration, summary
from medzoo.inference.prediction import Prediction
from medzoo.volume import Volume

KEYS = ("hausdorff_distance_95", "average_surface_distance", "surface_dice")


def row(dice, true_ml, person="p"):
    measured = dict.fromkeys((*KEYS, "absolute_volume_difference"), 1.0)
    measured |= {"dice": dice, "volume_ml": 1.0, "true_volume_ml": true_ml}
    return {"classes": {1: measured}, "person": person}


def test_a_person_without_any_lesion_does_not_hide_the_others():
    rows = [*(row(0.8, 2.0) for _ in range(9)), row(float("nan"), 0.0)]
    found = summary(rows, ["background", "lesion"])
    assert found["mean_dice"]["value"] == found["dice_lesion"]["value"] == 0.8
    assert found["mean_dice"]["n"] == 9
    assert "mean_dice" not in summary([row(float("nan"), 0.0)], ["background", "x"])


def test_scans_of_one_person_are_drawn_together():
    apart, together = (
        [row(dice, 2.0, f"p{n // size}") for n, dice in enumerate(np.arange(12) / 20)]
        for size in (1, 4)
    )
    apart, together = (summary(rows, ["background", "x"]) for rows in (apart, together))
    for name in ("mean_dice", "dice_x"):
        narrow, wide = (np.ptp(found[name]["ci95"]) for found in (apart, together))
        assert wide > 1.4 * narrow
        assert apart[name]["value"] == together[name]["value"]


@pytest.mark.parametrize("merged", [{"3": [1, 2]}, {"3": [1, 2, 3]}])
def test_a_merged_label_counts_its_own_probability(merged):
    shape = (4, 4, 4)
    shares = np.full((*shape, 4), (0.02, 0.03, 0.05, 0.9), np.float32)
    three = Volume(np.full(shape, 3, np.uint8), np.eye(4))
    found = Prediction(
        "segmentation",
        "m",
        labels=three,
        probabilities=three.with_array(shares),
    )
    error = calibration(found, three, merged)["expected_calibration_error"]
    # Sure to 0.98, and right.
    assert error == pytest.approx(0.02, abs=1e-3)


def test_regions_take_no_table_of_codes():
    with pytest.raises(InputError, match="codes of the recipe's step sides"):
        measure_regions(None, {}, [], codes="codes.csv")
