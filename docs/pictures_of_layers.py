"""Makes docs/layers.md and docs/pictures/layers.png: what each layer does.

    python docs/pictures_of_layers.py

Needs the extra "demo". The volume is the MNI152 average brain that nilearn brings, so
that no person's scan is shown.
"""

import io
from pathlib import Path

import keras
import numpy as np

from medzoo import layers

FOLDER = Path(__file__).parent
PAGE = FOLDER / "layers.md"
PICTURE = FOLDER / "pictures" / "layers.png"
COLUMNS = 8
TILE_INCHES = (1.6, 2.15)
DPI = 90
# A draw that shows the effect; for most layers the first one does.
SEEDS = {
    "RandomContrast3D": 2,
    "RandomFlip3D": 0,
    "RandomGamma": 13,
    "RandomLesions": 10,
}

# Family -> layer -> arguments that make its effect plain on a brain at 1 mm. Lengths
# are voxels; what acts along one axis does so within the slice that is shown.
FAMILIES = {
    "Normalising": {
        "ZScore": {"region": "foreground"},
        "RescaleIntensity": {"percentiles": (2, 98)},
        "ClipIntensity": {"low": 0.4, "high": 0.7},
        "HistogramStandardize": {
            "landmarks": (0.1, 0.25, 0.35, 0.9),
            "percentiles": (1, 25, 50, 99),
        },
        "LocalHistogram": {"levels": (0.3, 0.55, 0.7, 0.9), "block": 4},
    },
    "Space": {
        "RandomFlip3D": {"axes": ("AP",)},
        "CropOrPad3D": {"size": (150, 280, 184)},
        "Resizing3D": {"size": (48, 58, 46)},
        "RandomCrop3D": {"patch_size": 112},
        "BalancedCrop3D": {
            "patch_size": 80,
            "num_classes": 5,
            "class_weights": (0, 0, 0, 0, 1),
        },
        "RandomAffine3D": {"rotation": 25, "scale": 0.15, "shear": 0.15, "shift": 10},
        "RandomElasticTransform3D": {"displacement": 20, "control_points": 5},
        "RandomSpatial3D": {"rotation": 20, "displacement": 12},
    },
    "Intensity": {
        "RandomScaleIntensity": {"factor": 0.6},
        "RandomShiftIntensity": {"stddev": 0.25},
        "RandomContrast3D": {"factor": 0.9, "preserve_range": False},
        "RandomGamma": {"log_gamma": 1.0},
        "RandomIntensityCurve": {"strength": 1.5},
        "RandomIntensityMap": {"level": 0.6},
        "RandomBiasField": {"stddev": 0.5},
        "RandomNoise": {"stddev": (0.1, 0.1), "kind": "rician", "foreground": False},
        "RandomGaussianBlur3D": {"sigma": (1.5, 1.5)},
        "RandomLowResolution": {"downsampling": (6, 6), "axes": ("PA",)},
        "RandomGhosting": {"num_ghosts": 4, "axes": ("PA",), "intensity": (0.9, 0.9)},
        "RandomSpike": {"intensity": (0.2, 0.2)},
        "RandomChannelDropout": {"probability": 1.0},
        "RandomErasing3D": {"num_boxes": 6, "size": (0.15, 0.4)},
    },
    "Synthesis": {
        "LabelToImage": {"labels": (0, 2, 3, 4, 24), "num_channels": 3},
        "RandomLesions": {
            "tissue": (2,),
            "near": (4,),
            "num_lesions": 60,
            "radius": (1, 6),
            "contrast": (-0.45, -0.45),
        },
    },
    "Parts of networks": {
        "AddVolume": {},
        "AnatomyFeatures": {},
        "CropLike3D": {},
        "CropToMultiple3D": {},
        "DepthToSpace3D": {},
        "Displace3D": {},
        "FeatureScaling": {},
        "LinearUpsample3D": {},
        "MarkChannels": {},
        "PadChannels": {},
        "PadToMultiple3D": {},
        "ScaleChannels": {},
    },
}
NOT_SHOWN = "Parts of networks"
# Shown between their own extremes: on the scale of the input most would be white.
OWN_SCALE = ("ZScore", "LocalHistogram")
INTRODUCTION = """\
# The layers

All of them are Keras layers in `medzoo.layers`. Those of the first four families take
one volume `(x, y, z, channels)` or a batch of them, alone or in a dict with
`"images"`, `"segmentation_masks"`, `"weights"` and `"labels"`; a random layer draws
once and does the same to all of them, label maps by nearest neighbour. They chain in
`keras.Sequential` and `keras.layers.Pipeline`, run in `tf.data.Dataset.map`, in `fit`
and compiled, on TensorFlow and on JAX, and do nothing at inference. Arguments stand in
each layer's docstring: `help(medzoo.layers.RandomElasticTransform3D)`.

Names and arguments are those of Keras. What Keras has for pictures has the same name
and `3D` here (`RandomFlip3D`, `RandomContrast3D`, `Resizing3D`). `factor=0.3` draws a
number from 0.7 to 1.3, `stddev` is a standard deviation, and channels share a draw
unless `per_channel=True`.

![What each layer does to a slice of the average brain](pictures/layers.png)

The volume is the MNI152 average brain; effects are exaggerated. Below each name stand
the smallest and the largest intensity. Page and picture are made by
`python docs/pictures_of_layers.py`.
"""


