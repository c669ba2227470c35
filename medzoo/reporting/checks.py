"""What was checked of a case, and on which grid the network saw it."""

from medzoo.reporting.markup import element, table
from medzoo.spatial import Grid
from medzoo.volume import Volume

# Steps that find the head, and so judge whether there is one.
_FIND_HEAD = {"register", "check_head", "crop_to_brain", "scale_to_white_matter"}


def checks_section(volume, placed, recipe, given):
    """Returns a table of the input's geometry and of what became of it.

    Args:
        volume: Volume, the input.
        placed: Volume on the network's grid; None where it was made in an earlier run.
        recipe: dict, the recipe's content.
        given: names of the channels that the case has.

    Returns:
        `Markup`.
    """
    rows = [
        ("Channels", _channels(recipe, given)),
        ("Input", _geometry(volume)),
        ("Field of view", _extent(volume)),
        ("Checked", _checked(recipe, given)),
        ("Spatial steps", _steps(recipe["preprocessing"]["spatial"], "step")),
        ("Network input", _seen(volume, placed)),
        ("Intensities", _steps(recipe["preprocessing"]["layers"], "class")),
    ]
    return table(rows, class_="facts")


def finds_head(recipe):
    """Returns whether a step of a recipe finds the head and judges it, a bool."""
    steps = {step["step"] for step in recipe["preprocessing"]["spatial"]}
    return bool(steps & _FIND_HEAD)


def _channels(recipe, given):
    missing = [c["name"] for c in recipe["channels"] if c["name"] not in given]
    text = ", ".join(given)
    return text + (f" (not given: {', '.join(missing)})" if missing else "")


def _geometry(volume):
    shape = " x ".join(str(n) for n in volume.shape)
    spacing = " x ".join(f"{s:.4g}" for s in volume.spacing)
    return f"{shape} voxels of {spacing} mm, axes to {volume.orientation}"


def _extent(volume):
    extent = [n * s for n, s in zip(volume.shape, volume.spacing, strict=True)]
    return " x ".join(f"{length:.0f}" for length in extent) + " mm"


def _checked(recipe, given):
    text = (
        "three-dimensional, finite, in a valid space; intensities as in "
        f"{' and '.join(given)}"
    )
    if finds_head(recipe):
        text += "; a head of plausible shape. Anything unusual is listed as a warning"
    return text + "."


def _steps(steps, key):
    """Steps in the order they are taken, with their settings."""
    if not steps:
        return "none"
    items = []
    for step in steps:
        settings = ", ".join(f"{k}={_short(v)}" for k, v in step["arguments"].items())
        items.append(
            element("li", f"{step[key]} ({settings})" if settings else step[key])
        )
    return element("ol", items)


def _short(value):
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _seen(volume, placed):
    if placed is None:
        return "predicted in an earlier run, with these steps"
    before, after = Grid.of(volume), Grid.of(Volume(placed.array, placed.affine))
    text = _geometry(placed)
    same = (
        before.shape == after.shape and abs(before.affine - after.affine).max() < 1e-6
    )
    return text + (" (the input's own grid)" if same else " (resampled)")
