"""What Volume and Prediction show of themselves in a notebook."""

from html import escape

from medzoo.drawing.palette import class_colours
from medzoo.drawing.pictures import data_address, three_slices
from medzoo.drawing.slice_views import CONVENTION
from medzoo.errors import InputError

# Pixels: small enough that a notebook with many of them stays small.
LONGEST = 192
_BOX = "display:inline-block;font:13px sans-serif;max-width:100%"
_IMAGE = "background:#000;vertical-align:top;margin:0 4px 4px 0"


def volume_html(volume):
    """Returns HTML of three middle slices and the facts of a Volume; no script."""
    pictures = three_slices(volume, longest=LONGEST)
    return _box(escape(facts(volume)), pictures, volume.warnings)


def prediction_html(prediction):
    """Returns the HTML view of a Prediction, with slices of its image if it has one.

    A label map is drawn without the scan, which a Prediction does not hold:
    `prediction.plot(scan)` lays it over.
    """
    title = f"<b>{escape(prediction.model)}</b>: {escape(str(prediction))}"
    pictures, legend = {}, ""
    if prediction.labels is not None:
        pictures = three_slices(labels=prediction.classes(), longest=LONGEST)
        legend = _legend(prediction.class_names)
    elif prediction.image is not None:
        pictures = three_slices(prediction.image, longest=LONGEST)
    return _box(title, pictures, prediction.warnings, legend)


def plot_volume(volume):
    """Returns a matplotlib Figure of three middle slices and the facts."""
    blocks = [("volume", facts(volume)), *(("warning", w) for w in volume.warnings)]
    return _figure()(volume, blocks=blocks, notes=(CONVENTION,))


def plot_prediction(prediction, scan=None):
    """Returns a matplotlib Figure of a Prediction.

    Args:
        prediction: `Prediction`.
        scan: Volume that it was made of, to lay a label map over, or None.

    Raises:
        InputError: if there is nothing to draw, `scan` has another shape than the
            label map, or matplotlib is missing.
    """
    labels = None if prediction.labels is None else prediction.classes()
    ground = scan if labels is not None or prediction.image is None else None
    ground = next(
        (v for v in (ground, prediction.image, labels) if v is not None), None
    )
    if ground is None:
        raise InputError(
            f"The result of {prediction.task} is drawn on its scan. "
            "Received: scan=None. Call plot(medzoo.read(path))."
        )
    if labels is not None and labels.shape != ground.shape:
        raise InputError(
            "The scan must have the shape of the label map. Received: "
            f"{ground.shape} and {labels.shape}. Pass the first channel of the case."
        )
    blocks = [(prediction.model, str(prediction))]
    blocks += [("warning", warning) for warning in prediction.warnings]
    return _figure()(ground, labels, blocks=blocks, notes=(CONVENTION,))


def facts(volume):
    """Returns shape, spacing, orientation and type of a Volume as a line."""
    shape = " x ".join(str(n) for n in volume.shape)
    spacing = " x ".join(f"{s:.3g}" for s in volume.spacing)
    text = f"{shape} voxels of {spacing} mm, {volume.orientation}, {volume.array.dtype}"
    if volume.num_channels > 1:
        text += f", {volume.num_channels} channels (the first is shown)"
    return text


def _figure():
    try:
        from medzoo.drawing.figure import slices_figure
    except ImportError as error:
        raise InputError(
            "plot() draws with matplotlib, which is not installed. "
            f"Received: {error}. "
            'Install it: pip install "medzoo[demo]".'
        ) from error
    return slices_figure


def _box(title, pictures, warnings, legend=""):
    images = "".join(
        f'<img src="{data_address(png)}" alt="{view} slice through the middle" '
        f'title="{view}" style="{_IMAGE}">'
        for view, png in pictures.items()
    )
    notes = [f"Warning: {escape(text)}" for text in warnings]
    if pictures:
        notes.append(escape(CONVENTION))
    lines = "".join(f"<div><small>{note}</small></div>" for note in notes)
    return f'<div style="{_BOX}"><div>{title}</div>{images}{legend}{lines}</div>'


def _legend(names):
    """A line with the colour of each class; names are background first."""
    colours = class_colours(len(names) - 1)
    items = "".join(
        f'<span style="white-space:nowrap;margin-right:1em"><span style="display:'
        f"inline-block;width:1em;height:1em;background:rgb({r},{g},{b});"
        f'vertical-align:text-bottom"></span> {escape(name)}</span>'
        for name, (r, g, b) in zip(names[1:], colours, strict=True)
    )
    return f"<div>{items}</div>"
