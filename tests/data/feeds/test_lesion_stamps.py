"""LesionStamps: lesions of others where a scan has tissue."""

import numpy as np
import pytest

from medzoo.data.feeds.lesion_stamps import LesionStamps, StampSettings
from medzoo.errors import InputError

WHITE, LESION, GREY = 3, 4, 1
STILL = {"rotation": 0.0, "scale": 0.0, "shift": 0.0, "kept": (1, 1), "masks": (1, 1)}


def settings(**changes):
    given = {
        "source": "masks",
        "label": LESION,
        "tissue": (WHITE,),
        "contrast": ((-0.2, -0.2), (0.5, 0.5)),
    }
    return StampSettings(**{**given, **STILL, **changes})


def mask():
    """A ball of radius 4 at x = 10 mm, symmetric about the midline, and its affine."""
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = (-20, -15, -15)
    place = np.indices((41, 31, 31)).reshape(3, -1).T + affine[:3, 3]
    balls = [np.linalg.norm(place - (x, 0, 0), axis=1) < 4 for x in (10, -10)]
    return np.any(balls, axis=0).reshape(41, 31, 31).astype(np.uint8), affine


def scan():
    labels = np.full((30, 30, 30), WHITE)
    labels[:, :, 20:] = GREY
    return np.ones((30, 30, 30, 2), np.float32), labels


def test_lesions_lie_where_the_mask_has_them_and_only_in_tissue():
    image, labels = scan()
    to_atlas = np.eye(4)
    to_atlas[:3, 3] = (-5, -15, -18)
    stamps = LesionStamps([mask()], settings())

    painted, classes = stamps(image, labels, to_atlas, np.random.default_rng(0))

    found = np.argwhere(classes == LESION) + to_atlas[:3, 3]
    np.testing.assert_allclose(found[:, :2].mean(0), (10, 0), atol=0.3)
    volume = np.count_nonzero(classes == LESION)
    assert 0.5 * 4 / 3 * np.pi * 4**3 < volume < 4 / 3 * np.pi * 4**3
    assert (classes[:, :, 20:] == GREY).all()
    assert (painted[:, :, 20:] == 1).all()
    inside = painted[15, 15, 16]
    np.testing.assert_allclose(inside, (0.8, 1.5), atol=0.05)
    assert (image == 1).all()
    assert (labels != LESION).all()


def test_a_share_of_the_lesions_is_used_and_the_same_for_the_same_draw():
    image, labels = scan()
    many = np.zeros((30, 30, 30), np.uint8)
    many[3:27:6, 3:27:6, 3:18:6] = 1
    stamps = LesionStamps([(np.kron(many, np.ones((1, 1, 1))), np.eye(4))], settings())
    some = LesionStamps([(many, np.eye(4))], settings(kept=(0.3, 0.3)))

    def count(own, seed):
        share = own._stamp(labels.shape, np.eye(4), np.random.default_rng(seed))
        return int(share.sum())

    everything = [count(stamps, seed) for seed in range(8)]
    fewer = [count(some, seed) for seed in range(8)]
    assert 0.15 < sum(fewer) / sum(everything) < 0.5
    first, again = (
        some(image, labels, np.eye(4), np.random.default_rng(3))[1] for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_far_from_the_mask_nothing_is_painted():
    image, labels = scan()
    away = np.eye(4)
    away[:3, 3] = 500
    stamps = LesionStamps([mask()], settings())
    painted, classes = stamps(image, labels, away, np.random.default_rng(0))
    np.testing.assert_array_equal(painted, image)
    np.testing.assert_array_equal(classes, labels)


def test_masks_without_lesions_are_refused():
    with pytest.raises(InputError, match="empty"):
        LesionStamps([(np.zeros((4, 4, 4)), np.eye(4))], settings())
