"""Losses of segmentation, for what `keras.losses` has not.

Plain cross-entropy, focal and Tversky losses are in `keras.losses`.

Imports `medzoo.errors` alone; training imports it.
"""

from medzoo.losses.crossentropy import (
    BalancedCrossentropy,
    DiceCrossentropy,
    MedianFrequencyCrossentropy,
    median_frequency_weights,
)
from medzoo.losses.dice import Dice, GeneralizedDice
from medzoo.losses.label_sets import LabelSetDiceCrossentropy
from medzoo.losses.partial_labels import PartialLabels

__all__ = [
    "BalancedCrossentropy",
    "Dice",
    "DiceCrossentropy",
    "GeneralizedDice",
    "LabelSetDiceCrossentropy",
    "MedianFrequencyCrossentropy",
    "PartialLabels",
    "median_frequency_weights",
]
