"""Checks one layer of a recipe: its name, its arguments, and that they agree."""

from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.layer_arguments import LAYERS
from medzoo.zoo.recipe.value_checks import Check, each, listed_or_one

MOST_LAYERS = 64


def check_layer(settings: Section, of: tuple[str, ...] = tuple(LAYERS)) -> Section:
    """Checks `{"class": name, "arguments": {...}}`, arguments optional.

    Args:
        settings: The object.
        of: The classes that it may name.

    Returns:
        The arguments.

    Raises:
        RecipeError: for another class, an argument that it does not take, or a value
            that it does not take.
    """
    settings.keys(required=("class",), optional=("arguments",))
    name = settings.choice("class", of)
    given = {"arguments": {}, **settings.content}
    arguments = Section(given, settings.source, settings.where).inner("arguments")
    check_arguments(arguments, *LAYERS[name])
    for rule in _AGREE.get(name, ()):
        rule(arguments)
    return arguments


def check_arguments(
    arguments: Section, needed: dict[str, Check], further: dict[str, Check]
) -> None:
    """Checks arguments by a table of those that are needed, and of further ones."""
    arguments.keys(required=tuple(needed), optional=tuple(further))
    for key, check in {**needed, **further}.items():
        if key in arguments.content:
            check(arguments, key)


def a_layer(*of: str) -> Check:
    """A check of the settings of one layer."""
    return lambda section, key: (
        check_layer(section.inner(key), of or tuple(LAYERS)) and None
    )


def layers(section: Section, key: str) -> None:
    """Checks a list of layers."""
    each(_ignore, range(MOST_LAYERS + 1))(section, key)
    for settings in section.each(key):
        check_layer(settings)


def layers_or_one(section: Section, key: str) -> None:
    """Checks a list of layers, or the one that may stand for it."""
    listed_or_one(layers, a_layer())(section, key)


def _ignore(section: Section, key: str) -> None:
    """Its items are checked by name."""


def _fail(arguments: Section, rule: str, key: str, remedy: str = "Correct it.") -> None:
    raise arguments.fault(rule, key, arguments.content.get(key), remedy)


def _one_of(first: str, second: str) -> Check:
    def check(arguments: Section) -> None:
        given = [arguments.content.get(key) is not None for key in (first, second)]
        if sum(given) != 1:
            _fail(arguments, f"must be given, or {second}, and not both", first)

    return check


def _clip(arguments: Section) -> None:
    low, high = (arguments.content.get(key) for key in ("low", "high"))
    window = arguments.content.get("window")
    if (low is None and high is None) == (window is None):
        _fail(arguments, "must be given, or low and high, and not both", "window")
    if low is not None and high is not None and not low < high:
        _fail(arguments, "must be below high", "low")


def _class_weights(arguments: Section) -> None:
    weights, count = (
        arguments.content.get(k) for k in ("class_weights", "num_classes")
    )
    if weights is not None and (len(weights) != count or not sum(weights)):
        _fail(arguments, f"must be {count} numbers, one above 0", "class_weights")


def _landmarks(arguments: Section) -> None:
    given = arguments.content.get("landmarks")
    if given is None:
        _fail(arguments, "is needed: there is nothing to adapt to", "landmarks")
    count = len(arguments.content.get("percentiles", range(11)))
    rows = given if isinstance(given[0], list) else [given]
    if any(len(row) != count for row in rows):
        _fail(arguments, f"must hold {count} numbers, one a percentile", "landmarks")


def _control_points(arguments: Section) -> None:
    points = arguments.content.get("control_points", 7)
    points = points if isinstance(points, list) else [points]
    if arguments.content.get("fixed_border") and min(points) < 5:
        _fail(arguments, "must be at least 5 with a fixed border", "control_points")


def _rescaling(arguments: Section) -> None:
    start, end = arguments.content.get("out_range", (0, 1))
    if start == end:
        _fail(arguments, "must have two different ends", "out_range")
    percentiles = arguments.content.get("percentiles", [0, 100])
    if arguments.content.get("in_range") is not None and percentiles != [0, 100]:
        _fail(arguments, "leaves no room for percentiles", "in_range")


def _synthesis(arguments: Section) -> None:
    labels = arguments.content["labels"]
    classes = arguments.content.get("generation_classes")
    if not labels:
        _fail(arguments, "must not be empty", "labels")
    if classes is not None and len(classes) != len(labels):
        _fail(arguments, f"must be {len(labels)}, one a label", "generation_classes")
    priors = arguments.content.get("priors")
    count = arguments.content.get("num_channels", 1)
    if isinstance(priors, list) and len(priors) != count:
        _fail(arguments, f"must be {count}, one a channel", "priors")
    for given in priors if isinstance(priors, list) else [priors]:
        _priors(arguments, given or {}, labels, classes or labels)


def _priors(arguments: Section, given: dict, labels: list, classes: list) -> None:
    class_of = dict(zip(map(str, labels), classes, strict=True))
    known: dict = {}
    for code, prior in given.items():
        if code not in class_of:
            raise arguments.fault(
                "has a code that labels lacks", "priors", code, "Add it."
            )
        if known.setdefault(class_of[code], prior) != prior:
            rule = "must be the same for labels of one generation class"
            raise arguments.fault(rule, f"priors.{code}", prior, "Correct it.")


# Class -> what its arguments must agree in.
_AGREE = {
    "BalancedCrop3D": (_class_weights,),
    "ClipIntensity": (_clip,),
    "HistogramStandardize": (_landmarks,),
    "LabelToImage": (_synthesis,),
    "RandomElasticTransform3D": (_control_points,),
    "RandomSpatial3D": (_control_points,),
    "RescaleIntensity": (_rescaling,),
    "Resizing3D": (_one_of("size", "factor"),),
}
