"""Prediction: labels as classes, and sentences."""

import numpy as np

import medzoo
from medzoo.inference.prediction import Prediction


def test_classes_are_places_in_the_list_of_names():
    labels = medzoo.Volume(np.array([[[0, 48, 47]]], np.uint8), np.eye(4))
    found = Prediction(
        "segmentation", "m", labels=labels, class_names=list("abc"), codes=[0, 47, 48]
    )
    assert found.classes().array.tolist() == [[[0, 2, 1]]]
    plain = Prediction("segmentation", "m", labels=labels)
    assert plain.classes() is labels


def test_few_classes_are_named_and_many_are_summed_up():
    few = Prediction("segmentation", "m", volumes_ml={"a": 1.0, "b": 2.0})
    assert str(few) == "a 1.0 ml, b 2.0 ml"
    many = {f"region {i}": float(i > 0) for i in range(30)}
    assert str(Prediction("segmentation", "m", volumes_ml=many)) == (
        "29 regions, 29 ml in all"
    )


def test_centiles_are_part_of_the_record():
    found = Prediction(
        "segmentation", "m", volumes_ml={"a": 1.0}, centiles={"a": 33.333}
    )
    assert found.to_dict() == {"volumes_ml": {"a": 1.0}, "centiles": {"a": 33.3}}
