"""Arguments of the steps, layers and networks of a recipe: names, kinds, bounds.

A recipe may come from a stranger. Nothing in it reaches Keras' deserialiser, and what
would end in a traceback or ask for absurd memory is refused when it is read. Names
alone stand here, for a recipe is read before keras is; tests keep them equal to the
code that they stand for.
"""

import re

from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.value_checks import (
    POSITION,
    SHARE,
    SIZE,
    SPACING,
    choice,
    each,
    matching,
    named,
    number,
    open_or,
    some,
    truth,
    whole,
)

ORIENTATION = re.compile(r"(?=.*[LR])(?=.*[PA])(?=.*[IS])[LRPAIS]{3}")
ATLAS = re.compile(r"[a-z0-9_]{1,64}")
ZOO_MODEL = re.compile(r"[a-z0-9_]{1,64}@\d{1,4}(\.\d{1,4}){0,2}")
ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax",
    "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus",
    "softsign", "squareplus", "swish", "tanh", "tanh_shrink",
)  # fmt: skip
INITIALIZERS = (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal",
    "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform",
    "truncated_normal", "variance_scaling", "zeros",
)  # fmt: skip
REGULARIZERS = ("l1", "l2", "l1_l2")
# Keys that Keras' serialised objects have.
SERIALISED = ("class_name", "module", "registered_name", "build_config")
# The end of an argument's name -> what it may be.
ALLOWED_NAMES = {
    "activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "regularizer": REGULARIZERS,
    "constraint": (),
}
# Arguments of networks that decide time and memory: the largest number anywhere in.
MOST = {
    "filters": 2048,
    "num_units": 64,
    "kernel_size": 31,
    "strides": 16,
    "latent_dim": 65_536,
    "input_shape": 1024,
    "num_members": 64,
    "num_classes": 65_536,
    "num_convolutions": 64,
    "upsampling_factor": 16,
    "block_size": 64,
}
MOST_SCALES = 12
MOST_STEPS = 64

atlas, zoo_model, orientation = map(matching, (ATLAS, ZOO_MODEL, ORIENTATION))
# Arguments that every network has, where it has them.
NETWORK_KINDS = {
    "input_shape": each(open_or(whole(1, 1024)), (4,)),
    "num_classes": whole(1, 65_536),
    "num_members": whole(1, 64),
    "dropout_rate": number(0, 0.999),
    "use_bias": truth,
}
CODES = some(whole(0, 65_535), 1, 2)
CLASSES = some(whole(0, 65_535), 0, 65_536)
ITERATIONS = each(whole(1, 1000), tuple(range(1, 9)))
DENOISE = choice("diffusion", "nonlocal")
ALLOWED = some(whole(0, 65_535), 1, 65_536)
FACTORS = named(number(0.01, 100))
# Step -> (needed arguments, further ones).
SPATIAL = {
    "orient": ({"orientation": orientation}, {}),
    "resample": ({"spacing": SPACING}, {"tolerance": SHARE, "finer": SHARE}),
    "crop_pad": ({"size": SIZE}, {"centre": POSITION}),
    "crop_to_brain": (
        {"atlas": atlas, "probability": SHARE, "margin": number(0, 500)},
        {},
    ),
    "scale_to_white_matter": ({"atlas": atlas}, {"own": truth}),
    "register": (
        {"atlas": atlas},
        {"transform": choice("affine", "rigid", "deformable"), "spacing": number(1, 8)},
    ),
    "n4": ({}, {"spacing": number(1, 32), "iterations": ITERATIONS}),
    "denoise": ({}, {"method": DENOISE, "sigma": number(1e-6, 1e6)}),
    "strip": ({}, {"space": atlas}),
    "sample": (
        {"shape": SIZE, "spacing": SPACING, "centre": POSITION},
        {"blur": number(0.1, 50)},
    ),
    "mask": ({"atlas": atlas, "probability": SHARE}, {}),
    "correct_bias": (
        {},
        {
            "shrink": whole(1, 32),
            "iterations": ITERATIONS,
            "control_points": whole(4, 64),
        },
    ),
    "limit_contrast": (
        {
            "atlas": atlas,
            "probability": SHARE,
            "lowest": number(0.01, 10),
            "highest": number(0.01, 10),
        },
        {"grey": choice("mode", "median")},
    ),
    "add_coordinates": ({"atlas": atlas}, {"mirrored": truth}),
    "check_head": ({"atlas": atlas}, {}),
}
POSTPROCESSING = {
    "mirror": ({"axis": whole(0, 2)}, {}),
    # Before a training there is only the coverage that is wanted.
    "interval": (
        {},
        {
            "coverage": number(0.01, 0.999),
            "lower": number(-1e6, 1e6),
            "upper": number(-1e6, 1e6),
            "within": each(number(-1e6, 1e6), (2,)),
        },
    ),
    "spread": ({"scale": number(0, 1e6)}, {}),
    "sliding_window": (
        {},
        {
            "window_size": SIZE,
            "overlap": number(0, 0.9),
            "weighting": choice("gaussian", "constant", "nearest"),
            "batch_size": whole(1, 1024),
            "skip_empty": truth,
            "fit": truth,
            "whole": truth,
        },
    ),
    "largest_component": ({}, {}),
    "guide": ({"model": zoo_model, "classes": some(ALLOWED, 2, 256)}, {}),
    "sides": (
        {"codes": some(CODES, 2, 65_536), "white_matter": CLASSES, "cortex": CLASSES},
        {},
    ),
    "centiles": ({"reference": atlas, "corrections": FACTORS}, {}),
    "familiarity": (
        {
            "usual": number(1e-6, 1e6),
            "growth": number(0, 10),
            "limit": number(1e-6, 1e6),
            "coarsest_mm": number(0.01, 100),
        },
        {"scanners": some(number(1, 10), 1, 64), "unknown": number(1, 10)},
    ),
    # Any names of groups, each with its classes.
    "groups": CLASSES,
}
ORDERED = {"interval": ("lower", "upper"), "limit_contrast": ("lowest", "highest")}


