"""The same numbers as MONAI, where both compute the same; needs the bench extra."""

import keras
import numpy as np
import pytest

from medzoo import metrics

monai = pytest.importorskip("monai.metrics")
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
SPACING = (1.0, 0.7, 2.5)


def blobs(seed):
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.normal(size=(18, 20, 16)), 2) > 0.02


def as_torch(mask):
    return torch.tensor(mask[None, None].astype("f4"))


@pytest.mark.parametrize("percentile", [95, 100])
def test_hausdorff(percentile):
    a, b = blobs(0), blobs(1)
    expected = monai.compute_hausdorff_distance(
        as_torch(a),
        as_torch(b),
        include_background=True,
        percentile=percentile,
        spacing=list(SPACING),
    )

    found = metrics.hausdorff_distance(a, b, SPACING, percentile)

    assert found == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("symmetric", [True, False])
def test_average_surface_distance(symmetric):
    a, b = blobs(0), blobs(1)
    expected = monai.compute_average_surface_distance(
        as_torch(a),
        as_torch(b),
        include_background=True,
        symmetric=symmetric,
        spacing=list(SPACING),
    )

    found = metrics.average_surface_distance(a, b, SPACING, symmetric)

    assert found == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 3.0])
def test_surface_dice(tolerance):
    a, b = blobs(0), blobs(1)
    expected = monai.compute_surface_dice(
        as_torch(a),
        as_torch(b),
        class_thresholds=[tolerance],
        include_background=True,
        spacing=list(SPACING),
    )

    found = metrics.surface_dice(a, b, SPACING, tolerance)

    assert found == pytest.approx(float(expected), abs=1e-5)


def test_dice_score():
    y, p = RNG.integers(0, 4, (2, 3, 8, 8, 8))
    one_hot = [
        torch.tensor(np.eye(4, dtype="f4")[m].transpose(0, 4, 1, 2, 3).copy())
        for m in (p, y)
    ]
    expected = float(monai.compute_dice(*one_hot, include_background=False).mean())

    metric = metrics.DiceScore(4)
    metric.update_state(y, p)

    assert float(metric.result()) == pytest.approx(expected, abs=1e-5)


def test_psnr_and_ssim():
    x = RNG.uniform(size=(2, 14, 15, 16, 1)).astype("f4")
    y = np.clip(x + 0.1 * RNG.normal(size=x.shape), 0, 1).astype("f4")
    first = [torch.tensor(a.transpose(0, 4, 1, 2, 3).copy()) for a in (y, x)]
    psnr = monai.PSNRMetric(max_val=1.0)
    ssim = monai.SSIMMetric(spatial_dims=3, data_range=1.0)

    for ours, theirs in ((metrics.PSNR(), psnr), (metrics.SSIM3D(), ssim)):
        ours.update_state(x, y)
        found = float(keras.ops.convert_to_numpy(ours.result()))
        assert found == pytest.approx(float(theirs(*first).mean()), rel=1e-5)