def page():
    """Returns the text of docs/layers.md: one line a layer, from its docstring."""
    parts = [INTRODUCTION]
    for family, names in FAMILIES.items():
        lines = [f"- **`{name}`**: {summary(getattr(layers, name))}" for name in names]
        parts.append("\n".join([f"## {family}", "", *lines, ""]))
    return "\n".join(parts)


def summary(layer):
    """Returns the first sentence of a class's docstring, without the full stop."""
    return layer.__doc__.strip().splitlines()[0].removesuffix(".")


def average_brain():
    """Returns the MNI152 template and a label map of it with FreeSurfer's codes.

    White matter is 2, grey matter 3, the ventricles 4, other fluid 24.

    Returns:
        `(x, y, z, 1)` float32 from 0 to 1 and `(x, y, z, 1)` int32, 1 mm, in RAS order.
    """
    from nilearn import datasets
    from scipy import ndimage

    template = datasets.load_mni152_template(resolution=1)
    image = template.get_fdata().astype("float32")
    brain = datasets.load_mni152_brain_mask(resolution=1).get_fdata() > 0
    white = datasets.load_mni152_wm_template(resolution=1).get_fdata() > 0.5
    grey = datasets.load_mni152_gm_template(resolution=1).get_fdata() > 0.5
    labels = np.where(white, 2, np.where(grey, 3, np.where(brain, 24, 0)))
    # The ventricles: the largest piece of fluid that is far from the surface.
    deep = ndimage.distance_transform_edt(brain) > 30
    pieces, _ = ndimage.label((labels == 24) & deep)
    largest = np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    labels[pieces == largest] = 4
    # Sizes that a block of LocalHistogram divides.
    box = tuple(slice(n % 4 // 2, n % 4 // 2 + n // 4 * 4) for n in labels.shape)
    return (image * brain)[box][..., None], labels[box][..., None].astype("int32")


def tiles(image, labels):
    """Yields a title and a volume `(x, y, z)` for each tile of each shown family."""
    for family, names in FAMILIES.items():
        if family == NOT_SHOWN:
            continue
        shown = [("the volume", image[..., 0])] if family == "Normalising" else []
        for name, arguments in names.items():
            found = results(name, arguments, image, labels)
            counted = [f"{name} ({i})" for i in range(1, len(found) + 1)]
            titles = counted if len(found) > 1 else [name]
            shown += zip(titles, found, strict=True)
        yield family, shown


def results(name, arguments, image, labels):
    """Returns what a layer makes of the brain: a volume a channel that is shown."""
    keras.utils.set_random_seed(0)
    # The second of two channels is a copy, so that one may be dropped.
    channels = 2 if name == "RandomChannelDropout" else 1
    data = {
        "images": np.repeat(image, channels, -1),
        "segmentation_masks": labels,
    }
    layer = getattr(layers, name)(**arguments, seed=SEEDS.get(name, 4))
    found = np.asarray(layer(data, training=True)["images"])
    return [found[..., channel] for channel in range(found.shape[-1])]


def draw(image, labels):
    """Returns the matplotlib Figure: a row or more a family."""
    from matplotlib.figure import Figure

    families = [(family, list(shown)) for family, shown in tiles(image, labels)]
    rows = [
        (family, shown[start : start + COLUMNS])
        for family, shown in families
        for start in range(0, len(shown), COLUMNS)
    ]
    width, height = TILE_INCHES
    figure = Figure((COLUMNS * width, len(rows) * height))
    axes = figure.subplots(len(rows), COLUMNS, squeeze=False)
    share = np.argwhere(labels[..., 0] == 4)[:, 2].mean() / image.shape[2]
    for row, (family, shown) in zip(axes, rows, strict=True):
        for column, axis in enumerate(row):
            axis.axis("off")
            if column < len(shown):
                draw_tile(axis, *shown[column], share)
        row[0].text(
            -0.14, 0.5, family, rotation=90, va="center", transform=row[0].transAxes
        )
    figure.tight_layout(pad=1.0, h_pad=0.6, w_pad=0.4)
    return figure


def draw_tile(axis, name, volume, share):
    """Draws one axial slice, `share` of the way up, front at the top."""
    values = volume[:, :, int(share * volume.shape[2])]
    own = name.split()[0] in OWN_SCALE
    limits = (values.min(), values.max()) if own else (0, 1)
    axis.imshow(values.T, cmap="gray", origin="lower", vmin=limits[0], vmax=limits[1])
    axis.set_title(f"{name}\n{volume.min():.2g} to {volume.max():.2g}", fontsize=7.5)


def save(figure, path):
    """Writes a Figure as a grey PNG, a third of the size of a coloured one."""
    from PIL import Image

    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, format="png")
    path.parent.mkdir(exist_ok=True)
    Image.open(buffer).convert("L").save(path, optimize=True)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    save(draw(*average_brain()), PICTURE)
