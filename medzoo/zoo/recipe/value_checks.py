"""Checks of single values of a recipe: numbers, words, lists and objects of them.

Each takes a `Section` and the key of the value, and raises RecipeError.
"""

import math
import re
from collections.abc import Callable
from itertools import pairwise

from medzoo.zoo.recipe.json_section import Section

# 512 x 512 x 1024, a gigabyte as float32: more is no volume to train on.
MOST_VOXELS = 2**28

Check = Callable[[Section, str], None]


def number(low: float, high: float) -> Check:
    """A check of a number within bounds."""

    def check(section: Section, key: str) -> None:
        value = section.content[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise section.fault("must be a number", key, value, "Correct it.")
        if not low <= value <= high:
            rule = f"must be a number from {low:g} to {high:g}"
            raise section.fault(rule, key, value, "Correct it.")

    return check


def whole(low: int, high: int) -> Check:
    """A check of a whole number within bounds."""
    return lambda section, key: section.integer(key, low, high)


def each(check: Check, lengths: tuple | range) -> Check:
    """A check of a list of so many items, each checked."""

    def check_items(section: Section, key: str) -> None:
        items = section.items(key)
        if len(items) not in lengths:
            wanted = " or ".join(map(str, lengths))
            if isinstance(lengths, range):
                wanted = f"{lengths[0]} to {lengths[-1]}"
            rule = f"must have {wanted} items"
            raise section.fault(rule, key, items, "Correct it.")
        for item in items:
            check(Section({key: item}, section.source, section.where), key)

    return check_items


def one_or_three(check: Check) -> Check:
    """A check of one value, or a list of three."""

    def check_either(section: Section, key: str) -> None:
        several = isinstance(section.content[key], list)
        (each(check, (3,)) if several else check)(section, key)

    return check_either


def choice(*allowed: str) -> Check:
    """A check of one of some words."""
    return lambda section, key: section.choice(key, allowed)


def truth(section: Section, key: str) -> None:
    """Checks true or false."""
    section.boolean(key)


def matching(pattern: re.Pattern[str]) -> Check:
    """A check of a text by a pattern."""
    return lambda section, key: section.text(key, pattern)


def some(check: Check, least: int, most: int) -> Check:
    """A check of a list of some items, each checked."""
    return each(check, range(least, most + 1))


def named(check: Check) -> Check:
    """A check of an object whose values are all of one kind."""

    def check_values(section: Section, key: str) -> None:
        inner = section.inner(key)
        for name in inner.content:
            check(inner, name)

    return check_values


def few(section: Section, key: str) -> None:
    """Checks that three sizes together are no more voxels than a volume may have."""
    sizes = section.content[key]
    sizes = sizes if isinstance(sizes, list) else [sizes] * 3
    if math.prod(sizes) > MOST_VOXELS:
        rule = f"must be at most {MOST_VOXELS} voxels together"
        raise section.fault(rule, key, section.content[key], "Use a smaller size.")


def all_of(*checks: Check) -> Check:
    """A check of one value by several checks, one after the other."""

    def check_all(section: Section, key: str) -> None:
        for check in checks:
            check(section, key)

    return check_all


def listed_or_one(several: Check, one: Check) -> Check:
    """A check of a list, or of the one value that may stand for it."""

    def check_either(section: Section, key: str) -> None:
        is_list = isinstance(section.content[key], list)
        (several if is_list else one)(section, key)

    return check_either


def ascending(check: Check, lengths: tuple | range, strictly: bool = False) -> Check:
    """A check of a list whose items are each checked, and never fall (or rise)."""
    check_items = each(check, lengths)

    def check_order(section: Section, key: str) -> None:
        check_items(section, key)
        pairs = pairwise(section.content[key])
        if any(b < a or (strictly and a == b) for a, b in pairs):
            raise section.fault("must ascend", key, section.content[key], "Sort it.")

    return check_order


def span(low: float, high: float) -> Check:
    """A check of a range: two numbers that ascend, or one, its upper end."""
    bound = number(low, high)
    return listed_or_one(ascending(bound, (2,)), bound)


def whole_span(low: int, high: int) -> Check:
    """A check of a range of whole numbers, or one of them."""
    bound = whole(low, high)
    return listed_or_one(ascending(bound, (2,)), bound)


def keyed(pattern: re.Pattern[str], check: Check, most: int) -> Check:
    """A check of an object whose keys match a pattern, each value checked."""

    def check_entries(section: Section, key: str) -> None:
        inner = section.inner(key)
        if len(inner.content) > most:
            rule = f"must have at most {most} entries"
            raise section.fault(rule, key, len(inner.content), "Leave some out.")
        for name in inner.content:
            if not pattern.fullmatch(name):
                rule = f"has a key that does not match {pattern.pattern}"
                raise section.fault(rule, key, name, "Correct it.")
            check(inner, name)

    return check_entries


def line(section: Section, key: str) -> None:
    """Checks a text of one line."""
    section.text(key, one_line=True)


SHARE, SPACING = number(0, 1), one_or_three(number(0.05, 100))
SIZE = all_of(each(whole(1, 1024), (3,)), few)
POSITION = each(number(-1000, 1000), (3,))
SEED = whole(0, 2**32 - 1)


def open_or(check: Check) -> Check:
    """A check of null, or of what another check takes."""

    def check_given(section: Section, key: str) -> None:
        if section.content[key] is not None:
            check(section, key)

    return check_given
