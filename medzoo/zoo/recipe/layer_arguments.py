"""Layers that a recipe may name, and their arguments: names, kinds, bounds.

Names alone, for a recipe is read before keras is; a test keeps them equal to the
constructors of `medzoo.layers`.
"""

import re

from medzoo.zoo.recipe.json_section import Section
from medzoo.zoo.recipe.value_checks import (
    SEED,
    SHARE,
    SIZE,
    Check,
    all_of,
    ascending,
    choice,
    each,
    few,
    keyed,
    listed_or_one,
    number,
    one_or_three,
    open_or,
    some,
    span,
    truth,
    whole,
    whole_span,
)

AXES = {"LR": 0, "PA": 1, "AP": 1, "IS": 2, "SI": 2}
CODE = re.compile(r"0|[1-9][0-9]{0,6}")
LARGEST_CODE = 2**20
MOST_LABELS = 4096
REGIONS = choice("whole", "foreground", "above_mean", "mask")
INTERPOLATION = choice("linear", "nearest")
WINDOWS = (
    "brain", "subdural", "stroke", "temporal_bone", "head_soft_tissue", "lung",
    "mediastinum", "abdomen", "soft_tissue", "liver", "spine", "bone",
)  # fmt: skip
INTENSITY = number(-1e6, 1e6)
WEIGHT = number(0, 1e6)


def axis(section: Section, key: str) -> None:
    """Checks one axis: 0, 1, 2, or its anatomical name."""
    value = section.content[key]
    if type(value) is int and 0 <= value <= 2:
        return
    section.choice(key, tuple(AXES))


def axes(section: Section, key: str) -> None:
    """Checks one axis or several, each of them once."""
    listed_or_one(some(axis, 1, 3), axis)(section, key)
    value = section.content[key]
    values = value if isinstance(value, list) else [value]
    if len({AXES.get(one, one) for one in values}) < len(values):
        raise section.fault("must name an axis once", key, value, "Leave one out.")


def codes(section: Section, key: str) -> None:
    """Checks codes of a label map, each of them once."""
    some(whole(0, LARGEST_CODE), 0, MOST_LABELS)(section, key)
    value = section.content[key]
    if len(set(value)) < len(value):
        raise section.fault("must hold a code once", key, value, "Leave one out.")


def landmarks(section: Section, key: str) -> None:
    """Checks one ascending list of intensities, or one such list a channel."""
    one = ascending(INTENSITY, range(2, 102))
    is_one = all(not isinstance(item, list) for item in section.items(key, 1))
    (one if is_one else some(one, 1, 64))(section, key)


def contrasts(section: Section, key: str) -> None:
    """Checks a range of contrasts, which may be negative, or one a channel."""
    one = ascending(INTENSITY, (2,))
    is_one = all(not isinstance(item, list) for item in section.items(key, 1))
    (one if is_one else some(one, 1, 64))(section, key)


