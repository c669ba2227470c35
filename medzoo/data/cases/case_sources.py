"""Sources: kinds of training cases of a segmentation, as a recipe lists them."""

from dataclasses import dataclass, field, fields

from medzoo.errors import RecipeError

COLUMN = "source"


@dataclass(frozen=True)
class Source:
    """One kind of training case; a case table names it in the column `source`.

    Args:
        name: str.
        rate: float, share of the patches that come from it.
        codes: str or None, file name of a table of codes beside the recipe, by which
            its label maps become classes; None where they hold classes already, or
            where `synthesis` maps them by its `targets`: cases without images.
        any_of: dict of class (a str, as JSON has it) -> list of classes: labels of
            that class may be any of them, for a protocol that does not tell them apart.
        lesions: layer settings of `RandomLesions`, or None.
        synthesis: layer settings of `LabelToImage`, or None: makes the channels that a
            case does not have, of its label map.
        synthesis_rate: float, share of the patches in which they are made; cases
            without any image always get them. Defaults to 1.
        synthesis_replaces: bool, whether synthetic channels also replace those that a
            case has. Defaults to False.
        strip_rate: float, share of the other patches in which all that is labelled 0 is
            taken out of the image, as a skull is. Defaults to 0.
    """

    name: str
    rate: float = 1.0
    codes: str | None = None
    any_of: dict = field(default_factory=dict)
    lesions: dict | None = None
    synthesis: dict | None = None
    synthesis_rate: float = 1.0
    synthesis_replaces: bool = False
    strip_rate: float = 0.0


def read_sources(training):
    """Returns the `Source`s of a recipe's training section, by name, in its order.

    The first is that of cases which name none. Without any there is one plain source.

    Raises:
        RecipeError: for keys that a source does not have.
    """
    given = training.get("options", {}).get("sources") or {"cases": {}}
    known = [f.name for f in fields(Source)]
    for name, settings in given.items():
        if unknown := sorted(set(settings) - set(known[1:])):
            raise RecipeError(
                f"A source has only the keys {known[1:]}. Received: {unknown} in "
                f"{name!r}. Remove them."
            )
    return {name: Source(name, **settings) for name, settings in given.items()}


def unions_of(training):
    """Returns the labels that stand for several classes: dict of int -> list of int.

    They are an argument of the loss, `LabelSetDiceCrossentropy`; without one there are
    none.
    """
    arguments = (training.get("loss") or {}).get("arguments", {})
    given = arguments.get("unions") or {}
    return {int(label): [int(k) for k in classes] for label, classes in given.items()}


def source_of(case, sources):
    """Returns the `Source` of a case.

    Raises:
        RecipeError: if the case names one that the recipe does not have.
    """
    name = case.columns.get(COLUMN) or next(iter(sources))
    if name not in sources:
        raise RecipeError(
            f"A case's source must be one of {list(sources)}. "
            f"Received: source={name!r} in case {case.case_id}. Correct the table."
        )
    return sources[name]


def with_codes(recipe, codes):
    """Returns the recipe with another table of codes for cases that name no source.

    Args:
        recipe: dict.
        codes: str, absolute path of a table of codes.
    """
    training = recipe["training"]
    options = training.get("options", {})
    sources = options.get("sources") or {"cases": {}}
    first = next(iter(sources))
    changed = {**sources, first: {**sources[first], "codes": codes}}
    options = {**options, "sources": changed}
    return {**recipe, "training": {**training, "options": options}}
