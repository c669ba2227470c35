"""Sides: right and left behind a network that knows one of them."""

import numpy as np
import pytest

from medzoo.inference.sides import (
    published_classes,
    sided_names,
    signed_distance,
    split_sides,
)

# Background, white matter and cortex of two sides, and a brainstem.
CODES = [[0], [81, 82], [100, 101], [35]]
ANCHORS = {"white_matter": [1], "cortex": [2]}


def brain(bend=0.0, shape=(40, 30, 30)):
    """Two hemispheres about a midline that bends to the right, and who is on which."""
    x, y, _ = np.meshgrid(*map(np.arange, shape), indexing="ij")
    across = x - shape[0] / 2 + 0.5
    middle = bend * (y - shape[1] / 2) / shape[1]
    depth = np.abs(across - middle)
    labels = np.select([depth < 4, depth < 15], [2, 1], 0)
    return labels, across.astype("f4"), across > middle


def test_cortex_follows_the_nearer_white_matter_where_the_midline_bends():
    labels, across, right = brain(bend=5.0)

    found = split_sides(labels, across, (1, 1, 1), CODES, **ANCHORS)

    cortex = labels == 2
    plain = np.mean((across > 0)[cortex] != right[cortex])
    wrong = np.mean((found == 100)[cortex] != right[cortex])
    assert plain > 0.1
    # Voxels in the very middle are as near to one side as to the other.
    assert wrong < 0.05
    assert set(np.unique(found)) == {0, 81, 82, 100, 101}


def test_what_has_no_white_matter_follows_a_fitted_plane():
    labels, across, right = brain()
    labels[:, :, 20:] = np.where(labels[:, :, 20:] > 0, 3, 0)
    codes = [[0], [81, 82], [100, 101], [35, 36]]

    found = split_sides(labels, across - 1.5, (1, 1, 1), codes, **ANCHORS)

    inside = labels == 3
    plain = np.mean((across > 1.5)[inside] != right[inside])
    assert np.mean((found == 35)[inside] != right[inside]) < 0.05 < plain


def test_one_side_alone_is_told_by_the_atlas():
    labels, across, _ = brain()
    labels[across < 0] = 0

    found = split_sides(labels, across, (1, 1, 1), CODES, **ANCHORS)

    assert set(np.unique(found)) == {0, 81, 100}


def test_names_are_in_the_order_of_the_codes():
    names, codes = sided_names(["air", "white", "cortex", "stem"], CODES)

    assert names[:3] == ["air", "right white", "left white"]
    assert codes == [0, 81, 82, 100, 101, 35]
    recipe = {"class_names": ["air", "a", "b", "c"], "postprocessing": []}
    assert published_classes(recipe) == (["air", "a", "b", "c"], None)
    step = {"step": "sides", "arguments": {"codes": CODES}}
    recipe["postprocessing"] = [step]
    assert published_classes(recipe)[1] == codes


def test_distances_are_millimetres_to_the_right():
    to_atlas = np.diag([2.0, 1, 1, 1])
    to_atlas[0, 3] = -3.0
    found = signed_distance(to_atlas, (3, 2, 2))
    assert found[:, 0, 0].tolist() == pytest.approx([-3, -1, 1])
