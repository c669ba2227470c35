"""Checks of one JSON object of a recipe: keys and value types."""

import re

from medzoo.errors import RecipeError
from medzoo.zoo.recipe.strict_json import shown


class Section:
    """One JSON object and its position, for the messages of its checks.

    Every check raises RecipeError; those that return something return the value.

    Args:
        content: The object to check.
        source: The file, or where the object came from.
        where: Dotted path of the object inside the file; "" at the top.
    """

    def __init__(self, content: object, source: str, where: str):
        """Refuses values other than objects."""
        self.source = source
        self.where = where
        if not isinstance(content, dict):
            raise self.fault("must be an object", "", content, "Use braces.")
        self.content = content

    def fault(self, rule: str, key: str, received: object, remedy: str) -> RecipeError:
        """Makes the error: the rule, what was received, what to do."""
        name = ".".join(part for part in (self.where, key) if part)
        return RecipeError(
            f"{name} {rule} in {self.source}. Received: {name}={shown(received)}. "
            f"{remedy}"
        )

    def keys(self, required: tuple = (), optional: tuple = ()) -> None:
        """Refuses a key that is not named here, and the absence of a required one."""
        allowed = required + optional
        place = f" of {self.where}" if self.where else ""
        listed = ", ".join(allowed)
        for key in self.content:
            if key not in allowed:
                raise RecipeError(
                    f"Unknown key{place} in {self.source}. Received: key={shown(key)}. "
                    f"Use only: {listed}."
                )
        for key in required:
            if key not in self.content:
                raise RecipeError(
                    f"A key{place} is absent in {self.source}. Received: no {key!r}. "
                    f"Give all of: {', '.join(required)}."
                )

    def text(
        self, key: str, pattern: re.Pattern | None = None, one_line: bool = False
    ) -> str:
        """Checks text that is not empty, and matches or keeps to one line if asked."""
        value = self.content[key]
        if not isinstance(value, str) or not value.strip():
            raise self.fault("must be text that is not empty", key, value, "Write it.")
        if pattern is not None and not pattern.fullmatch(value):
            rule = f"must match {pattern.pattern}"
            raise self.fault(rule, key, value, "Correct the value.")
        if one_line and ("\n" in value or "\t" in value or len(value) > 200):
            rule = "must be one line of at most 200 characters"
            raise self.fault(rule, key, value, "Shorten it.")
        return value

    def choice(self, key: str, allowed: tuple) -> str:
        """Checks that a value is one of the allowed ones."""
        value = self.content[key]
        if not isinstance(value, str) or value not in allowed:
            remedy = f"Use one of: {', '.join(allowed)}."
            raise self.fault("must be one of the known", key, value, remedy)
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Checks an integer within bounds, both included."""
        value = self.content[key]
        if type(value) is not int or not low <= value <= high:
            rule = f"must be an integer from {low} to {high}"
            raise self.fault(rule, key, value, "Correct the number.")
        return value

    def boolean(self, key: str) -> bool:
        """Checks true or false."""
        value = self.content[key]
        if not isinstance(value, bool):
            raise self.fault("must be true or false", key, value, "Use a boolean.")
        return value

    def items(self, key: str, least: int = 0) -> list:
        """Checks a list with at least so many items."""
        value = self.content[key]
        if not isinstance(value, list) or len(value) < least:
            rule = f"must be a list of {least} or more"
            raise self.fault(rule, key, value, "Use brackets.")
        return value

    def texts(
        self, key: str, least: int = 0, pattern: re.Pattern | None = None
    ) -> list:
        """Checks a list of texts."""
        values = self.items(key, least)
        for value in values:
            Section({key: value}, self.source, self.where).text(key, pattern)
        return values

    def inner(self, key: str) -> "Section":
        """Enters the object that stands under a key."""
        where = f"{self.where}.{key}" if self.where else key
        return Section(self.content[key], self.source, where)

    def each(self, key: str, least: int = 0) -> "list[Section]":
        """Enters every object of the list that stands under a key."""
        where = f"{self.where}.{key}" if self.where else key
        return [
            Section(item, self.source, f"{where}[{number}]")
            for number, item in enumerate(self.items(key, least))
        ]
