import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.inference.sliding_window import (
    sliding_window,
    window_starts,
    window_weights,
)

RNG = np.random.default_rng(0)


def volume(*shape):
    return RNG.normal(size=shape).astype("f4")


def twice(batch):
    return np.concatenate([2 * batch, batch + 1], -1)


@pytest.mark.parametrize("weighting", ["gaussian", "constant"])
@pytest.mark.parametrize("shape", [(9, 20, 7), (20, 9, 7), (7, 9, 20), (3, 4, 5)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_a_voxelwise_function_comes_back_as_it_is(shape, weighting, overlap):
    x = volume(*shape, 2)

    found = sliding_window(
        twice, x, window_size=(4, 6, 5), overlap=overlap, weighting=weighting
    )

    assert found.shape == (*shape, 4)
    np.testing.assert_allclose(found, twice(x), atol=1e-5)


def test_axes_keep_their_meaning():
    x = volume(6, 18, 5, 1)

    def position(batch):
        assert batch.shape == (2, 4, 6, 5, 1)
        return np.cumsum(np.ones_like(batch), axis=1)

    found = sliding_window(
        position,
        x,
        window_size=(4, 6, 5),
        overlap=0,
        batch_size=2,
        weighting="constant",
    )

    # Windows at 0 and 2 along the first axis: (1), (2), (3 + 1) / 2, (4 + 2) / 2, 3, 4.
    np.testing.assert_allclose(found[:, 7, 2, 0], [1, 2, 2, 3, 3, 4], atol=1e-6)


def test_blending_is_the_weighted_mean():
    x = volume(7, 4, 4, 1)
    calls = []

    def number(batch):
        calls.append(len(calls))
        return np.full(batch.shape, float(calls[-1]))

    found = sliding_window(number, x, window_size=(4, 4, 4), overlap=0.25)

    w = window_weights((4, 4, 4), "gaussian")
    assert calls == [0, 1]
    assert found[0, 0, 0, 0] == 0
    assert found[6, 0, 0, 0] == 1
    np.testing.assert_allclose(
        found[3, 1, 1, 0], w[0, 1, 1] / (w[0, 1, 1] + w[3, 1, 1]), rtol=1e-5
    )


def test_finish_sees_slabs_and_decides_the_result():
    x = volume(30, 6, 6, 1)
    lengths = []

    def largest(blended):
        lengths.append(len(blended))
        return blended.argmax(-1).astype(np.uint8)

    found = sliding_window(twice, x, window_size=(6, 6, 6), overlap=0.5, finish=largest)

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, twice(x).argmax(-1))
    assert sum(lengths) == 30
    assert max(lengths) == 6


def test_empty_windows_are_not_asked():
    x = np.zeros((12, 4, 4, 1), "f4")
    x[0, 0, 0] = 1
    asked = []

    def one(batch):
        asked.append(1)
        return np.ones((*batch.shape[:4], 2), "f4")

    found = sliding_window(
        one, x, window_size=(4, 4, 4), overlap=0, empty=[5, 6], weighting="constant"
    )

    assert len(asked) == 1
    np.testing.assert_array_equal(found[0, 0, 0], [1, 1])
    np.testing.assert_array_equal(found[11, 3, 3], [5, 6])


def test_progress_counts_windows():
    seen = []
    sliding_window(
        twice,
        volume(10, 8, 4, 1),
        window_size=(4, 4, 4),
        overlap=0,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert seen == [(2, 6), (4, 6), (6, 6)]


@pytest.mark.parametrize(
    ("size", "window", "overlap", "starts"),
    [
        (8, 8, 0.5, [0]),
        (9, 8, 0.5, [0, 1]),
        (16, 8, 0.0, [0, 8]),
        (16, 8, 0.5, [0, 4, 8]),
        (10, 1, 0.9, list(range(10))),
    ],
)
def test_window_starts(size, window, overlap, starts):
    assert window_starts(size, window, overlap) == starts


@pytest.mark.parametrize(
    "wrong",
    [
        {"overlap": 1.0},
        {"overlap": -0.1},
        {"weighting": "median"},
        {"batch_size": 0},
        {"window_size": (4, 4)},
        {"window_size": (4, 0, 4)},
    ],
)
def test_refuses(wrong):
    arguments = {"window_size": (4, 4, 4), **wrong}
    with pytest.raises(InputError, match="Received"):
        sliding_window(twice, volume(8, 8, 8, 1), **arguments)
