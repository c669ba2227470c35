"""The 3-D viewer in a browser: overlay, legend, opacity, cross hair, no network."""

import io
import time

import matplotlib.image
import numpy as np
import pytest

from medzoo.serve.page_routes import has_niivue
from tests.serve.browser import WIDTHS, finish, press, reach, violations

# Whether a canvas shows anything but grey.
COLOURED = """(canvas) => {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  for (let at = 0; at < pixels.length; at += 4) {
    if (Math.abs(pixels[at] - pixels[at + 2]) > 20) return true;
  }
  return false;
}"""

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


def becomes_grey(view, seconds=30):
    """Whether colours go; a slow machine draws late."""
    end = time.monotonic() + seconds
    while coloured(view) and time.monotonic() < end:
        view.wait_for_timeout(100)
    return coloured(view) == 0


def axial(view):
    """Cuts the head where all its classes are, with nothing else in colour."""
    view.get_by_label("Views").select_option("Axial")
    view.locator(".scene").get_by_role("checkbox", name="Cross hair").uncheck()


def test_classes_lie_over_the_scan_as_opacity_and_legend_say(scene):
    axial(scene)
    assert coloured(scene) > 500
    opacity = scene.locator(".scene-opacity")
    opacity.fill("0")
    assert becomes_grey(scene)
    opacity.fill("100")
    whole = coloured(scene)
    boxes = scene.locator("input[data-class]")
    boxes.nth(0).uncheck()
    scene.wait_for_timeout(300)
    assert 0 < coloured(scene) < whole
    boxes.nth(1).uncheck()
    assert becomes_grey(scene)


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


def test_many_classes_leave_the_background_clear(page, head):
    def with_more_rows(route):
        text = route.fetch().text()
        rows = "".join(
            f'<tr><td><input type="checkbox" checked hidden data-class="{number}">'
            f'<th scope="row"><span class="name">region {number}</span></th></tr>'
            for number in range(3, 150)
        )
        at = text.index("</tbody>", text.index("data-class"))
        route.fulfill(body=text[:at] + rows + text[at:], content_type="text/html")

    view = page.page
    view.route("**/view.html", with_more_rows)
    view.set_input_files("#files", head)
    view.wait_for_selector("#scans li:not(.pending)")
    view.click("#run")
    finish(view)
    view.get_by_role("button", name="3-D view").click()
    view.wait_for_selector(".scene-controls")
    axial(view)

    assert view.locator("input[data-class]").count() == 149
    assert coloured(view) > 500
    view.locator("input[data-class]").nth(0).uncheck()
    view.locator("input[data-class]").nth(1).uncheck()
    assert becomes_grey(view)


def test_an_explanation_lies_over_slices_and_3d_by_the_keyboard_alone(page, head):
    view = page.page
    view.set_input_files("#files", head)
    view.wait_for_selector("#scans li:not(.pending)")
    press(view, view.locator("#model-tiny_tissue"), "Space")
    press(view, view.locator("#model-tiny_age"), "Space")
    press(view, view.locator("#run"))
    finish(view)
    press(view, view.get_by_role("button", name="Explain"))
    own = view.get_by_role("article", name="Explanation of tiny_age, head")
    own.get_by_text("Done in").wait_for(timeout=500_000)
    canvas = own.locator(".viewer canvas").first
    canvas.wait_for()

    assert view.get_by_role("button", name="Explain").is_disabled()
    assert canvas.evaluate(COLOURED)
    press(view, own.locator(".opacity"), "Home")
    assert not canvas.evaluate(COLOURED)
    assert violations(view) == []
    press(view, own.get_by_role("button", name="3-D view"))
    view.wait_for_selector(".scene-controls")
    assert violations(view) == []
    views = view.get_by_label("Views")
    reach(view, views)
    while views.evaluate("one => one.selectedOptions[0].text") != "Axial":
        view.keyboard.press("ArrowDown")
    press(view, own.get_by_role("checkbox", name="Cross hair"), "Space")
    press(view, view.locator(".scene-opacity"), "End")
    assert coloured(view) > 100
    press(view, view.locator(".scene-opacity"), "Home")
    assert becomes_grey(view)
    # The canvas takes arrow keys, and lets the next Tab go on.
    reach(view, view.locator(".scene-frame canvas"))
    place = view.locator(".scene-place")
    before = place.text_content()
    view.keyboard.press("PageUp")
    assert place.text_content() != before
    press(view, own.get_by_role("button", name="Slices"))
    canvas.wait_for()
    press(view, own.get_by_role("button", name="Remove"))
    own.wait_for(state="detached")
    assert view.get_by_role("button", name="Explain").is_enabled()
    assert page.said == []
