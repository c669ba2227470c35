"""The same numbers as MONAI, where both compute the same; needs the bench extra."""

import numpy as np
import pytest

from medzoo import losses

monai = pytest.importorskip("monai.losses")
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 4, (2, 6, 7, 8))
LOGITS = RNG.normal(size=(2, 6, 7, 8, 4)).astype("f4")


def both(ours, theirs):
    target = torch.tensor(LABELS[:, None])
    logits = torch.tensor(LOGITS.transpose(0, 4, 1, 2, 3).copy())
    return float(ours(LABELS, LOGITS)), float(theirs(logits, target))


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("batch", [True, False])
def test_dice(background, squared, batch):
    ours = losses.Dice(
        include_background=background, squared=squared, per_sample=not batch
    )
    theirs = monai.DiceLoss(
        include_background=background,
        squared_pred=squared,
        batch=batch,
        softmax=True,
        to_onehot_y=True,
    )

    found, expected = both(ours, theirs)

    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("weights", ["square", "simple", "uniform"])
def test_generalized_dice(background, weights):
    # MONAI adds its constant to sums of weighted volumes: hence so small here.
    ours = losses.GeneralizedDice(background, weights)
    theirs = monai.GeneralizedDiceLoss(
        include_background=background,
        w_type=weights,
        softmax=True,
        to_onehot_y=True,
        smooth_nr=0.0,
        smooth_dr=1e-12,
    )

    found, expected = both(ours, theirs)

    assert found == pytest.approx(expected, abs=1e-5)


def test_dice_crossentropy():
    ours = losses.DiceCrossentropy(0.7, 1.3, include_background=False)
    theirs = monai.DiceCELoss(
        include_background=False,
        softmax=True,
        to_onehot_y=True,
        lambda_dice=0.7,
        lambda_ce=1.3,
    )

    found, expected = both(ours, theirs)

    assert found == pytest.approx(expected, abs=1e-5)
