"""Draws what each model answers on an average brain: the pictures on the model cards.

    python docs/pictures_of_results.py [NAME ...]
    python docs/pictures_of_results.py --all-in-one

writes zoo_models/NAME/result.png, or docs/pictures/results.png. The scan is the MNI152
average that the nilearn package carries: no picture shows a person. Run `medzoo cards`
after.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import medzoo
from medzoo.cli.demo import template_path
from medzoo.cli.demo_picture import draw
from medzoo.data.feeds.degradation import degrade_volume
from medzoo.data.feeds.upsampling import cubic_b_spline
from medzoo.drawing.pictures import blend, grey_levels
from medzoo.spatial import Grid, orient, resample_to
from medzoo.spatial.factor_grid import three_factors
from medzoo.zoo.cards.card import PICTURE_FILE
from medzoo.zoo.registry import zoo_folder


def main(names):
    """Draws the pictures of some models, or of all."""
    scan = medzoo.read(template_path())
    for name in names or medzoo.list_models():
        model = medzoo.load(name)
        path = zoo_folder() / name / PICTURE_FILE
        panels = PANELS.get(model.recipe["task"])
        if panels is None:
            draw(scan, {name: model.predict_volume(scan)}, path)
        else:
            draw_row(panels(model, scan), path)
        sys.stdout.write(f"{path}\n")


def fine_panels(model, scan):
    """The coarse scan, its interpolation, what the model makes of it, and the truth."""
    factor = three_factors(
        model.recipe["architecture"]["arguments"]["upsampling_factor"]
    )
    # Sizes that the factor divides, so that all four show the same field of view.
    sizes = [n // f * f for n, f in zip(scan.shape, factor, strict=True)]
    scan = scan.with_array(scan.array[tuple(slice(0, n) for n in sizes)])
    coarse = degrade_volume(scan, factor)
    found = model.predict_volume(coarse).image
    cubic = found.with_array(cubic_b_spline(coarse.array.astype("float32"), factor))
    spacing = coarse.spacing[0]
    return [
        (f"voxels of {spacing:g} mm", coarse),
        ("cubic B-spline", cubic),
        (f"the model, {found.spacing[0]:g} mm", found),
        ("the scan that was made coarse", scan),
    ]


def coded_panels(model, scan):
    """The scan, and what its code alone gives back."""
    found = model.predict_volume(scan)
    back = resample_to(found.image, Grid.of(scan))
    count = len(found.embedding)
    return [
        ("the scan", scan),
        (f"made of {count} numbers", back),
    ]


def draw_all_in_one(path):
    """Draws what the five models answer on the average brain side by side."""
    scan = orient(medzoo.read(template_path()), "RAS")
    answers = {}
    for name in ("ixi_age_resnet", "ixi_sex_resnet", "mrbrains_tissue_unet"):
        answers[name] = medzoo.load(name).predict_volume(scan)
    coded = coded_panels(medzoo.load("ixi_representation_cae"), scan)[1]
    coarse, _, fine, _ = fine_panels(medzoo.load("ixi_superres_x4"), scan)
    figure = Figure(figsize=(15, 4.2), facecolor="black")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 5, left=0.01, right=0.99, top=0.84, wspace=0.04)
    tissue = figure.add_subplot(grid[:, 0])
    labels = orient(answers["mrbrains_tissue_unet"].labels, "RAS")
    _show(tissue, "mrbrains_tissue_unet\nnine classes", scan, labels)
    _draw_age(figure.add_subplot(grid[0, 1]), answers["ixi_age_resnet"])
    _draw_sex(figure.add_subplot(grid[1, 1]), answers["ixi_sex_resnet"])
    titles = {
        f"ixi_representation_cae\n{coded[0]}": coded[1],
        f"in: {coarse[0]}": coarse[1],
        f"ixi_superres_x4\n{fine[0].removeprefix('the model, ')} out": fine[1],
    }
    for number, (title, volume) in enumerate(titles.items(), 2):
        _show(figure.add_subplot(grid[:, number]), title, volume)
    figure.savefig(path, facecolor="black", dpi=90)


def _show(axes, title, volume, labels=None, size=11):
    """One axial slice, the right on the left as radiologists look at it."""
    volume = orient(volume, "RAS")
    array = np.squeeze(volume.array)
    middle = array.shape[2] // 2
    window = (0, np.percentile(array, 99.7))
    picture = grey_levels(array[::-1, :, middle].T, window)
    if labels is not None:
        picture = blend(picture, labels.array[::-1, :, middle].T)
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    axes.imshow(picture, origin="lower", interpolation="nearest", **grey)
    axes.set_axis_off()
    axes.set_title(title, color="white", fontsize=size)


def _draw_age(axes, answer):
    low, high = answer.interval
    axes.plot([low, high], [0, 0], color="tab:blue", lw=10, solid_capstyle="butt")
    axes.plot(answer.value, 0, "o", color="white", ms=9)
    axes.set(xlim=(10, 90), ylim=(-1, 1))
    axes.set_title(f"ixi_age_resnet\n{answer}", color="white", fontsize=11)
    _plain(axes, "years")


def _draw_sex(axes, answer):
    names = list(answer.probabilities)
    axes.barh(names, [answer.probabilities[n] for n in names], color="tab:blue")
    axes.set(xlim=(0, 1), ylim=(-0.7, len(names) - 0.3))
    for row, name in enumerate(names):
        axes.text(0.02, row, name, color="white", va="center", fontsize=11)
    axes.set_title("ixi_sex_resnet", color="white", fontsize=11)
    _plain(axes, "probability")


def _plain(axes, unit):
    """Only the scale below, in white."""
    axes.set_facecolor("black")
    axes.set_yticks([])
    axes.set_box_aspect(0.28)
    axes.set_xlabel(unit, color="white")
    axes.tick_params(colors="white")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("white")


def draw_row(panels, path):
    """Draws one axial slice of each volume side by side, all on one scale."""
    width = 3.0 * len(panels)
    figure = Figure(figsize=(width, 4.0), facecolor="black")
    FigureCanvasAgg(figure)
    for number, (title, volume) in enumerate(panels, 1):
        _show(figure.add_subplot(1, len(panels), number), title, volume, size=9)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.9, wspace=0.03)
    figure.savefig(path, facecolor="black", dpi=100)


PANELS = {"super_resolution": fine_panels, "reconstruction": coded_panels}


if __name__ == "__main__":
    if sys.argv[1:] == ["--all-in-one"]:
        draw_all_in_one(Path(__file__).parent / "pictures/results.png")
    else:
        main(sys.argv[1:])
