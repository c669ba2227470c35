"""Draws what each model answers on an average brain: the pictures on the model cards.

    python docs/pictures_of_results.py [NAME ...]

writes zoo_models/NAME/result.png. The scan is the MNI152 average that the nilearn
package carries: no picture shows a person. Run `medzoo cards` after.
"""

import sys

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import medzoo
from medzoo.cli.demo import template_path
from medzoo.cli.demo_picture import draw
from medzoo.data.degradation import degrade_volume
from medzoo.data.upsampling import cubic_b_spline
from medzoo.spatial import Grid, orient, resample_to
from medzoo.spatial.factor_grid import three_factors
from medzoo.zoo.cards import PICTURE_FILE
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


def draw_row(panels, path):
    """Draws one axial slice of each volume side by side, all on one scale."""
    width = 3.0 * len(panels)
    figure = Figure(figsize=(width, 4.0), facecolor="black")
    FigureCanvasAgg(figure)
    for number, (title, volume) in enumerate(panels, 1):
        volume = orient(volume, "RAS")
        array = np.squeeze(volume.array)
        middle = array.shape[2] // 2
        axes = figure.add_subplot(1, len(panels), number)
        axes.set_axis_off()
        axes.set_title(title, color="white", fontsize=9)
        # The right is on the left, as radiologists look at it.
        axes.imshow(
            array[::-1, :, middle].T,
            cmap="gray",
            origin="lower",
            vmin=0,
            vmax=np.percentile(array, 99.7),
            interpolation="nearest",
        )
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.9, wspace=0.03)
    figure.savefig(path, facecolor="black", dpi=100)


PANELS = {"super_resolution": fine_panels, "reconstruction": coded_panels}


if __name__ == "__main__":
    main(sys.argv[1:])
