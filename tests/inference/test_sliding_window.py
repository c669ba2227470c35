import numpy as np
import pytest
from scipy import ndimage

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


def test_what_is_kept_may_be_several_arrays_of_their_own_dtypes():
    x = volume(5, 17, 6, 1)

    def both(blended):
        return blended.argmax(-1).astype(np.uint8), blended.astype(np.float16)

    found, values = sliding_window(twice, x, window_size=(4, 6, 8), finish=both)

    assert (found.dtype, values.dtype) == (np.uint8, np.float16)
    np.testing.assert_array_equal(found, twice(x).argmax(-1))
    np.testing.assert_allclose(values, twice(x), atol=0.01)


def test_pieces_of_a_slab_fit_together(monkeypatch):
    # Pieces of one plane, and a ring that is passed round in the middle of a step.
    monkeypatch.setattr("medzoo.inference.window_answers.PIECE_BYTES", 1)
    x = volume(6, 5, 31, 1)

    found = sliding_window(twice, x, window_size=(4, 4, 7), overlap=0.6)

    np.testing.assert_allclose(found, twice(x), atol=1e-5)


def box_mean(x):
    """The mean of 3^3 voxels: a network whose receptive field is small."""
    return ndimage.uniform_filter(x, (0, 3, 3, 3, 0), mode="constant")


@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_windows_answer_like_the_whole_volume_where_they_see_enough(batch_size):
    x = volume(20, 26, 18, 2)
    whole = box_mean(x[None])[0]

    # A window sees zeros outside, so its edge is wrong, and counts next to nothing
    # where another window has its middle: everywhere but at the volume's own faces.
    found = sliding_window(
        box_mean, x, window_size=(12, 12, 12), overlap=0.5, batch_size=batch_size
    )
    inner = (slice(6, -6),) * 3
    np.testing.assert_allclose(found[inner], whole[inner], atol=0.02)
    inside = sliding_window(box_mean, x, window_size=x.shape[:3], batch_size=batch_size)
    np.testing.assert_allclose(inside, whole, atol=1e-5)


def test_windows_share_out_evenly():
    sizes = []

    def note(batch):
        sizes.append(len(batch))
        return batch

    # Six windows a plane: not four and then four of which two say nothing new.
    x = volume(4, 8, 12, 1)
    sliding_window(note, x, window_size=(4, 4, 4), overlap=0, batch_size=4)
    assert sizes == [2] * 3
    sizes.clear()
    x = volume(8, 12, 40, 1)
    sliding_window(note, x, window_size=(4, 4, 40), overlap=0, batch_size=4)
    assert sizes == [3] * 2


def test_a_mark_does_not_fill_an_empty_window():
    x = np.zeros((12, 4, 4, 2), "f4")
    x[0, 0, 0, 0] = 1
    x[..., 1] = 1
    asked = []

    def one(batch):
        asked.append(1)
        return np.ones((*batch.shape[:4], 2), "f4")

    sliding_window(one, x, window_size=(4, 4, 4), overlap=0, empty=[5, 6])
    assert len(asked) == 1
    # Where nothing differs from place to place, every channel counts.
    sliding_window(one, x[..., 1:], window_size=(4, 4, 4), overlap=0, empty=[5, 6])
    assert len(asked) == 4


def test_a_mark_holds_where_a_small_volume_is_padded():
    x = np.zeros((5, 6, 4, 3), "f4")
    x[2, 2, 2, 0] = 1
    x[..., 1] = 7
    asked = []

    def note(batch):
        asked.append(batch.copy())
        return batch

    sliding_window(note, x, window_size=(6, 6, 6), keep_marks=True)
    sliding_window(note, x, window_size=(6, 6, 6))

    kept, zeros = asked
    assert (kept[..., 1] == 7).all()
    assert kept[..., 0].sum() == 1
    assert (kept[..., 2] == 0).all()
    assert zeros[..., 1].sum() == x[..., 1].sum()
