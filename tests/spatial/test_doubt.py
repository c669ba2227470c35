"""Doubts: text for users, a kind for programs, which copies and files keep."""

import copy
import json
import pickle

import numpy as np
import pytest

from medzoo.inference.prediction import Prediction
from medzoo.spatial.doubt import COVERAGE, IMAGE, Doubt, kind_of, with_kinds
from medzoo.volume import Volume

DOUBT = Doubt("the t1 image looks like noise", IMAGE)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, "pickle"])
def test_a_copy_keeps_text_and_kind(way):
    made = pickle.loads(pickle.dumps(DOUBT)) if way == "pickle" else way(DOUBT)

    assert made == "the t1 image looks like noise"
    assert kind_of(made) == IMAGE


def test_a_volume_hands_it_on():
    volume = Volume(np.zeros((2, 2, 2)), np.eye(4), warnings=[DOUBT, "dim"])
    handed = volume.with_array(np.ones((2, 2, 2))).warnings

    assert list(map(kind_of, handed)) == [IMAGE, None]


def test_json_tells_text_and_kinds_apart_and_both_come_back():
    given = (DOUBT, "dim", Doubt("half a head", COVERAGE))
    found = Prediction("regression", "a@1", value=1.0, unit="years", warnings=given)
    content = json.loads(json.dumps(found.to_dict()))

    assert content["warnings"] == list(given)
    assert content["warning_kinds"] == [IMAGE, None, COVERAGE]
    back = with_kinds(content["warnings"], content["warning_kinds"])
    assert back == given
    assert list(map(kind_of, back)) == [IMAGE, None, COVERAGE]


def test_warnings_without_a_kind_need_no_second_list():
    found = Prediction("regression", "a@1", value=1.0, unit="years", warnings=("dim",))

    assert "warning_kinds" not in found.to_dict()


@pytest.mark.parametrize("kinds", [(), ["nonsense"], [None, IMAGE, IMAGE]])
def test_what_an_older_file_lacks_or_has_wrong_is_no_kind(kinds):
    (back,) = with_kinds(["looks like noise"], kinds)

    assert (back, kind_of(back)) == ("looks like noise", None)
