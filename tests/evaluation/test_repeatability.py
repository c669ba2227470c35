"""Repeatability: scans that should be answered alike, and how far they are not."""

import numpy as np
import pytest

import medzoo
from medzoo.batch.predictor import CaseError
from medzoo.data.cases.case import Case
from medzoo.errors import InputError
from medzoo.evaluation.metrics_file import write_cost
from medzoo.evaluation.repeatability import (
    NOISE,
    SHIFT_MM,
    measure_repeatability,
    moved,
    noisy,
)
from medzoo.inference.prediction import Prediction
from medzoo.zoo.cards.card import render_card
from medzoo.zoo.metrics_json import read_metrics
from medzoo.zoo.registry import read_entry, zoo_folder


def scan(level=100.0, shape=(20, 18, 16)):
    x, y, z = np.meshgrid(*map(np.arange, shape), indexing="ij")
    ball = (x - 10) ** 2 + (y - 9) ** 2 + (z - 8) ** 2 < 36
    return medzoo.Volume((level * ball).astype("f4"), np.diag([2.0, 2, 2, 1]))


@pytest.fixture
def cases(tmp_path):
    found = []
    for name, subject, level in (("a", "p1", 100.0), ("b", "p1", 110.0), ("c", "", 90)):
        path = tmp_path / f"{name}.nii.gz"
        medzoo.write(scan(level), path)
        columns = {"subject": subject} if subject else {}
        found.append(Case(name, {"t1": path}, columns=columns))
    return found


def mean_level(case):
    """A model whose answer is the mean of the scan."""
    value = float(np.asarray(case.images["t1"].array).mean())
    return Prediction("regression", "mean@1", value=value, unit="levels")


def test_every_change_and_every_pair_is_compared(cases):
    found = measure_repeatability(mean_level, cases)

    assert list(found) == [
        "noise",
        "shift",
        "coarser_voxels",
        "two scans of one person",
    ]
    levels = [
        mean_level(Case(c.case_id, {"t1": medzoo.read(c.images["t1"])})).value
        for c in cases[:2]
    ]
    pair = found["two scans of one person"]["value"]
    assert pair["value"] == pytest.approx(abs(levels[0] - levels[1]), rel=1e-3)
    assert pair["n"] == 1
    assert pair["unit"] == "levels"
    assert found["noise"]["value"]["n"] == 3
    assert 0 < found["noise"]["value"]["value"] < 0.05 * min(levels)


def test_noise_leaves_stripped_background_and_is_the_size_that_is_said():
    volume = scan()
    changed = np.asarray(noisy(volume, np.random.default_rng(0)).array)
    inside = np.asarray(volume.array) > 0
    assert (changed[~inside] == 0).all()
    assert np.std(changed[inside]) == pytest.approx(NOISE * 100, rel=0.1)


def test_a_shift_moves_the_samples_and_not_the_head():
    volume = scan()
    shifted = moved(volume, None)
    np.testing.assert_allclose(shifted.affine[:3, 3], SHIFT_MM)
    place = [
        np.argwhere(v.array > 50).mean(0) @ v.affine[:3, :3] + v.affine[:3, 3]
        for v in (volume, shifted)
    ]
    np.testing.assert_allclose(*place, atol=0.3)


def test_cases_that_fail_are_left_out_and_none_is_refused(cases):
    def fails_once(case):
        if case.case_id == "a":
            raise CaseError("no")
        return mean_level(case)

    found = measure_repeatability(fails_once, cases)
    assert found["noise"]["value"]["n"] == 2
    assert "two scans of one person" not in found

    def fails(case):
        raise CaseError("no")

    with pytest.raises(InputError, match="none with a prediction"):
        measure_repeatability(fails, cases)


def test_it_joins_the_numbers_of_a_model(tmp_path, cases):
    folder = zoo_folder() / "ixi_age_resnet"
    recipe = read_entry(folder)
    before = read_metrics(folder, recipe)
    path = tmp_path / "metrics.json"
    path.write_text((folder / "metrics.json").read_text())

    found = {"repeatability": measure_repeatability(mean_level, cases)}
    write_cost(path, found, recipe)

    after = read_metrics(tmp_path, recipe)
    assert after["repeatability"] == found["repeatability"]
    assert after["metrics"] == before["metrics"]


def test_a_card_names_the_changes_in_words():
    card = render_card(zoo_folder() / "ixi_age_resnet")
    assert "| coarser voxels | value |" in card
