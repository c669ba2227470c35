"""A scan that several models register is registered once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.spatial import shared_registration
from medzoo.spatial.register import register
from medzoo.spatial.shared_registration import register_once


@pytest.fixture
def counted(monkeypatch):
    """The registrations that were computed."""
    found = []

    def counting(*arguments):
        found.append(arguments)
        return register(*arguments)

    monkeypatch.setattr(shared_registration, "register", counting)
    shared_registration._PLACES.clear()
    return found


def test_threads_that_ask_at_once_wait_for_one(head_phantom, counted):
    heads = [head_phantom(8.0, noise=1.0, seed=1) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda h: register_once(h, "ixi_t1_4mm"), heads))
    assert len(counted) == 1
    np.testing.assert_array_equal(
        found[2].to_image, register(heads[0], "ixi_t1_4mm").to_image
    )


def test_integers_are_the_same_image_as_their_floats(head_phantom, counted):
    head = head_phantom(8.0)
    whole = head.with_array(head.array.round().astype(np.uint8))
    first = register_once(whole, "ixi_t1_4mm")
    second = register_once(
        whole.with_array(whole.array.astype(np.float32)), "ixi_t1_4mm"
    )
    assert len(counted) == 1
    assert first is second


def test_another_place_or_content_is_registered_anew(head_phantom, counted):
    head = head_phantom(8.0, noise=1.0, seed=1)
    moved = head.with_affine(np.diag([1.0, 1.0, 1.0, 1.0]) @ head.affine)
    register_once(head, "ixi_t1_4mm")
    register_once(moved, "ixi_t1_4mm")
    assert len(counted) == 1
    shift = np.eye(4)
    shift[0, 3] = 5.0
    register_once(head.with_affine(shift @ head.affine), "ixi_t1_4mm")
    register_once(head_phantom(8.0, noise=1.0, seed=2), "ixi_t1_4mm")
    assert len(counted) == 3


def test_a_refusal_is_not_remembered_as_a_result(head_phantom, counted):
    head = head_phantom(8.0)
    flat = head.with_array(np.zeros_like(head.array))
    for _ in range(2):
        with pytest.raises(InputError):
            register_once(flat, "ixi_t1_4mm")
    assert len(counted) == 2
