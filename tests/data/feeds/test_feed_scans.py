"""What a prepared scan of a feed is called by: all that decides what layers do."""

import json

import keras
import numpy as np

from medzoo import layers
from medzoo.data.feeds.feed_scans import FeedScans


def facts(*given):
    found = FeedScans([{"name": "t1", "required": True}], [], given, "float32")
    return json.dumps(found.facts(None))


def adapted(shift):
    layer = keras.layers.Normalization(axis=None)
    layer.adapt(np.arange(10.0) + shift)
    return layer


def test_what_a_layer_learned_belongs_to_its_name():
    assert facts(adapted(0)) == facts(adapted(0)) != facts(adapted(100))


class OfNumbers(keras.layers.Layer):
    def __init__(self, numbers):
        super().__init__()
        self.numbers = numbers

    def get_config(self):
        return {**super().get_config(), "numbers": self.numbers}


def test_all_numbers_of_a_long_array_belong_to_it():
    numbers = np.zeros(2000)
    changed = numbers.copy()
    changed[1000] = 1
    assert facts(OfNumbers(numbers)) == facts(OfNumbers(numbers.copy()))
    assert facts(OfNumbers(numbers)) != facts(OfNumbers(changed))
    tensor = keras.ops.convert_to_tensor(changed)
    assert facts(OfNumbers(tensor)) == facts(OfNumbers(changed.astype("f4")))


def test_layers_of_one_name_in_two_modules_differ():
    other = type("ZScore", (layers.ZScore,), {"__module__": "elsewhere"})
    assert facts(layers.ZScore()) == facts(layers.ZScore(name="x"))
    assert facts(layers.ZScore()) != facts(other())
