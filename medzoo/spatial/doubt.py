"""Doubt: a warning about a scan that knows what of the scan it is about."""

from collections.abc import Iterable, Sequence

# What a doubt may be about: the kind of image, the thickness of its slices, whether all
# of the head is in it, and whether its contrast is one that the model knows; of an
# explanation, where its regions lie, and its map.
IMAGE, SLICES, COVERAGE, CONTRAST = "image", "slices", "coverage", "contrast"
REGIONS, MAP = "regions", "map"
ABOUT = (IMAGE, SLICES, COVERAGE, CONTRAST, REGIONS, MAP)


class Doubt(str):
    """A warning, text like any other, with a kind.

    Args:
        text: str.
        kind: one of `ABOUT`.
    """

    kind: str

    def __new__(cls, text: str, kind: str) -> "Doubt":
        """Makes the text, and notes the kind."""
        made = super().__new__(cls, text)
        made.kind = kind
        return made

    def __reduce__(self) -> tuple:
        """What a copy, in another process too, is made of."""
        return Doubt, (str(self), self.kind)


def kind_of(warning: str) -> str | None:
    """Returns the kind of a warning; None of one that is no `Doubt`."""
    return getattr(warning, "kind", None)


def warning_record(warnings: Iterable[str]) -> dict[str, list]:
    """Returns warnings as plain JSON.

    Args:
        warnings: str or `Doubt` each.

    Returns:
        `warnings`, list of str, and `warning_kinds`, `kind_of` each; without warnings
        neither, and without a kind no kinds.
    """
    known = list(warnings)
    kinds = list(map(kind_of, known))
    content: dict[str, list] = {"warnings": list(map(str, known))} if known else {}
    return content | ({"warning_kinds": kinds} if any(kinds) else {})


def with_kinds(texts: Iterable[str], kinds: Sequence[str | None] = ()) -> tuple:
    """Puts kinds back to warnings that were stored as JSON.

    Args:
        texts: warnings.
        kinds: of each, `kind_of`; what is missing or unknown is none.

    Returns:
        tuple of str and `Doubt`.
    """
    known = [*kinds, *[None] * len(texts := list(texts))]
    pairs = zip(texts, known, strict=False)
    return tuple(Doubt(text, k) if k in ABOUT else text for text, k in pairs)
