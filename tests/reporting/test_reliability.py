"""How reliable a prediction is: real warnings count where they belong."""

import numpy as np
import pytest

from medzoo.inference.familiarity import Familiarity, contrast_warnings
from medzoo.inference.prediction import Prediction
from medzoo.reporting.reliability import (
    DOUBTFUL,
    EXPECTED,
    LESS,
    NOTED,
    UNKNOWN,
    accuracy,
    reliability_points,
    verdict,
    worst,
)
from medzoo.spatial.doubt import IMAGE, Doubt
from medzoo.spatial.plausibility import head_doubts, kind_doubts, slice_doubts
from medzoo.volume import Volume

STEP = {"usual": 1.4, "limit": 1.6, "growth": 0.5, "coarsest_mm": 2.6}
RECIPE = {
    "preprocessing": {"spatial": [{"step": "check_head", "arguments": {}}]},
    "postprocessing": [{"step": "familiarity", "arguments": STEP}],
}
NO_HEAD = {"preprocessing": {"spatial": []}, "postprocessing": []}
MEASURED = {
    "metrics": {
        "mean_absolute_error": {"value": 5.18, "unit": "years", "n": 192},
        "mean_error": {"value": 0.1, "n": 192},
    },
    "out_of_scanner": {
        "IXI": {"mean_absolute_error": {"value": 14.5, "ci95": [12.9, 16.1]}}
    },
}


def found(distance=None, factor=1.0, warnings=()):
    known = None
    if distance is not None:
        known = Familiarity(distance, 1.4, 1.6, factor, 2.6)
    return Prediction("regression", "m", familiarity=known, warnings=warnings)


def volume(*spacing):
    return Volume(np.zeros((2, 2, 2), np.uint8), np.diag([*spacing, 1.0]))


def statuses(prediction, spacing=(1, 1, 1), recipe=RECIPE):
    points = reliability_points(prediction, volume(*spacing), recipe)
    return {point.name: point.status for point in points}, points


@pytest.mark.parametrize(
    ("distance", "factor", "status"),
    [
        (1.0, 1.0, EXPECTED),
        # A known scanner on which the model is less certain than over all.
        (1.0, 1.8, LESS),
        (1.5, 1.2, LESS),
        (2.0, 1.4, DOUBTFUL),
        (None, 1.0, UNKNOWN),
    ],
)
def test_the_scanner_counts_by_its_distance(distance, factor, status):
    warnings = ()
    if distance is not None:
        warnings = tuple(contrast_warnings(distance, STEP, factor))
    found_statuses, points = statuses(found(distance, factor, warnings))
    assert found_statuses == {
        "Scanner": status,
        "Kind of image": EXPECTED,
        "Voxel size": EXPECTED,
        "Coverage": EXPECTED,
    }
    if distance is not None:
        assert f"distance {distance:.2f}" in points[0].finding
    assert worst(points) == (EXPECTED if status == UNKNOWN else status)


def test_warnings_about_the_image_count_as_its_kind():
    noise = np.random.default_rng(0).random((32, 32, 32))
    (flat,) = kind_doubts(np.ones((4, 4, 4)), "t1")
    (rough,) = kind_doubts(noise, "t1")
    areas = kind_doubts(np.repeat(np.arange(8.0), 64).reshape(8, 8, 8), "t1")
    for warning in (flat, rough, *areas):
        named, points = statuses(found(1.0, warnings=(warning,)))
        assert named["Kind of image"] == DOUBTFUL, warning
        assert named["Coverage"] == UNKNOWN
        assert "Others" not in named
        assert verdict(points) == (
            "Doubtful (kind of image): it may be far off. Not measured: coverage."
        )


def test_thick_slices_and_coarse_voxels_count_as_voxel_size():
    warnings = tuple(slice_doubts((1, 1, 5), "t1"))
    assert statuses(found(1.0, warnings=warnings), (1, 1, 5))[0]["Voxel size"] == (
        DOUBTFUL
    )
    assert statuses(found(1.0), (1, 1, 3))[0]["Voxel size"] == LESS
    assert statuses(found(), (1, 1, 3))[0]["Voxel size"] == EXPECTED


def test_a_head_that_is_not_whole_counts_as_coverage(head_phantom):
    whole = head_phantom(4.0)
    registered = type("Found", (), {})()
    registered.correlation, registered.scale = 0.9, 0.4
    registered.to_image = np.eye(4)
    doubts = head_doubts(whole, registered, "ixi_t1_4mm", "t1")
    registered.scale, registered.to_image = 1.0, np.diag([2.0, 1.0, 1.0, 1.0])
    doubts += head_doubts(whole, registered, "ixi_t1_4mm", "t1")
    registered.to_image = np.eye(4)
    registered.to_image[2, 3] = 90.0
    doubts += head_doubts(whole, registered, "ixi_t1_4mm", "t1")
    assert len(doubts) == 3
    for warning in doubts:
        named, _ = statuses(found(1.0, warnings=(warning,)))
        assert named["Coverage"] == DOUBTFUL, warning
        assert "Others" not in named
    registered.correlation = 0.1
    (warning,) = head_doubts(whole, registered, "ixi_t1_4mm", "t1")
    assert statuses(found(1.0, warnings=(warning,)))[0]["Kind of image"] == DOUBTFUL


def test_a_model_that_looks_for_no_head_says_so():
    named, points = statuses(found(), recipe=NO_HEAD)
    assert named["Coverage"] == named["Scanner"] == UNKNOWN
    assert verdict(points) == (
        "Nothing that was checked speaks against the prediction. "
        "Not measured: scanner, coverage."
    )


def test_other_warnings_are_counted():
    named, points = statuses(found(1.0, warnings=("dim", "dull")))
    assert named["Others"] == NOTED
    assert points[-1].finding == "2 further warnings, below."
    assert verdict(points).startswith("Nothing that was checked")


def test_a_warning_counts_by_its_kind_and_not_by_its_words():
    words = "the t1 image looks like noise"
    assert statuses(found(1.0, warnings=(words,)))[0]["Kind of image"] == EXPECTED
    told = Doubt("worded in any other way", IMAGE)
    assert statuses(found(1.0, warnings=(told,)))[0]["Kind of image"] == DOUBTFUL


def test_the_accuracy_is_that_of_metrics_json():
    first, *others = accuracy(found(1.0), MEASURED)
    assert first == (
        "Measured mean absolute error: 5.18 years, 192 cases of the scanners of "
        "training. On one left out: 14.5 (95 % interval 12.9 to 16.1) (IXI)."
    )
    assert others == []
    assert len(accuracy(found(1.5), MEASURED)) == 2
    at_home = {**MEASURED, "out_of_scanner": {}}
    assert accuracy(found(2.0), at_home) == [
        "Measured mean absolute error: 5.18 years, 192 cases."
    ]
    assert accuracy(found(), None) == [
        "How accurate the model is was not measured yet."
    ]
