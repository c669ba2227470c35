"""Losses that a recipe may name, and their arguments: names, kinds, bounds.

Names alone, for a recipe is read before keras is; a test keeps them equal to
`medzoo.losses` and `keras.losses`.
"""

import re

from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.layer_schema import check_arguments
from medzoo.zoo.recipe.value_checks import (
    SHARE,
    Check,
    choice,
    keyed,
    line,
    number,
    open_or,
    some,
    truth,
    whole,
)

MOST_CLASSES = 65_536
LABEL = re.compile(r"0|[1-9][0-9]{0,4}")
WEIGHT = number(0, 1e6)
REDUCED = {
    "reduction": choice("sum_over_batch_size", "sum", "mean"),
    "name": line,
    "dtype": open_or(choice("float32")),
}
LOGITS = {"from_logits": truth}
DICE = {
    "include_background": truth,
    "class_weights": open_or(some(WEIGHT, 1, MOST_CLASSES)),
    "squared": truth,
    "per_sample": truth,
    "only_present": truth,
    "smooth": WEIGHT,
    **LOGITS,
}
WEIGHTS = {"dice_weight": WEIGHT, "crossentropy_weight": WEIGHT}
SMOOTHED = {"label_smoothing": SHARE, **LOGITS}
FOCAL = {"alpha": SHARE, "gamma": number(0, 100), **SMOOTHED}
Table = dict[str, tuple[dict[str, Check], dict[str, Check]]]
# Losses of numbers and images. Class -> (needed arguments, further ones).
OF_VALUES: Table = {
    "Huber": ({}, {"delta": number(1e-6, 1e6)}),
    "LogCosh": ({}, {}),
    "MeanAbsoluteError": ({}, {}),
    "MeanAbsolutePercentageError": ({}, {}),
    "MeanSquaredError": ({}, {}),
    "MeanSquaredLogarithmicError": ({}, {}),
    "Poisson": ({}, {}),
}
# Losses of classes of voxels.
OF_VOXELS: Table = {
    "BalancedCrossentropy": ({}, LOGITS),
    "Dice": ({}, DICE),
    "DiceCrossentropy": ({}, {**WEIGHTS, **DICE}),
    "GeneralizedDice": (
        {},
        {
            "include_background": truth,
            "volume_weights": choice("square", "simple", "uniform"),
            "per_sample": truth,
            "smooth": WEIGHT,
            **LOGITS,
        },
    ),
    "MedianFrequencyCrossentropy": (
        {"class_weights": some(WEIGHT, 1, MOST_CLASSES)},
        LOGITS,
    ),
}
UNIONS = keyed(LABEL, some(whole(0, MOST_CLASSES), 1, MOST_CLASSES), 1024)
OF_SCAN_CLASSES: Table = {
    "SparseCategoricalCrossentropy": (
        {},
        {"ignore_class": open_or(whole(0, MOST_CLASSES)), **LOGITS},
    ),
}
OF_VOXEL_CLASSES: Table = {
    **OF_VOXELS,
    "CategoricalCrossentropy": ({}, SMOOTHED),
    "CategoricalFocalCrossentropy": ({}, FOCAL),
    "LabelSetDiceCrossentropy": ({"unions": UNIONS}, {**WEIGHTS, "smooth": WEIGHT}),
}
PARTIAL = "PartialLabels"


def check_loss(settings: Section, known: Table, num_classes: int) -> None:
    """Checks `{"class": name, "arguments": {...}}`, arguments optional.

    Args:
        settings: The object.
        known: The losses that go with the task.
        num_classes: Of the recipe; 0 where it has none.

    Raises:
        RecipeError: for another loss, or arguments that it does not take.
    """
    settings.keys(required=("class",), optional=("arguments",))
    partial = known is OF_VOXEL_CLASSES
    name = settings.choice("class", (*known, PARTIAL) if partial else tuple(known))
    given = {"arguments": {}, **settings.content}
    arguments = Section(given, settings.source, settings.where).inner("arguments")
    if name == PARTIAL:
        arguments.keys(required=("loss",), optional=("name",))
        check_loss(arguments.inner("loss"), OF_VOXELS, num_classes)
        return
    needed, further = known[name]
    check_arguments(arguments, needed, {**further, **REDUCED})
    weights = arguments.content.get("class_weights")
    if weights is not None and (len(weights) != num_classes or not any(weights)):
        rule = f"must be {num_classes} numbers, one above 0"
        raise arguments.fault(rule, "class_weights", weights, "Give one a class.")
    if "unions" in needed:
        _check_unions(arguments, num_classes)


def _check_unions(arguments: Section, num_classes: int) -> None:
    unions = arguments.content["unions"]
    wanted = list(range(num_classes, num_classes + len(unions)))
    if sorted(map(int, unions)) != wanted or not unions:
        rule = f"must have the labels from {num_classes} on, each once"
        raise arguments.fault(rule, "unions", list(unions), "Number them so.")
    for label, classes in unions.items():
        if max(classes) >= num_classes:
            rule = f"must hold classes below {num_classes}"
            raise arguments.fault(rule, f"unions.{label}", classes, "Correct it.")
