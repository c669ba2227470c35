"""The 3-D viewer in a browser: overlay, legend, opacity, cross hair, no network."""

import io

import matplotlib.image
import numpy as np
import pytest

from medzoo.serve.page_routes import has_niivue
from tests.serve.browser import WIDTHS, finish, violations

pytestmark = [
    pytest.mark.extended,
    pytest.mark.skipif(
        not has_niivue(), reason="NiiVue is not built in (pip install -e . with npm)"
    ),
]


@pytest.fixture
def scene(page, head):
    """The page with a result in its 3-D view, and what it complained of."""
    view = page.page
    view.set_input_files("#files", head)
    view.wait_for_selector("#scans li:not(.pending)")
    view.click("#run")
    finish(view)
    view.get_by_role("button", name="3-D view").click()
    view.wait_for_selector(".scene-controls")
    yield view
    assert page.said == []


def coloured(view):
    """How many pixels of the axial slice are neither grey nor a cross hair."""
    picture = view.locator(".scene-frame").screenshot()
    pixels = matplotlib.image.imread(io.BytesIO(picture))[..., :3]
    return int((np.ptp(pixels, axis=-1) > 0.15).sum())


def axial(view):
    """Cuts the head where all its classes are, with nothing else in colour."""
    view.get_by_label("Views").select_option("Axial")
    view.locator(".scene").get_by_role("checkbox", name="Cross hair").uncheck()


def test_classes_lie_over_the_scan_as_opacity_and_legend_say(scene):
    axial(scene)
    assert coloured(scene) > 500
    opacity = scene.locator(".scene-opacity")
    opacity.fill("0")
    assert coloured(scene) == 0
    opacity.fill("100")
    whole = coloured(scene)
    boxes = scene.locator("input[data-class]")
    boxes.nth(0).uncheck()
    scene.wait_for_timeout(300)
    assert 0 < coloured(scene) < whole
    boxes.nth(1).uncheck()
    scene.wait_for_timeout(300)
    assert coloured(scene) == 0


def test_the_place_of_the_cross_hair_is_told_with_its_class(scene):
    place = scene.locator(".scene-place")
    names = scene.locator("button.name")
    for number in range(names.count()):
        names.nth(number).click()
        assert place.text_content().endswith(f": {names.nth(number).text_content()}")
    before = place.text_content()
    scene.locator(".scene-frame canvas").focus()
    scene.keyboard.press("PageUp")
    assert place.text_content() != before
    assert " mm " in place.text_content()


def test_the_3d_view_is_coloured_and_can_be_cut(scene):
    scene.get_by_role("checkbox", name="Cross hair").uncheck()
    scene.get_by_label("Views").select_option("3-D")
    frame = scene.locator(".scene-frame")
    whole = frame.screenshot()
    assert coloured(scene) > 500
    scene.get_by_label("Cut away in 3-D").select_option("left half")
    assert frame.screenshot() != whole


def test_the_slices_come_back(scene):
    scene.get_by_role("button", name="Slices").click()

    assert scene.locator(".scene").count() == 0
    assert scene.locator(".viewer canvas").first.is_visible()
    # A second view begins anew.
    scene.get_by_role("button", name="3-D view").click()
    scene.wait_for_selector(".scene-controls")
    axial(scene)
    assert coloured(scene) > 500


def test_axe_finds_no_fault_in_it_at_any_width(scene):
    for width, height in WIDTHS.values():
        scene.set_viewport_size({"width": width, "height": height})
        assert violations(scene) == []
        beyond = "document.documentElement.scrollWidth - window.innerWidth"
        assert scene.evaluate(beyond) <= 0
