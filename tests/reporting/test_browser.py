"""The report in a browser: search, places, paper, contrast, and nothing fetched."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.reporting.sessions import Visit
from medzoo.reporting.sheet import ReportSheet

pytestmark = pytest.mark.extended

REGIONS = [f"{side} region {n}" for n in range(1, 16) for side in ("left", "right")]
PHONE, LAPTOP = (390, 844), (1280, 800)
MILLISECONDS = 60_000
BEYOND = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture
def opened(chromium, tmp_path, recipe_of, case_of):
    """A function that opens the report of cases with thirty regions."""
    contexts = []

    def make(cases):
        recipe = recipe_of("segmentation")
        recipe["class_names"] = ["background", *REGIONS]
        sheet = ReportSheet(tmp_path / "a.html", recipe)
        sheet.begin(len(cases), visits={name: Visit("x") for name in cases})
        for number, name in enumerate(cases):
            case, found = case_of(recipe, warnings=("dim",) * number)
            labels = np.zeros(case.volume.shape, np.uint8)
            # Region 3 is a block away from the middle; the first one is large.
            labels[3:6, 4:7, 5:8] = 3
            labels[10:, 10:, 10:] = 1
            sizes = {n: float(i + number) for i, n in enumerate(REGIONS)}
            own = {
                "labels": case.volume.with_array(labels),
                "volumes_ml": sizes,
                "class_names": recipe["class_names"],
            }
            found = type(found)(**{**vars(found), **own})
            sheet.predicted(name, {"t1": case.volume}, *case, found)
        context = chromium.new_context(
            viewport=dict(zip(("width", "height"), LAPTOP, strict=True))
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(MILLISECONDS)
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(sheet.write().as_uri())
        return SimpleNamespace(page=page, asked=asked, said=said)

    yield make
    for context in contexts:
        context.close()


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found]


def shown_rows(page):
    rows = page.locator(".with-bars tbody tr")
    return [rows.nth(i).locator("th").inner_text() for i in range(rows.count())
            if rows.nth(i).is_visible()]  # fmt: skip


def test_regions_are_found_by_words_of_their_name_with_the_keyboard(opened):
    page = opened(["a"]).page
    page.wait_for_selector(".viewer canvas:not([hidden])")
    assert len(shown_rows(page)) == len(REGIONS)
    page.locator(".search input").focus()
    page.keyboard.type("2 LEFT")
    assert shown_rows(page) == ["left region 2", "left region 12"]
    assert page.locator(".found").inner_text() == f"2 of {len(REGIONS)} shown"

    # Enter cuts the views through the first one.
    assert not page.locator(".cross").first.is_visible()
    page.keyboard.press("Enter")
    assert page.locator(".cross").first.is_visible()
    at = page.locator(".slider .at").all_inner_texts()
    # Axial, coronal, sagittal; the head lies in LPS, the views count in RAS.
    assert [int(text.split("/")[0]) for text in at] == [7, 44 - 5, 35 - 4]

    # Only what was found is laid over the scan, until all is shown again.
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    checked = page.locator("input[data-class]:checked")
    assert checked.count() == 2
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert checked.count() == len(REGIONS)
    assert len(shown_rows(page)) == len(REGIONS)


def test_sessions_are_sorted_and_searched(opened):
    page = opened(["a", "b"]).page
    table = page.locator("table.compared tbody tr")
    assert table.count() == len(REGIONS) + 1
    page.get_by_role("button", name=re.compile("Percent")).click()
    # All differ by 1 ml, their sum by 30 of 435: the largest shares stand last.
    assert table.first.locator("th").inner_text() == f"{REGIONS[-1]} (ml)"
    assert table.nth(1).locator("td").last.inner_text() == "+3.6"
    page.locator(".sessions .search input").fill("right 15")
    assert page.locator("table.compared tbody tr:visible").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_and_nothing_is_wider_than_the_screen(opened, scheme):
    one = opened(["a", "b"])
    page = one.page
    page.emulate_media(color_scheme=scheme)
    for summary in page.locator("details.case > summary").all():
        summary.click()
    page.wait_for_selector(".viewer canvas:not([hidden])")
    for width, height in (PHONE, LAPTOP):
        page.set_viewport_size({"width": width, "height": height})
        assert violations(page) == []
        assert page.evaluate(BEYOND) <= 0
    assert one.said == []
    assert [url for url in one.asked if not url.startswith(("file:", "data:"))] == []


def test_paper_shows_every_case_and_region_and_no_control(opened):
    page = opened(["a", "b"]).page
    page.locator("details.case > summary").first.click()
    page.locator(".case .search input").first.fill("left 3")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.case[open]").count() == 2
    assert len(shown_rows(page)) == 2 * len(REGIONS)
    for part in (".controls", ".slider", ".search", "input[data-class]"):
        assert not page.locator(part).first.is_visible(), part
    page.set_viewport_size({"width": 704, "height": 1000})
    assert page.evaluate(BEYOND) <= 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.case[open]").count() == 1
    assert page.pdf(format="A4").startswith(b"%PDF")