def check_step(section: Section, known: dict) -> None:
    """Checks one step and its arguments.

    Args:
        section: `{"step": name, "arguments": {...}}`.
        known: `SPATIAL` or `POSTPROCESSING`.

    Raises:
        RecipeError: for an unknown step, or arguments that it does not take.
    """
    name = section.choice("step", tuple(known))
    arguments = section.inner("arguments")
    refuse_serialised(arguments)
    if not isinstance(known[name], tuple):
        for key in arguments.content:
            known[name](arguments, key)
        return
    needed, further = known[name]
    arguments.keys(required=tuple(needed), optional=tuple(further))
    for key, check in {**needed, **further}.items():
        if key in arguments.content:
            check(arguments, key)
    low, high = ORDERED.get(name, (None, None))
    ends = [arguments.content.get(name) for name in (low, high)]
    if None not in ends and ends[0] > ends[1]:
        rule = f"must not be above {high}"
        raise arguments.fault(rule, low, arguments.content[low], "Swap them.")


def check_network(arguments: Section, architectures: tuple) -> None:
    """Checks the arguments of a network: names of objects, and what decides its size.

    Raises:
        RecipeError: for an object instead of a name, or an absurd size.
    """
    refuse_serialised(arguments)
    for key in NETWORK_KINDS.keys() & arguments.content.keys():
        NETWORK_KINDS[key](arguments, key)
    for key, value in arguments.content.items():
        if key in MOST and not _is_within(value, MOST[key]):
            rule = f"must be numbers from -1 to {MOST[key]}"
            raise arguments.fault(rule, key, value, "Correct it.")
        if key in ("filters", "strides") and (
            not isinstance(value, list) or len(value) > MOST_SCALES
        ):
            rule = f"must be a list of at most {MOST_SCALES}"
            raise arguments.fault(rule, key, value, "Correct it.")
    for key in ("member", "generator", "discriminator"):
        if isinstance(arguments.content.get(key), dict):
            member = arguments.inner(key)
            member.keys(required=("class", "arguments"))
            member.choice("class", architectures)
            check_network(member.inner("arguments"), architectures)


def refuse_serialised(section: Section) -> None:
    """Refuses what Keras would make objects of, anywhere in a section.

    Activations, initialisers and regularisers are names of an allow-list: Keras looks
    up a name in what any module has registered, and makes an object of a dict.

    Raises:
        RecipeError: naming the place.
    """
    _refuse(section, section.content, "")


def _refuse(section: Section, value: object, where: str) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _refuse(section, item, f"{where}[{index}]")
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        place = f"{where}.{key}" if where else key
        if key in SERIALISED:
            rule = "must not describe an object of Keras"
            raise section.fault(rule, place, item, "Give a name or a number.")
        allowed = next((n for end, n in ALLOWED_NAMES.items() if key.endswith(end)), ())
        if key.endswith(tuple(ALLOWED_NAMES)) and not _is_allowed(item, allowed):
            remedy = f"Use one of: {', '.join(allowed) or 'null'}."
            raise section.fault("must be one of the known names", place, item, remedy)
        _refuse(section, item, place)


def _is_allowed(item: object, allowed: tuple) -> bool:
    if isinstance(item, list):
        return all(_is_allowed(one, allowed) for one in item)
    return item is None or (isinstance(item, str) and item in allowed)


def _is_within(value: object, most: int) -> bool:
    if isinstance(value, list):
        return all(_is_within(item, most) for item in value)
    if value is None:
        return True
    return type(value) is int and -1 <= value <= most
