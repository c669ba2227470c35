import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from medzoo.metrics import PSNR, SSIM3D

RNG = np.random.default_rng(0)


def number(metric, *arguments):
    metric.update_state(*arguments)
    return float(keras.ops.convert_to_numpy(metric.result()))


def test_psnr_by_hand():
    x = np.zeros((2, 4, 4, 4, 1), "f4")
    y = x + np.array([0.1, 0.01], "f4").reshape(2, 1, 1, 1, 1)

    assert number(PSNR(), x, y) == pytest.approx((20 + 40) / 2, rel=1e-4)
    assert number(PSNR(data_range=10), x, y) == pytest.approx(50, rel=1e-4)
    assert number(PSNR(), x, y, [1.0, 0.0]) == pytest.approx(20, rel=1e-4)
    assert number(PSNR(), x, x) == np.inf


def test_ssim_by_hand_in_one_window():
    x = RNG.uniform(size=(1, 3, 3, 3, 1)).astype("f4")
    y = RNG.uniform(size=(1, 3, 3, 3, 1)).astype("f4")
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    expected = (
        (2 * x.mean() * y.mean() + c1)
        * (2 * covariance + c2)
        / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2))
    )

    found = number(SSIM3D(data_range=2, window_size=3, sigma=None), x, y)

    assert found == pytest.approx(expected, rel=1e-4)


def test_ssim_of_equals_is_one_at_any_level():
    x = RNG.uniform(size=(2, 12, 13, 14, 2)).astype("f4")

    assert number(SSIM3D(), x, x) == pytest.approx(1, abs=1e-6)
    assert number(SSIM3D(data_range=1), x + 1000, x + 1000) == pytest.approx(1)
    noisy = x + 0.3 * RNG.normal(size=x.shape).astype("f4")
    assert 0 < number(SSIM3D(), x, noisy) < 0.9


@pytest.mark.parametrize("make", [PSNR, SSIM3D])
def test_config_round_trip(make):
    arguments = {"data_range": 4.0}
    if make is SSIM3D:
        arguments.update(window_size=7, sigma=2.0, k1=0.02, k2=0.04)
    metric = make(**arguments)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))

    copy = keras.saving.deserialize_keras_object(saved)

    assert saved["registered_name"] == f"medzoo>{make.__name__}"
    assert {k: copy.get_config()[k] for k in arguments} == arguments


def test_works_in_fit():
    inputs = keras.Input((12, 12, 12, 1))
    model = keras.Model(inputs, keras.layers.Conv3D(1, 1)(inputs))
    model.compile("sgd", "mse", metrics=[PSNR(), SSIM3D()])
    x = RNG.uniform(size=(2, 12, 12, 12, 1)).astype("f4")

    history = model.fit(x, x, verbose=0).history

    assert np.isfinite([history["psnr"][0], history["ssim_3d"][0]]).all()


def test_sizes_that_are_not_known_beforehand():
    x = RNG.uniform(size=(2, 12, 13, 14, 2)).astype("f4")
    y = 0.9 * x
    expected, metric = SSIM3D(), SSIM3D()

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, None, 2]),
            tf.TensorSpec(x.shape),
        ]
    )
    def update(a, b):
        metric.update_state(a, b)

    update(x, y)

    found = float(metric.result())
    assert found == pytest.approx(number(expected, x, y), rel=1e-5)


def test_ssim_of_channels_is_their_mean():
    x = RNG.uniform(size=(1, 12, 13, 14, 2)).astype("f4")
    y = np.sqrt(x)
    apart = [number(SSIM3D(), x[..., c : c + 1], y[..., c : c + 1]) for c in (0, 1)]

    assert number(SSIM3D(), x, y) == pytest.approx(np.mean(apart), rel=1e-5)


def test_refuses():
    x = np.zeros((1, 4, 4, 4, 1), "f4")
    with pytest.raises(ValueError, match="Received: data_range=0"):
        PSNR(data_range=0)
    with pytest.raises(ValueError, match="window_size=4"):
        SSIM3D(window_size=4)
    with pytest.raises(ValueError, match=r"y_pred\.shape=\(1, 4, 4, 2, 1\)"):
        PSNR().update_state(x, x[:, :, :, :2])
    with pytest.raises(ValueError, match=r"y_true\.shape=\(1, 4, 4, 4, 1\)"):
        PSNR().update_state(x, np.zeros((2, 4, 4, 4, 1)))
    for weights in (np.ones(2), np.ones((1, 4, 4, 4))):
        with pytest.raises(ValueError, match=r"takes weights \(1,\)\. Received"):
            PSNR().update_state(x, x, weights)
    with pytest.raises(ValueError, match="11 voxels along each axis"):
        SSIM3D().update_state(x, x)