PRIOR = each(ascending(number(0, 1e6), (2,)), (2,))
PRIORS = keyed(CODE, PRIOR, MOST_LABELS)
# What all random layers take.
RANDOM = {"rate": SHARE, "seed": open_or(SEED)}
WARP = {"background": INTENSITY, "interpolation": INTERPOLATION, **RANDOM}
AFFINE = {
    "rotation": one_or_three(number(0, 360)),
    "scale": one_or_three(number(0, 2)),
    "shear": one_or_three(number(0, 2)),
    "shift": one_or_three(number(0, 1024)),
    "isotropic_scale": number(0, 2),
}
ELASTIC = {
    "displacement": one_or_three(number(0, 1024)),
    "control_points": one_or_three(whole(4, 64)),
    "spacing": open_or(one_or_three(number(1, 1024))),
    "fixed_border": truth,
    "prevent_folding": truth,
}
# Contrast between nothing and twice as much, or two ends of such a range.
FACTOR = listed_or_one(each(number(0, 100), (2,)), number(0, 100))
LEVEL = number(1e-6, 1e6)
PATCH = listed_or_one(SIZE, all_of(whole(1, 1024), few))
# Class -> (needed arguments, further ones).
LAYERS: dict[str, tuple[dict[str, Check], dict[str, Check]]] = {
    "BalancedCrop3D": (
        {"patch_size": PATCH, "num_classes": whole(2, 1024)},
        {
            "class_weights": open_or(some(WEIGHT, 2, 1024)),
            "value": INTENSITY,
            "seed": open_or(SEED),
        },
    ),
    "ClipIntensity": (
        {},
        {
            "low": open_or(INTENSITY),
            "high": open_or(INTENSITY),
            "window": open_or(choice(*WINDOWS)),
        },
    ),
    "CropOrPad3D": (
        {"size": PATCH},
        {"mode": choice("constant", "edge"), "value": INTENSITY},
    ),
    "HistogramStandardize": (
        {},
        {
            "landmarks": open_or(landmarks),
            "percentiles": ascending(number(0, 100), range(2, 102), strictly=True),
            "out_range": ascending(INTENSITY, (2,), strictly=True),
            "region": REGIONS,
            "clip": truth,
        },
    ),
    "LabelToImage": (
        {"labels": codes},
        {
            "num_channels": whole(1, 64),
            "generation_classes": open_or(some(whole(0, LARGEST_CODE), 1, MOST_LABELS)),
            "mean": span(0, 1e6),
            "stddev": span(0, 1e6),
            "priors": open_or(listed_or_one(some(open_or(PRIORS), 1, 64), PRIORS)),
            "background": codes,
            "zero_background": SHARE,
            "removable": codes,
            "removal": SHARE,
            "bias_stddev": number(0, 10),
            "control_points": whole(2, 64),
            "log_gamma": number(0, 10),
            "blur": span(0, 32),
            "thick_slices": SHARE,
            "slice_spacing": span(1, 64),
            "axes": axes,
            "noise": span(0, 1e6),
            "targets": open_or(keyed(CODE, whole(0, 65_535), MOST_LABELS)),
            "seed": open_or(SEED),
        },
    ),
    "LocalHistogram": (
        {"levels": ascending(INTENSITY, range(2, 257), strictly=True)},
        {
            "block": whole(1, 256),
            "offset": INTENSITY,
            "scale": INTENSITY,
            "power": number(1e-6, 1),
        },
    ),
    "MarkChannels": ({}, {}),
    "RandomAffine3D": ({}, {**AFFINE, **WARP}),
    "RandomBiasField": (
        {},
        {"stddev": number(0, 10), "control_points": whole(2, 64), **RANDOM},
    ),
    "RandomChannelDropout": ({}, {"probability": SHARE, "value": INTENSITY, **RANDOM}),
    "RandomContrast3D": (
        {},
        {
            "factor": FACTOR,
            "preserve_range": truth,
            "per_channel": truth,
            **RANDOM,
        },
    ),
    "RandomCrop3D": (
        {"patch_size": PATCH},
        {"value": INTENSITY, "seed": open_or(SEED)},
    ),
    "RandomElasticTransform3D": ({}, {**ELASTIC, **WARP}),
    "RandomErasing3D": (
        {},
        {
            "num_boxes": whole_span(0, 64),
            "size": span(0, 1),
            "value": INTENSITY,
            "mask_value": open_or(whole(0, LARGEST_CODE)),
            "weight_value": open_or(WEIGHT),
            **RANDOM,
        },
    ),
    "RandomFlip3D": ({}, {"axes": axes, **RANDOM}),
    "RandomGamma": ({}, {"log_gamma": number(0, 10), **RANDOM}),
    "RandomGaussianBlur3D": ({}, {"sigma": span(0, 32), **RANDOM}),
    "RandomGhosting": (
        {},
        {
            "num_ghosts": whole_span(2, 1024),
            "axes": axes,
            "intensity": span(0, 1),
            "restore": SHARE,
            **RANDOM,
        },
    ),
    "RandomIntensityCurve": (
        {},
        {"strength": number(0, 10), "level": open_or(LEVEL), **RANDOM},
    ),
    "RandomIntensityMap": ({}, {"values": span(0, 1e6), "level": LEVEL, **RANDOM}),
    "RandomLesions": (
        {},
        {
            "label": whole(0, LARGEST_CODE),
            "tissue": codes,
            "near": codes,
            "num_lesions": whole_span(1, 256),
            "radius": span(1e-3, 256),
            "periventricular": SHARE,
            "distance": number(1e-3, 1024),
            "irregularity": number(0, 10),
            "contrast": open_or(contrasts),
            "spacing": one_or_three(number(0.05, 100)),
            **RANDOM,
        },
    ),
    "RandomLowResolution": (
        {},
        {
            "downsampling": span(1, 64),
            "axes": axes,
            "anisotropic": truth,
            "antialias": truth,
            "per_channel": truth,
            **RANDOM,
        },
    ),
    "RandomNoise": (
        {},
        {
            "stddev": span(0, 1e6),
            "foreground": truth,
            "kind": choice("gaussian", "rician"),
            **RANDOM,
        },
    ),
    "RandomScaleIntensity": ({}, {"factor": FACTOR, **RANDOM}),
    "RandomShiftIntensity": ({}, {"stddev": WEIGHT, "per_channel": truth, **RANDOM}),
    "RandomSpatial3D": (
        {},
        {
            **AFFINE,
            **ELASTIC,
            "affine_rate": SHARE,
            "elastic_rate": SHARE,
            **WARP,
        },
    ),
    "RandomSpike": (
        {},
        {
            "num_spikes": whole_span(0, 64),
            "intensity": span(0, 100),
            "per_channel": truth,
            **RANDOM,
        },
    ),
    "RescaleIntensity": (
        {},
        {
            "out_range": each(INTENSITY, (2,)),
            "percentiles": ascending(number(0, 100), (2,), strictly=True),
            "clip": truth,
            "in_range": open_or(ascending(INTENSITY, (2,), strictly=True)),
        },
    ),
    "Resizing3D": (
        {},
        {
            "size": open_or(PATCH),
            "factor": open_or(one_or_three(number(0.01, 16))),
            "interpolation": INTERPOLATION,
            "antialias": truth,
        },
    ),
    "ZScore": ({}, {"region": REGIONS}),
}
