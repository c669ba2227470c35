"""The same numbers as MONAI, where both compute the same; needs the bench extra."""

import numpy as np
import pytest

from medzoo import losses

pytestmark = pytest.mark.extended
monai = pytest.importorskip("monai.losses")
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 4, (2, 6, 7, 8))
LOGITS = RNG.normal(size=(2, 6, 7, 8, 4)).astype("f4")


def both(ours, theirs, labels=LABELS):
    target = torch.tensor(labels[:, None])
    logits = torch.tensor(LOGITS.transpose(0, 4, 1, 2, 3).copy())
    return float(ours(labels, LOGITS)), float(theirs(logits, target))


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
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("last", [3, 1, 0])
def test_generalized_dice(background, weights, batch, last):
    # The constant that MONAI has by default; classes above `last` are absent.
    ours = losses.GeneralizedDice(background, weights, not batch, smooth=1e-5)
    theirs = monai.GeneralizedDiceLoss(
        include_background=background,
        w_type=weights,
        batch=batch,
        softmax=True,
        to_onehot_y=True,
    )

    found, expected = both(ours, theirs, np.minimum(LABELS, last))

    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("background", [True, False])
def test_dice_with_absent_classes(background):
    ours = losses.Dice(background)
    theirs = monai.DiceLoss(background, softmax=True, to_onehot_y=True)

    found, expected = both(ours, theirs, np.minimum(LABELS, 1))

    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["Dice", "DiceCrossentropy", "GeneralizedDice"])
def test_sigmoid_of_one_channel(name):
    mask, logits = np.minimum(LABELS, 1), LOGITS[..., :1]
    theirs = {
        "Dice": monai.DiceLoss,
        "DiceCrossentropy": monai.DiceCELoss,
        "GeneralizedDice": monai.GeneralizedDiceLoss,
    }[name](sigmoid=True)
    arguments = {"smooth": 1e-5} if name == "GeneralizedDice" else {}

    found = float(getattr(losses, name)(**arguments)(mask, logits))

    pair = [
        torch.tensor(a.transpose(0, 4, 1, 2, 3).astype("f4"))
        for a in (logits, mask[..., None])
    ]
    assert found == pytest.approx(float(theirs(*pair)), abs=1e-5)


def test_class_weights_are_those_of_monai_over_their_mean():
    weights = [1.0, 2.0, 3.0, 4.0]
    theirs = monai.DiceLoss(softmax=True, to_onehot_y=True, weight=weights)

    found, expected = both(losses.Dice(class_weights=weights), theirs)

    assert found == pytest.approx(expected / np.mean(weights), abs=1e-5)


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
