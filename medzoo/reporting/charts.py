"""Small charts as SVG and HTML, in the colours of the page."""

import math

import numpy as np

from medzoo.reporting.markup import element

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 12, 12, 34, 42
# Charts of which several stand in a row.
SMALL_WIDTH, SMALL_HEIGHT = 300, 200
SMALL_LEFT, SMALL_TOP, SMALL_BOTTOM = 44, 24, 36
# Words that end where they are put.
END = {"class_": "tick end", "font_size": 11, "text_anchor": "end"}
STEPS = (1, 2, 2.5, 5, 10)
# The colours of the page's style come first where that is known.
AXIS = {"class_": "axis", "stroke": "#59636e"}


def value_chart(value, interval, unit, targets=None):
    """Draws a value and its interval on the distribution of the training cases.

    Args:
        value: float.
        interval: (low, high) or None.
        unit: str.
        targets: array of numbers, or None where they are not known.

    Returns:
        `Markup`, an SVG.
    """
    ends = [value, *(interval or ()), *(() if targets is None else targets)]
    low, high, step = _scale(min(ends), max(ends))

    def x_of(number):
        share = (number - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)

    base = HEIGHT - BOTTOM
    parts = [] if targets is None else _bars(targets, low, high, step, x_of)
    if interval is not None:
        left, right = map(x_of, interval)
        size = {"width": round(right - left, 2), "height": base - TOP}
        style = {"class_": "interval", "fill": "#0b62b4", "fill_opacity": 0.28}
        parts.append(element("rect", x=left, y=TOP, **style, **size))
    line = {"class_": "value", "stroke": "#0b62b4", "stroke_width": 3}
    line |= {"x1": x_of(value), "x2": x_of(value), "y1": TOP - 6, "y2": base}
    parts += [
        element("line", **line),
        _words(f"{value:.1f} {unit}", x_of(value), TOP - 12, "value-text"),
        element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=base, y2=base, **AXIS),
    ]
    for tick in np.arange(low, high + step / 2, step):
        parts.append(_words(f"{tick:g}", x_of(tick), base + 18, "tick"))
    parts.append(_words(unit, WIDTH / 2, HEIGHT - 4, "tick"))
    return element(
        "svg",
        element("title", f"{value:.1f} {unit} on the distribution of training cases"),
        parts,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="chart",
    )


def centile_chart(title, ages, curves, age, volume, caption):
    """Draws a person's volume on the curves of healthy people.

    Args:
        title: str.
        ages: `(n,)` float, years.
        curves: `(5, n)` float, ml: the 5th, 25th, 50th, 75th and 95th centile.
        age: float, years, of the person.
        volume: float, ml, of the person.
        caption: str, said of the person's point.

    Returns:
        `Markup`, an SVG.
    """
    low, high, step = _scale(min(curves.min(), volume), max(curves.max(), volume))
    first, last = float(ages[0]), float(ages[-1])

    def x_of(years):
        share = (years - first) / (last - first)
        return round(SMALL_LEFT + share * (SMALL_WIDTH - SMALL_LEFT - RIGHT), 2)

    def y_of(size):
        room = SMALL_HEIGHT - SMALL_BOTTOM - SMALL_TOP
        return round(SMALL_TOP + (high - size) / (high - low) * room, 2)

    def points(values):
        pairs = zip(ages, values, strict=True)
        return [f"{x_of(a)},{y_of(v)}" for a, v in pairs]

    parts = _bands([points(curve) for curve in curves])
    sizes = {tick: y_of(tick) for tick in np.arange(low, high + step / 2, step)}
    years = range(20 * math.ceil(first / 20), int(last) + 1, 20)
    parts += _axes(sizes, {year: x_of(year) for year in years})
    heads = {"x": SMALL_LEFT, "y": 14, "font_size": 12, "class_": "value-text"}
    dot = {"cx": x_of(age), "cy": y_of(volume), "r": 4.5, "class_": "person"}
    parts += [
        element("text", f"{title}, ml", **heads),
        element("circle", element("title", caption), fill="#b3261e", **dot),
    ]
    return element(
        "svg",
        element("title", f"{title}: {caption}"),
        parts,
        viewBox=f"0 0 {SMALL_WIDTH} {SMALL_HEIGHT}",
        role="img",
        class_="chart centiles",
    )


