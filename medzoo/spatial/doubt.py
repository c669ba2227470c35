"""Doubt: a warning about a scan that knows what of the scan it is about."""

from collections.abc import Iterable, Sequence

# What a doubt may be about: the kind of image, the thickness of its slices, whether all
# of the head is in it, and whether its contrast is one that the model knows.
IMAGE, SLICES, COVERAGE, CONTRAST = "image", "slices", "coverage", "contrast"
ABOUT = (IMAGE, SLICES, COVERAGE, CONTRAST)


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
