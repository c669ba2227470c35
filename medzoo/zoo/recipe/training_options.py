"""What `training.options` of a recipe may hold, by what a task's data are made of."""

import re

from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.layer_schema import (
    a_layer,
    check_arguments,
    check_layer,
    layers_or_one,
)
from medzoo.zoo.recipe.value_checks import (
    SHARE,
    Check,
    ascending,
    each,
    keyed,
    listed_or_one,
    matching,
    number,
    open_or,
    some,
    truth,
    whole,
)

MOST_CASES = 1_000_000
MOST_CLASSES = 65_536
SOURCE_NAME = re.compile(r"\S(.{0,62}\S)?")
CLASS = re.compile(r"0|[1-9][0-9]{0,4}")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
RATE = number(0, 1e6)
CLASSES = some(whole(0, MOST_CLASSES), 1, MOST_CLASSES)
# One kind of case of a segmentation, as `medzoo.data.cases.case_sources.Source`.
SOURCE: dict[str, Check] = {
    "rate": RATE,
    "codes": open_or(matching(FILE_NAME)),
    "any_of": keyed(CLASS, CLASSES, MOST_CLASSES),
    "lesions": open_or(a_layer("RandomLesions")),
    "synthesis": open_or(a_layer("LabelToImage")),
    "synthesis_rate": SHARE,
    "synthesis_replaces": truth,
    "strip_rate": SHARE,
}


def sources(section: Section, key: str) -> None:
    """Checks the kinds of cases of a segmentation."""
    keyed(SOURCE_NAME, lambda s, k: check_arguments(s.inner(k), {}, SOURCE), 64)(
        section, key
    )


# Kind of data -> option -> check.
OPTIONS: dict[str, dict[str, Check]] = {
    "none": {},
    "versions": {"channel_dropout": number(0, 0.999), "linear_start": truth}
    | {"closed_form": truth},
    "coarse patches": {
        "fwhm": ascending(number(0, 8), (3,)),
        "mirror_axes": some(whole(0, 2), 0, 3),
        "gamma": number(0, 10),
        "sources": open_or(keyed(SOURCE_NAME, RATE, 64)),
        "solved_batches": whole(0, 100_000),
    },
    "labelled patches": {
        "class_weights": open_or(some(RATE, 1, MOST_CLASSES)),
        "margin": whole(0, 256),
        "channel_rates": open_or(some(SHARE, 1, 64)),
        "reference_class": open_or(
            listed_or_one(CLASSES, whole(0, MOST_CLASSES)),
        ),
        "coordinate_noise": open_or(each(number(0, 100), (2,))),
        "movement": open_or(layers_or_one),
        "sources": open_or(sources),
    },
}


def of_patches(options: Section, num_labels: int, num_channels: int) -> None:
    """Checks that options of labelled patches agree with classes and channels.

    Args:
        options: `training.options`, each of them checked.
        num_labels: Classes, and labels that stand for several.
        num_channels: Of the recipe.

    Raises:
        RecipeError: naming the option.
    """
    for key, count in (("class_weights", num_labels), ("channel_rates", num_channels)):
        given = options.content.get(key)
        if given is not None and (len(given) != count or not any(given)):
            rule = f"must be {count} numbers, one above 0"
            raise options.fault(rule, key, given, "Correct it.")
    _check_below(options, "reference_class", num_labels)
    if not options.content.get("sources"):
        return
    kinds = options.inner("sources")
    if not sum(kind.get("rate", 1) for kind in kinds.content.values()):
        rule = "must have a rate above 0"
        raise options.fault(rule, "sources", list(kinds.content), "Correct it.")
    for name in kinds.content:
        _check_source(kinds.inner(name), num_labels, num_channels)


def _check_source(source: Section, num_labels: int, num_channels: int) -> None:
    given = source.content.get("any_of") or {}
    for label, classes in given.items():
        if max(int(label), *classes) >= num_labels:
            rule = f"must hold classes below {num_labels}"
            raise source.fault(rule, f"any_of.{label}", classes, "Correct it.")
    made = {}
    if source.content.get("synthesis") is not None:
        synthesis = check_layer(source.inner("synthesis"))
        made = synthesis.content.get("targets") or {}
        if synthesis.content.get("num_channels", 1) != num_channels:
            value = synthesis.content.get("num_channels", 1)
            rule = f"must be {num_channels}, as the recipe has channels"
            raise synthesis.fault(rule, "num_channels", value, "Correct it.")
        if max(made.values(), default=0) >= num_labels:
            rule = f"must be classes below {num_labels}"
            raise synthesis.fault(rule, "targets", max(made.values()), "Correct it.")
    if source.content.get("lesions") is not None and not made:
        # Painted last: nothing maps the label to a class afterwards.
        _check_below(check_layer(source.inner("lesions")), "label", num_labels, 77)


def _check_below(section: Section, key: str, count: int, usual: int = 0) -> None:
    given = section.content.get(key)
    given = usual if given is None else given
    if max(given if isinstance(given, list) else [given]) >= count:
        rule = f"must be below {count}"
        raise section.fault(rule, key, given, "Correct it.")
