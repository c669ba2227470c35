"""The three views of a case: pictures that always show, and what makes them move."""

from medzoo.drawing.palette import class_colours
from medzoo.drawing.pictures import blend, data_address, nearest, shrink
from medzoo.drawing.slice_views import PANELS, slice_of
from medzoo.io.png import encode_png
from medzoo.reporting.display import fit_display
from medzoo.reporting.markup import element

# Axial first, as radiologists read.
ORDER = ("axial", "coronal", "sagittal")
SIDES = ("left", "right", "top", "bottom")
# Pixels of the longest side of a picture that stands still.
STILL = 320
SMALL_STILL = 160
THUMBNAIL = 72
# Layer over the scan -> words beside its slider, and where that starts.
OPACITY = {
    "labels": ("Opacity of the classes", 45),
    "heat": ("Opacity of the map", 85),
}
NAMES = {"image": "scan", "result": "result"}


def viewer(display, budget, channel, class_names=None):
    """Returns the views of a case.

    Args:
        display: `Display` at full size.
        budget: int, bytes for the moving views; 0 for still pictures alone.
        channel: str, name of the channel that is shown.
        class_names: list of str, background first, or None.

    Returns:
        `Markup`.
    """
    fitted = fit_display(display, budget) if budget else None
    longest = STILL if budget else SMALL_STILL
    panels = {panel[0]: panel for panel in PANELS}
    figures = [_figure(display, panels[name], longest, fitted) for name in ORDER]
    paired = "result" in display.layers
    views = element("div", figures, class_="views pairs" if paired else "views")
    controls = _controls(display, fitted)
    shown = f"Shown: {channel}"
    if class_names is not None:
        shown += ", with the classes laid over it"
    if "heat" in display.layers:
        shown += ", with the map laid over it"
    if fitted is None:
        note = f"{shown}. Middle slices only: the report keeps to its size."
        return element("div", views, element("p", note, class_="note"), class_="still")
    small, layers = fitted
    spacing = " x ".join(f"{s:.3g}" for s in small.spacing)
    note = f"{shown}, drawn with voxels of {spacing} mm"
    note += " (fewer than it has, for display only)." if small.reduced else "."
    data = {f"data_{name}": text for name, text in layers.items()}
    if class_names is not None:
        data["data_colours"] = " ".join(
            map(_colour, class_colours(len(class_names) - 1))
        )
    return element(
        "div",
        controls,
        views,
        element("p", note, class_="note"),
        class_="viewer",
        data_shape=" ".join(map(str, small.shape)),
        data_middle=" ".join(map(str, small.middle)),
        data_spacing=" ".join(f"{s:.6g}" for s in small.spacing),
        **data,
    )


def stills(display):
    """Returns the views of a case as small pictures, a list of `Markup`.

    Args:
        display: `Display` at full size.
    """
    panels = {panel[0]: panel for panel in PANELS}
    return [_figure(display, panels[name], SMALL_STILL, None) for name in ORDER]


def pictures_with_sides(pictures):
    """Returns pictures that are there already as views, a list of `Markup`.

    Args:
        pictures: dict of a view's name -> `(rows, columns, 3)` uint8, of one scale.
    """
    panels = {panel[0]: panel for panel in PANELS}
    views = []
    for name in ORDER:
        rows, columns = pictures[name].shape[:2]
        address = data_address(encode_png(pictures[name]))
        pane = element(
            "div",
            element("img", src=address, alt=f"{name} slice"),
            _edges(panels[name][-1]),
            class_="pane",
            style=f"aspect-ratio: {columns} / {rows}",
        )
        views.append(
            element(
                "figure",
                element("figcaption", name.capitalize()),
                element("div", pane, class_="panes"),
                class_="view",
                style=f"--width: {columns}",
            )
        )
    return views


def thumbnail(display, alt):
    """Returns a small axial slice as an image element."""
    panel = next(panel for panel in PANELS if panel[0] == "axial")
    layer = "result" if "result" in display.layers else "image"
    return _still(display, panel, THUMBNAIL, layer, alt)


def _figure(display, panel, longest, fitted):
    title, cut, horizontal, _, letters = panel
    panes = [
        _pane(display, panel, longest, layer)
        for layer in ("image", "result")
        if layer in display.layers
    ]
    slider = None
    if fitted is not None:
        small = fitted[0]
        slider = element(
            "label",
            element("span", f"{title} slice", class_="unseen"),
            element(
                "input",
                type="range",
                min=0,
                max=small.shape[cut] - 1,
                value=small.middle[cut],
                data_axis=cut,
                autocomplete="off",
            ),
            element("span", class_="at"),
            class_="slider",
            hidden=True,
        )
    width = display.shape[horizontal] * display.spacing[horizontal]
    caption = element("figcaption", title.capitalize())
    return element(
        "figure",
        caption,
        element("div", panes, class_="panes"),
        slider,
        class_="view",
        style=f"--width: {width * len(panes):.0f}",
        data_axis=cut,
        data_letters=letters,
    )


def _pane(display, panel, longest, layer):
    title, _, horizontal, vertical, letters = panel
    alt = f"{title} slice through the middle, {NAMES[layer]}"
    if layer == "image" and "labels" in display.layers:
        alt += " with its classes"
    size = [n * s for n, s in zip(display.shape, display.spacing, strict=True)]
    paired = "result" in display.layers
    return element(
        "div",
        _still(display, panel, longest, layer, alt),
        element("canvas", role="img", aria_label=alt, hidden=True),
        _edges(letters),
        element("span", NAMES[layer], class_="layer") if paired else None,
        class_="pane",
        data_layer=layer,
        style=f"aspect-ratio: {size[horizontal]:.4g} / {size[vertical]:.4g}",
    )


def _edges(letters):
    """What is left, right, on top and below of a picture."""
    return [
        element("span", letter, class_=f"edge {side}", aria_hidden="true")
        for letter, side in zip(letters, SIDES, strict=True)
    ]


def _still(display, panel, longest, layer, alt):
    _, cut, horizontal, vertical, _ = panel
    size = (display.spacing[vertical], display.spacing[horizontal])
    extent = max(n * s for n, s in zip(display.shape, display.spacing, strict=True))
    pixel = max(extent / longest, min(display.spacing))
    middle = display.middle[cut]
    picture = shrink(slice_of(display.layers[layer], cut, middle), size, pixel)
    if layer == "image" and "labels" in display.layers:
        classes = slice_of(display.layers["labels"], cut, middle)
        picture = blend(picture, nearest(classes, size, pixel))
    rows, columns = picture.shape[:2]
    address = data_address(encode_png(picture))
    return element("img", src=address, alt=alt, width=columns, height=rows)


def _controls(display, fitted):
    if fitted is None:
        return None
    opacity = None
    for layer, (words, percent) in OPACITY.items():
        if layer in display.layers:
            opacity = element(
                "label",
                f"{words} ",
                element(
                    "input",
                    type="range",
                    min=0,
                    max=100,
                    step=5,
                    value=percent,
                    class_="opacity",
                    autocomplete="off",
                ),
                element("span", f"{percent} %", class_="at"),
            )
    cross = element(
        "label",
        element("input", type="checkbox", class_="cross-on", autocomplete="off"),
        " Cross hair",
    )
    hint = element("span", "Click into a view to cut there.", class_="note")
    return element("div", opacity, cross, hint, class_="controls", hidden=True)


def _colour(colour):
    return ",".join(str(int(part)) for part in colour)
