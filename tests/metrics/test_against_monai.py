"""The same numbers as MONAI, where both compute the same; needs the bench extra."""

import warnings

import keras
import numpy as np
import pytest

from medzoo import metrics

pytestmark = pytest.mark.extended
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


@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize("other", [True, False])
def test_empty_masks(one, other):
    a, b = blobs(0) & one, blobs(1) & other
    pair = as_torch(a), as_torch(b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [
            # Its 95th percentile of infinite distances is NaN, by inf - inf.
            monai.compute_hausdorff_distance(*pair, True, percentile=None),
            monai.compute_average_surface_distance(*pair, True, symmetric=True),
            monai.compute_average_surface_distance(*pair, True),
            monai.compute_surface_dice(*pair, [1.0], True),
        ]
    found = [
        metrics.hausdorff_distance(a, b, 1, percentile=100),
        metrics.average_surface_distance(a, b, 1),
        metrics.average_surface_distance(a, b, 1, symmetric=False),
        metrics.surface_dice(a, b, 1, 1),
    ]

    np.testing.assert_allclose(found, [float(e) for e in expected], rtol=1e-5)


@pytest.mark.parametrize("background", [True, False])
def test_dice_score_where_classes_are_absent(background):
    y, p = RNG.integers(0, 3, (2, 2, 4, 4, 4))
    y[0] = np.minimum(y[0], 1)
    p[0] = np.minimum(p[0], 1)
    one_hot = [
        torch.tensor(np.eye(4, dtype="f4")[m].transpose(0, 4, 1, 2, 3).copy())
        for m in (p, y)
    ]
    theirs = monai.DiceMetric(include_background=background, reduction="mean_batch")
    theirs(*one_hot)
    ours = metrics.DiceScore(4, include_background=background)
    ours.update_state(y, p)

    # MONAI gives 0 for a class that no volume has, where ours is NaN.
    found = np.nan_to_num(keras.ops.convert_to_numpy(ours.per_class()))
    first = 0 if background else 1
    np.testing.assert_allclose(found[first:], theirs.aggregate(), rtol=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"window_size": 7, "sigma": 2.0}, {"win_size": 7, "kernel_sigma": 2.0}),
        ({"window_size": 5, "sigma": None}, {"win_size": 5, "kernel_type": "uniform"}),
        ({"k1": 0.02, "k2": 0.05}, {"k1": 0.02, "k2": 0.05}),
    ],
)
def test_ssim_with_other_windows_and_two_channels(ours, theirs):
    x, y = RNG.uniform(50, 200, (2, 1, 12, 13, 14, 2)).astype("f4")
    y = 0.7 * x + 0.3 * y
    pair = [torch.tensor(a.transpose(0, 4, 1, 2, 3).copy()) for a in (y, x)]
    expected = monai.SSIMMetric(spatial_dims=3, data_range=150.0, **theirs)(*pair)
    metric = metrics.SSIM3D(150.0, **ours)

    metric.update_state(x, y)

    assert float(metric.result()) == pytest.approx(float(expected.mean()), rel=1e-4)


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
        assert found == pytest.approx(float(theirs(*first).mean()), abs=1e-5)
