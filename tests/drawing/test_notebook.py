"""Volume and Prediction draw themselves."""

import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from medzoo.errors import InputError
from medzoo.inference.prediction import Prediction
from medzoo.volume import Volume


class Pictures(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "iframe", "link")
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(self.texts)


def segmentation(volume, **changes):
    labels = volume.with_array(np.digitize(volume.array, (80, 140)).astype(np.uint8))
    names = ["background", "grey <b>", "white"]
    content = {
        "labels": labels,
        "class_names": names,
        "volumes_ml": {"grey <b>": 700.0, "white": 500.0},
        "warnings": ("bright & odd",),
    }
    return Prediction("segmentation", "tiny@1.0", **{**content, **changes})


def test_a_volume_shows_three_slices_and_its_facts(head_phantom):
    head = head_phantom((4.0, 4.0, 8.0), "LPS")
    volume = Volume(head.array, head.affine, warnings=("odd <i>",))
    page = volume._repr_html_()
    shown = Pictures(page)
    assert [image["title"] for image in shown.images] == [
        "coronal",
        "sagittal",
        "axial",
    ]
    assert all(i["src"].startswith("data:image/png;base64,") for i in shown.images)
    assert all(image["alt"] for image in shown.images)
    assert "44 x 55 x 26 voxels of 4 x 4 x 8 mm, LPS, float32" in shown.text
    assert "Warning: odd <i>" in shown.text
    assert "Radiological convention" in shown.text
    assert len(page) < 100_000


def test_a_prediction_shows_what_it_says_and_its_classes(head_phantom):
    found = segmentation(head_phantom(6.0))
    shown = Pictures(found._repr_html_())
    assert len(shown.images) == 3
    for text in ("tiny@1.0", str(found), "grey <b>", "white", "Warning: bright & odd"):
        assert text in shown.text
    colours = re.findall(r"rgb\([0-9,]+\)", found._repr_html_())
    assert len(set(colours)) == 2


def test_a_prediction_of_a_number_has_no_picture_until_it_has_a_scan(head_phantom):
    found = Prediction("regression", "age@1.0", value=40.0, unit="years")
    shown = Pictures(found._repr_html_())
    assert shown.images == []
    assert "40.0 years" in shown.text
    with pytest.raises(InputError, match="scan=None"):
        found.plot()
    figure = found.plot(head_phantom(8.0))
    assert len([a for a in figure.axes if a.get_images()]) == 3


def test_an_image_is_shown(head_phantom):
    volume = head_phantom(8.0)
    found = Prediction("super_resolution", "fine@1.0", image=volume)
    assert len(Pictures(found._repr_html_()).images) == 3
    assert found.plot().axes[0].get_images()


def test_labels_are_plotted_over_the_scan(head_phantom):
    pytest.importorskip("matplotlib")
    volume = head_phantom(8.0)
    found = segmentation(volume)
    figure = found.plot(volume)
    assert [len(axes.get_images()) for axes in figure.axes] == [2, 2, 2, 0]
    with pytest.raises(InputError, match="shape of the label map"):
        found.plot(head_phantom(12.0))


def test_plot_names_the_extra_where_matplotlib_is_missing(head_phantom, monkeypatch):
    monkeypatch.delitem(sys.modules, "medzoo.drawing.figure", raising=False)
    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    volume = head_phantom(12.0)
    with pytest.raises(InputError, match=r"medzoo\[demo\]"):
        volume.plot()
    assert volume._repr_html_()
