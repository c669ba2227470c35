"""HTML elements made of Python values; whatever is not markup already is escaped."""

from html import escape

VOID = frozenset(("br", "hr", "img", "input", "meta"))


class Markup(str):
    """Text that is HTML and goes into a page as it stands."""

    __slots__ = ()


def element(tag, *children, **attributes):
    """Returns one element.

    Args:
        tag: str.
        *children: `Markup` as it stands, other values escaped; lists and tuples are
            taken one by one, None is left out.
        **attributes: a trailing underscore is dropped, others become hyphens
            (`class_`, `data_axis`). True is an attribute without a value; None and
            False leave it out.

    Returns:
        `Markup`.
    """
    opening = f"<{tag}{''.join(map(_attribute, attributes.items()))}>"
    if tag in VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(children)}</{tag}>")


def join(children):
    """Returns children one after the other, as `element` takes them; `Markup`."""
    return Markup("".join(map(_child, children)))


def table(rows, **attributes):
    """Returns a table of two columns: rows of (what, value); None values go out."""
    lines = [
        element("tr", element("th", what, scope="row"), element("td", value))
        for what, value in rows
        if value is not None
    ]
    return element("table", element("tbody", lines), **attributes)


def _child(child):
    if child is None:
        return ""
    if isinstance(child, (list, tuple)):
        return join(child)
    return child if isinstance(child, Markup) else escape(_visible(str(child)))


def _attribute(item):
    name, value = item
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escape(_visible(str(value)))}"'


def _visible(text):
    """Control characters, which HTML forbids, become a sign that one sees."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
