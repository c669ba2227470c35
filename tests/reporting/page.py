"""A report, read strictly: what is open is closed, and nothing is fetched."""

import base64
import re
import zlib
from html.parser import HTMLParser

import numpy as np

VOID = {"br", "hr", "img", "input", "meta"}
ADDRESSES = ("src", "href", "action", "data", "poster", "srcset", "background")


class Page(HTMLParser):
    """The elements and texts of a page.

    Attributes:
        elements: list of (tag, dict of attributes), in order.
        text: str, all text outside of style and script.
        styles, scripts: list of str.
    """

    def __init__(self, source):
        super().__init__()
        self.source = source
        self.elements, self.styles, self.scripts = [], [], []
        self._open, self._texts, self._rows = [], [], []
        assert source.startswith("<!DOCTYPE html>\n<html lang=")
        self.feed(source)
        self.close()
        assert self._open == []
        ids = [a["id"] for _, a in self.elements if "id" in a]
        assert len(ids) == len(set(ids))
        self.text = re.sub(r"\s+", " ", " ".join(self._texts))

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open, tag
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] in ("style", "script"):
            (self.styles if self._open[-1] == "style" else self.scripts).append(data)
            return
        self._texts.append(data)
        if "td" in self._open or "th" in self._open:
            self._rows[-1][-1] += data

    def all(self, tag, **wanted):
        """The attributes of all elements of a kind, dicts."""
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(k) == v for k, v in wanted.items())
        ]

    @property
    def rows(self):
        """The cells of all rows of all tables, lists of str."""
        return self._rows

    def voxels(self, layer, viewer=0):
        """The voxels that a viewer holds, `(x, y, z)` uint8."""
        (found,) = self.all("div", **{"class": "viewer"})[viewer : viewer + 1]
        shape = tuple(map(int, found["data-shape"].split()))
        content = zlib.decompress(base64.b64decode(found[f"data-{layer}"]))
        return np.frombuffer(content, np.uint8).reshape(shape)

    def fetched(self):
        """What would come from elsewhere: addresses but data: and #, imports, fonts."""
        found = [
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in ADDRESSES and not value.startswith(("data:image/png;", "#"))
        ]
        styles = " ".join(
            [*self.styles, *(a.get("style", "") for _, a in self.elements)]
        )
        found += re.findall(r"url\([^)]*\)|@import|@font-face", styles)
        for script in self.scripts:
            found += re.findall(
                r"https?:|fetch\(|XMLHttpRequest|\bimport\b|WebSocket|sendBeacon",
                script,
            )
        return found + [tag for tag, _ in self.elements if tag in ("link", "iframe")]