def _bands(curves):
    """The bands between the outer curves, and the middle one; points of five curves."""
    band = {"class_": "band", "fill": "#0b62b4", "stroke": "none"}
    parts = [
        element(
            "polygon",
            points=" ".join(curves[lower] + curves[upper][::-1]),
            fill_opacity=opacity,
            **band,
        )
        for lower, upper, opacity in ((0, 4, 0.13), (1, 3, 0.2))
    ]
    line = {"fill": "none", "stroke": "#0b62b4", "stroke_width": 1.5}
    return [*parts, element("polyline", points=" ".join(curves[2]), **line)]


def _axes(sizes, years):
    """The axis of a centile chart, its ticks and their words."""
    base = SMALL_HEIGHT - SMALL_BOTTOM
    ends = {"x1": SMALL_LEFT, "x2": SMALL_WIDTH - RIGHT}
    parts = [element("line", y1=base, y2=base, **ends, **AXIS)]
    style = {"font_size": 11, "class_": "tick"}
    for size, y in sizes.items():
        place = {"x": SMALL_LEFT - 5, "y": y + 4, **END}
        parts.append(element("text", f"{size:g}", **place))
    for year, x in years.items():
        place = {"x": x, "y": base + 15, "text_anchor": "middle"}
        parts.append(element("text", f"{year}", **place, **style))
    place = {"x": SMALL_WIDTH - RIGHT, "y": base + 30, **END}
    return [*parts, element("text", "years", **place)]


def bar(share, *, signed=False):
    """Returns a horizontal bar: share, 0 to 1, of its full length.

    Args:
        share: float; signed, from -1, and the colour is that of a map of the sign.
        signed: bool.
    """
    width = f"{100 * min(abs(share) if signed else max(share, 0.0), 1.0):.2f}%"
    inner = element("span", style=f"width: {width}")
    sign = (" lowers" if share < 0 else " raises") if signed else ""
    return element("span", inner, class_=f"bar{sign}", aria_hidden="true")


def _bars(targets, low, high, step, x_of):
    """A histogram, two bars between two ticks."""
    edges = np.arange(low, high + step / 4, step / 2)
    counts, edges = np.histogram(targets, edges)
    tallest = max(int(counts.max()), 1)
    room = HEIGHT - BOTTOM - TOP
    bars = []
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if not count:
            continue
        height = round(room * int(count) / tallest, 2)
        words = f"{left:g} to {right:g}: {count} case{'s' if count > 1 else ''}"
        place = {"x": x_of(left) + 0.5, "y": round(HEIGHT - BOTTOM - height, 2)}
        size = {"width": round(x_of(right) - x_of(left) - 1, 2), "height": height}
        tip = element("title", words)
        style = {"class_": "cases", "fill": "#8a949f"}
        bars.append(element("rect", tip, **style, **place, **size))
    return bars


def _words(text, x, y, kind):
    """A text centred at x that does not leave the picture."""
    # A character is about 7 units wide, of the bold value 9.
    half = len(text) * (4.5 if kind == "value-text" else 3.5)
    x = min(max(x, half + 1), WIDTH - half - 1)
    style = {"text_anchor": "middle", "font_size": 13, "class_": kind}
    return element("text", text, x=round(x, 2), y=y, **style)


def _scale(low, high):
    """Round ends about a range, and a step between ticks: about eight of them."""
    rough = max(high - low, 0.1 * max(abs(high), 1.0)) / 8
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(s for s in STEPS if s * magnitude >= rough * (1 - 1e-9)) * magnitude
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, max(last, first + 1) * step, step
